// From a real store to rows: a run is created, its trajectories are journaled, ended and scored.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { exportDataset } from '../../src/datasets/index.ts'
import { newId } from '../../src/ids.ts'
import { openStore } from '../../src/store/index.ts'
import type { JournalEntry, Store } from '../../src/store/index.ts'
import {
  aCall,
  aCell,
  aMessage,
  anEnd,
  anInvocation,
  aPlannedRun,
  aRun,
  aScore,
  aTask,
  aTurn,
  now,
  streamOf,
} from '../store/fixtures.ts'
import { readRows, temporaryDirectory } from './reading.ts'

let store: Store | undefined
afterAll(async () => await store?.close())

/** Two turns; the first runs a cell that makes a sub-call. The texts are hard for databases. */
function journal(runId: string, trajectoryId: string, name: string): JournalEntry[] {
  const place = { runId, trajectoryId }
  const invocation = anInvocation(place)
  const calls = [0, 1].map((turn) =>
    aCall(place, invocation.id, { response: `${name} reply ${turn} 😀\u0000` }),
  )
  const contents = [`${name}?`, calls[0]?.response ?? '', 'x'.repeat(200_000)]
  const entries: JournalEntry[] = [{ table: 'invocations', row: invocation }]
  for (const [index, content] of contents.entries()) {
    const role = index === 1 ? 'assistant' : 'user'
    entries.push({ table: 'messages', row: aMessage(place, invocation.id, { index, role, content }) })
  }
  for (const [index, call] of calls.entries()) {
    const turn = aTurn(place, invocation.id, call.id, { index, promptMessages: index === 0 ? 1 : 3 })
    entries.push({ table: 'calls', row: call }, { table: 'turns', row: turn })
    if (index > 0) continue
    const cell = aCell(place, invocation.id, turn.id, { stdout: 'a\u0000b' })
    const inner = { kind: 'llm', cellId: cell.id, depth: 1, prompt: 'sub question', id: newId() }
    entries.push({ table: 'cells', row: cell }, { table: 'calls', row: aCall(place, invocation.id, inner) })
  }
  return entries
}

test('rows of a real store hold what was journaled, in order', async () => {
  const directory = await temporaryDirectory()
  const opened = (store = await openStore(join(directory, 'store')))
  const { runId, planned } = await aPlannedRun(opened, directory, { tasks: 3, rollouts: 2 })
  // Ended in reverse, as concurrent rollouts may.
  for (const [index, { id, taskId, rollout }] of planned.toReversed().entries()) {
    await opened.beginTrajectory(id, now())
    await opened.append(journal(runId, id, `${taskId} ${rollout}`))
    await opened.endTrajectory(id, anEnd({ answer: taskId, turns: 2 }), now())
    if (index > 0) await opened.addScores([aScore({ runId, trajectoryId: id }, { value: index / 10 })])
  }

  const turnsDirectory = join(directory, 'turns')
  const turns = await exportDataset({
    store: opened,
    runIds: [runId],
    recipe: 'sft-turns',
    directory: turnsDirectory,
    evalFraction: 0,
  })
  const rows = await readRows(join(turnsDirectory, 'data/train-00000-of-00001.parquet'))
  expect(rows.map((row) => (row['completion'] as { content: string }[])[0]?.content)).toEqual(
    planned.flatMap(({ taskId, rollout }) =>
      [0, 1].map((turn) => `${taskId} ${rollout} reply ${turn} 😀\u0000`),
    ),
  )
  expect(rows[1]?.['prompt']).toEqual([
    { role: 'user', content: 'task-0 0?' },
    { role: 'assistant', content: 'task-0 0 reply 0 😀\u0000' },
    { role: 'user', content: 'x'.repeat(200_000) },
  ])
  expect(rows.map((row) => row['reward'])).toEqual([
    0.5,
    0.5,
    0.4,
    0.4,
    0.3,
    0.3,
    0.2,
    0.2,
    0.1,
    0.1,
    null,
    null,
  ])
  expect(rows.every((row) => row['scripted'] === true)).toBe(true)
  expect(await readFile(join(turnsDirectory, 'README.md'), 'utf8')).toContain('**SCRIPTED')

  const whole = join(directory, 'trajectories')
  await exportDataset({
    store: opened,
    runIds: [runId],
    recipe: 'trajectories',
    directory: whole,
    minReward: 0.4,
  })
  const files = await opened.listDatasets()
  expect(files.map(({ recipe, rows: count }) => [recipe, count])).toEqual([
    ['trajectories', 2],
    ['sft-turns', 12],
  ])
  expect(await opened.findDataset(turns.datasetId)).toMatchObject({
    directory: turnsDirectory,
    files: turns.files,
    funnel: turns.funnel,
    scripted: true,
  })
  const [first] = await readRows(join(whole, 'data/train-00000-of-00001.parquet'))
  expect(first).toMatchObject({
    task_id: 'task-0',
    context_type: 'str',
    cells: [{ turn: 0, index: 0, stdout: 'a\u0000b', calls: 1 }],
    calls: [{ kind: 'llm', prompt: 'sub question', response: 'an answer', depth: 1 }],
  })
})

test('what is redacted is nowhere, also where tasks are read by the page', async () => {
  const directory = await temporaryDirectory()
  await store?.close()
  const opened = (store = await openStore(join(directory, 'store')))
  const key = `hf_${'q'.repeat(34)}`
  const run = aRun({ rollouts: 1 })
  await opened.createRun(run)
  const tasks = await Promise.all(
    [0, 1, 2].map((at) => aTask(directory, `keys-${at}`, { prompt: `Use ${key} for ${at}.` })),
  )
  await opened.addTasks(run.id, streamOf(tasks), 1, 7)
  for (const { id, taskId } of await opened.pendingTrajectories(run.id)) {
    await opened.beginTrajectory(id, now())
    await opened.append(journal(run.id, id, `${taskId} with ${key}`))
    await opened.endTrajectory(id, anEnd({ answer: key, turns: 2 }), now())
  }
  const out = join(directory, 'redacted')
  const recipe = ['trajectories', 'sft-turns']
  await exportDataset({
    store: opened,
    runIds: [run.id],
    recipe,
    directory: out,
    clean: ['secrets'],
    evalFraction: 0,
  })
  for (const name of recipe) {
    const rows = await readRows(join(out, `data/${name}/train-00000-of-00001.parquet`))
    const text = JSON.stringify(rows, (_key, value: unknown) =>
      typeof value === 'bigint' ? Number(value) : value,
    )
    expect(text).toContain('[REDACTED')
    expect(text).not.toContain(key)
  }
})
