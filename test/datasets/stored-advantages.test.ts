// `rl-rollouts` with what `descent advantages` stored: by turn, by invocation, by trajectory.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exportDataset } from '../../src/datasets/index.ts'
import type { Advantage, Trajectory } from '../../src/trajectory.ts'
import { makeCell, makeContent, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { readRows, temporaryDirectory } from './reading.ts'
import { withEngineTokens } from './token-fixtures.ts'

function advantage(method: string, value: number, weight: number, place: Partial<Advantage> = {}): Advantage {
  const nowhere = { invocationId: null, turnId: null }
  return { method, version: '1', options: {}, reward: 1, value, weight, ...nowhere, ...place }
}

/** root (two turns) → left, right (one turn each). */
function tree(advantages: Advantage[]): Trajectory {
  const end = { stopReason: 'answered', answer: '' } as const
  const turns = makeTurns('q', ['a', 'b'], [makeCell({ id: 'cell-1' })])
  const children = ['left', 'right'].map((id) => ({
    ...end,
    id,
    depth: 1,
    parentCellId: 'cell-1',
    turns: makeTurns(id, ['d']).map((turn) => ({ ...turn, id: `${id}-turn` })),
  }))
  const root = { ...end, id: 'root', depth: 0, parentCellId: null, turns }
  return makeTrajectory('run-1', 'task-0', 0, { invocations: [root, ...children], advantages })
}

async function exported(advantages: Advantage[], method: string) {
  const trajectories = [tree(advantages)]
  const directory = join(await temporaryDirectory(), 'set')
  const tokens = withEngineTokens(trajectories)
  await exportDataset({
    store: createMemoryStore({ ...makeContent(1, 0), trajectories, tokens }),
    runIds: ['run-1'],
    recipe: 'rl-rollouts',
    evalFraction: 0,
    recipeOptions: { advantage: `stored:${method}` },
    directory,
  })
  const rows = await readRows(join(directory, 'data/train-00000-of-00001.parquet'))
  return rows.map((row) => {
    // The reader leaves a null out.
    const values = (row['advantages'] ?? null) as ArrayLike<number> | null
    const mask = Array.from(row['mask'] as ArrayLike<number>)
    const trained = values === null ? null : Array.from(values).filter((_, index) => mask[index] === 1)
    return [
      row['invocation_id'],
      row['advantage'] ?? null,
      row['loss_weight'],
      trained && [...new Set(trained)],
    ]
  })
}

test('of each invocation, with its own weight', async () => {
  const rows = [
    advantage('rao', 0.5, 1.5, { invocationId: 'root' }),
    advantage('rao', -1, 0.25, { invocationId: 'left' }),
    advantage('grpo', 9, 9, { invocationId: 'right' }),
  ]
  expect(await exported(rows, 'rao')).toEqual([
    ['root', 0.5, 1.5, [0.75]],
    ['left', -1, 0.25, [-0.25]],
    // Nothing is stored of this one: it was never scored, which is not 0.
    ['right', null, 0.5, null],
  ])
})

test('of each turn; a row whose turns differ has no one advantage', async () => {
  const [first, second] = tree([]).invocations[0]?.turns ?? []
  const rows = [
    advantage('monte_carlo', 0.25, 1, { invocationId: 'root', turnId: first?.id ?? '' }),
    advantage('monte_carlo', 0.5, 1, { invocationId: 'root', turnId: second?.id ?? '' }),
  ]
  const [root, left] = await exported(rows, 'monte_carlo')
  expect(root).toEqual(['root', null, 1, [0.25, 0.5]])
  expect(left).toEqual(['left', null, 0.5, null])
})

test('of the trajectory, with the weights of the tree; the newest options count', async () => {
  const rows = [
    advantage('grpo', 7, 1, { options: { reward: 'exact' } }),
    advantage('grpo', 0.5, 1, { options: { reward: null } }),
  ]
  expect(await exported(rows, 'grpo')).toEqual([
    ['root', 0.5, 1, [0.5]],
    ['left', 0.5, 0.5, [0.25]],
    ['right', 0.5, 0.5, [0.25]],
  ])
})

test('what was never computed is asked for', async () => {
  await expect(exported([], 'rao')).rejects.toThrow(
    /no stored advantage by "rao"\. Run descent advantages RUN --method rao first/,
  )
})
