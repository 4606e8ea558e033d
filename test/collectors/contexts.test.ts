// Several contexts of one task: from the task file to the cell, as shared files.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { newRun } from '../../api/compose.ts'
import { createContextCache, writeContexts } from '../../collectors/context-cache.ts'
import { planRun, runJob } from '../../collectors/job.ts'
import { createProtocol } from '../../collectors/protocols/index.ts'
import { createTableModel } from '../../src/models/index.ts'
import { runFileSchema } from '../../src/run-file.ts'
import { packContexts, unpackContexts } from '../../src/tasks/several.ts'
import { materializeContext } from '../../src/tasks/context.ts'
import { taskFile } from '../../src/tasks/files.ts'
import { useWorkbench } from '../support/rollouts.ts'
import { answer, code, turnsOf } from './rolling.ts'

const bench = useWorkbench('contexts')

/** Collects a task file whose policy writes `responses`, and gives the trajectories. */
async function collect(lines: object[], responses: string[], id: 'rlm' | 'direct' = 'rlm') {
  const file = path.join(bench.directory, `tasks-${Math.random()}.jsonl`)
  await writeFile(file, lines.map((line) => JSON.stringify(line)).join('\n'))
  const config = runFileSchema.parse({
    name: 'contexts',
    tasks: file,
    rollouts: 2,
    model: { provider: 'scripted', name: 'table' },
    limits: { maxTurns: 4 },
  })
  const protocol = createProtocol({ id })
  const policy = createTableModel(responses)
  const models = { policy, sub: policy, child: policy, named: new Map([[policy.name, policy]]) }
  const taskset = taskFile(file)
  const { store, sandbox } = bench
  const run = newRun({ config, configHash: 'x', protocol, models, rewards: [], taskset, scripted: true })
  await store.createRun(run)
  const job = { store, runId: run.id, config, signal: new AbortController().signal, emit: () => {} }
  await planRun({ ...job, taskset })
  await runJob({ ...job, protocol, sandbox: id === 'direct' ? null : sandbox, models, score: null })
  const { items } = await store.listTrajectories(run.id, { limit: 10 })
  return await Promise.all(items.map(async (item) => await store.readTrajectory(item.id)))
}

describe('several contexts', () => {
  it('are context_0 and on, and the turn prompts tell of them as the reference does', async () => {
    const line = { id: '1', prompt: 'q', contexts: ['line \u{1F600}\r\n', [1, 'a'], { k: 'ab' }, ''] }
    const trajectories = await collect(
      [line],
      [
        code('print(repr(context), context is context_0, context_1, context_2, repr(context_3))'),
        answer('x'),
      ],
    )
    expect(trajectories).toHaveLength(2)
    for (const trajectory of trajectories) {
      const [first, second] = turnsOf(trajectory)
      expect(first?.cells[0]?.stdout).toBe("'line \u{1F600}\\r\\n' True [1, 'a'] {'k': 'ab'} ''\n")
      const note = '\n\nNote: You have 4 contexts available (context_0 through context_3).'
      expect(first?.call.messages.at(-1)?.content.endsWith(`Turn 1/4:${note}`)).toBe(true)
      expect(second?.call.messages.at(-1)?.content).toBe(`Turn 2/4:${note}`)
      expect(first?.call.messages[1]?.content).toContain('Your context is a str of 0 total characters.')
    }
  })

  it('come from files too, and without a REPL stand one after the other in the prompt', async () => {
    await mkdir(path.join(bench.directory, 'books'), { recursive: true })
    await writeFile(path.join(bench.directory, 'books/one.txt'), 'first')
    await writeFile(path.join(bench.directory, 'books/two.json'), '{"a": 2}')
    const [trajectory] = await collect(
      [{ id: '1', prompt: 'q', contextFiles: ['books/one.txt', 'books/two.json'] }],
      ['x'],
      'direct',
    )
    expect(trajectory && turnsOf(trajectory)[0]?.call.messages.at(-1)?.content).toBe('first\n\n{"a": 2}\n\nq')
  })

  it('are told apart from one context in the line of a task', async () => {
    for (const [line, said] of [
      [{ id: '1', prompt: 'q', contexts: [] }, 'contexts'],
      [{ id: '1', prompt: 'q', contexts: ['a'], context: 'b' }, 'exactly one of'],
      [{ id: '1', prompt: 'q', contextFiles: ['missing.txt'] }, 'contextFiles: no such file: missing.txt'],
    ] as const) {
      await expect(collect([line], ['x'])).rejects.toThrow(said)
    }
  })

  it('are written to disk once for all rollouts of a task, whatever their size', async () => {
    const parts = path.join(bench.directory, 'parts')
    const big = 'é'.repeat(10 * 2 ** 20)
    const made = await materializeContext(
      {
        kind: 'several',
        contexts: [
          { kind: 'text', text: big },
          { kind: 'json', value: [1] },
        ],
      },
      parts,
    )
    expect(made).toMatchObject({ format: 'several', characters: big.length + 1 })
    // Nothing but the packed file is left.
    expect(await readdir(parts)).toEqual([path.basename(made.file)])
    const unpacked = await unpackContexts(made.file)
    expect(
      unpacked.map(({ facts, file }) => [facts.type, facts.characters, file.format, file.bytes]),
    ).toEqual([
      ['str', big.length, 'text', 2 * big.length],
      ['list', 1, 'json', 3],
    ])
    const again = await packContexts(
      [{ ...made, format: 'text', type: 'str', file: unpacked[0]?.file.path ?? '', bytes: 2 * big.length }],
      path.join(bench.directory, 'again'),
    )
    expect(again.hash.equals(made.hash)).toBe(false)
  })

  it('that are damaged in the store are said to be', async () => {
    const file = path.join(bench.directory, 'damaged')
    await writeFile(file, '{"contexts": [{"format": "text"}]}\nabc')
    await expect(unpackContexts(file)).rejects.toThrow('not a file of several contexts')
    await expect(writeContexts(bench.store, '0'.repeat(64), file)).rejects.toThrow('no task')
  })
})

it('a context is there for a rollout that starts while the last one of a round ends', async () => {
  const [trajectory] = await collect([{ id: '1', prompt: 'q', context: 'the context' }], [answer('x')])
  const { hash } = await bench.store.readTask(trajectory?.runId ?? '', trajectory?.taskId ?? '')
  const place = path.join(bench.directory, 'cache')
  const cache = createContextCache(bench.store, place)
  const rollout = async () =>
    await cache.with(hash, async ({ files }) => await readFile(files[0]?.path ?? '', 'utf8'))
  // Each begins when the one before has just ended: while its files are being removed.
  const texts: Promise<string>[] = []
  for (let count = 0; count < 100; count += 1) {
    const text = rollout()
    texts.push(text)
    while ((await Promise.race([text, new Promise((resolve) => setImmediate(resolve, null))])) === null) {
      const { promise, resolve } = Promise.withResolvers<null>()
      setImmediate(resolve, null)
      if (count % 3 !== 0) break
      await promise
    }
  }
  expect(new Set(await Promise.all(texts))).toEqual(new Set(['the context']))
  expect(await readdir(place)).toEqual([])
})
