// Preference pairs at a single turn: the responses that were given to one prompt, by value, code or label.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exportDataset, type ExportOptions } from '../../src/datasets/index.ts'
import type { Annotation } from '../../src/store/contract.ts'
import { makeCell, makeContent, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { type ReadRow, readRows, temporaryDirectory } from './reading.ts'

type Content = ReturnType<typeof makeContent>

async function pairsOf(
  content: Content,
  recipeOptions: ExportOptions['recipeOptions'],
  annotations: Annotation[] = [],
) {
  const directory = join(await temporaryDirectory(), 'set')
  const store = createMemoryStore({ ...content, annotations })
  const result = await exportDataset({
    store,
    runIds: ['run-1'],
    recipe: 'preference',
    evalFraction: 0,
    recipeOptions,
    directory,
  })
  return { result, rows: await readRows(join(directory, 'data/train-00000-of-00001.parquet')) }
}

/** One task; each list of replies is a rollout with its reward. */
function rollouts(...list: [reward: number | null, replies: string[]][]): Content {
  const content = makeContent(1, 0)
  content.trajectories = list.map(([reward, replies], rollout) =>
    makeTrajectory('run-1', 'task-0', rollout, { reward, turns: makeTurns('q', replies) }),
  )
  return content
}

function texts(messages: unknown): string[] {
  return (messages as { content: string }[]).map(({ content }) => content)
}

/** What each pair prefers to what, with the place and how many rollouts said either. */
function told(rows: ReadRow[]): string[] {
  return rows.map((row) => {
    const [chosen, rejected] = [texts(row['chosen']), texts(row['rejected'])]
    const counts = `${String(row['chosen_rollouts'])}:${String(row['rejected_rollouts'])}`
    return `${String(row['turn'])} ${chosen.join()} > ${rejected.join()} ${counts} ${String(row['margin'])}`
  })
}

test('goes by the mean reward of all that went on from each response', async () => {
  const content = rollouts(
    [1, ['look', 'a', 'x']],
    [0.5, ['look', 'a', 'y']],
    [0.25, ['look', 'b']],
    [0, ['guess']],
    [null, ['guess']],
  )
  const { rows, result } = await pairsOf(content, { pairBy: 'value' })
  expect(told(rows).toSorted()).toEqual([
    '0 look > guess 3:1 0.5833333333333334',
    '1 a > b 2:1 0.5',
    '2 x > y 1:1 0.5',
  ])
  const one = rows.find((row) => row['turn'] === 1)
  expect(texts(one?.['prompt'])).toEqual(['You have a REPL.', 'q', 'look', 'result 0'])
  expect(one).toMatchObject({ chosen_reward: 0.75, rejected_reward: 0.25, pair_by: 'value' })
  expect(result.funnel).toContainEqual({
    step: 'left out: trajectories without a reward',
    trajectories: 1,
    rows: 1,
  })
  const wide = await pairsOf(content, { pairBy: 'value', minMargin: 0.55, pairsPerTask: 1 })
  expect(told(wide.rows)).toEqual(['0 look > guess 3:1 0.5833333333333334'])
})

test('or by how the code ended, whatever the rewards', async () => {
  const failed = { error: { type: 'NameError', message: 'x', traceback: '' } }
  const content = rollouts([0, ['works', 'a']], [1, ['breaks', 'b']], [null, ['talks']], [0, ['works too']])
  const turns = content.trajectories.map((trajectory) => trajectory.invocations[0]?.turns[0])
  if (turns[1]) turns[1].cells = [makeCell(), makeCell(failed)]
  if (turns[2]) turns[2].cells = []
  const { rows, result } = await pairsOf(content, { pairBy: 'code' })
  expect(told(rows).toSorted()).toEqual(['0 works > breaks 1:1 1', '0 works too > breaks 1:1 1'])
  expect(rows.map((row) => row['chosen_reward'])).toEqual([0, 0])
  const steps = Object.fromEntries(result.funnel.map((step) => [step.step, step.rows]))
  expect(steps['left out: pairs of which one ran no code, or not always with the same end']).toBe(3)
  expect(steps['left out: pairs whose code ended alike']).toBe(1)
})

test('or by the labels that people gave to the turn or its cells', async () => {
  const content = rollouts([0, ['a']], [1, ['b']], [null, ['c']], [0, ['d']])
  for (const trajectory of content.trajectories) {
    for (const turn of trajectory.invocations[0]?.turns ?? []) {
      turn.id = `${trajectory.id}/turn`
      turn.cells = [makeCell({ id: `${trajectory.id}/cell` })]
    }
  }
  const labels = [
    ['run-1/task-0/0', 'turn', 'good'],
    ['run-1/task-0/1', 'cell', 'bad'],
    ['run-1/task-0/2', 'turn', 'bad'],
    ['run-1/task-0/2', 'cell', 'good'],
    ['run-1/task-0/3', 'turn', 'odd'],
  ] as const
  const annotations = labels.map(([trajectoryId, target, label], index) => ({
    id: `note-${index}`,
    runId: 'run-1',
    trajectoryId,
    target,
    targetId: `${trajectoryId}/${target}`,
    label,
    note: '',
    author: 'ann',
    createdAt: '2026-01-01T00:00:00.000Z',
  }))
  const { rows, result } = await pairsOf(content, { pairBy: 'label' }, annotations)
  expect(told(rows)).toEqual(['0 a > b 1:1 1'])
  const steps = Object.fromEntries(result.funnel.map((step) => [step.step, step.rows]))
  expect(steps['left out: pairs of which one has no label good or bad, or both']).toBe(5)
})
