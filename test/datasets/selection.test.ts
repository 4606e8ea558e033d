// Selection through the door of the export: conditions, choices per task, the funnel of each.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exportDataset, type ExportOptions, previewExport } from '../../src/datasets/index.ts'
import { makeCell, makeContent, makeRun, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { readRows, temporaryDirectory } from './reading.ts'

type Content = ReturnType<typeof makeContent>

/** Two tasks in a run: rewards of the rollouts of each, and turns of each rollout by its number. */
function content(
  rewards: (number | null)[][] = [
    [1, 0.5, 0, null],
    [0, 0, 0.25, 0.25],
  ],
): Content {
  const made = makeContent(rewards.length, 0)
  made.trajectories = rewards.flatMap((list, task) =>
    list.map((reward, rollout) =>
      makeTrajectory('run-1', `task-${task}`, rollout, {
        reward,
        turns: makeTurns(
          'q',
          Array.from({ length: 4 - rollout }, (_, turn) => `reply ${turn}`),
        ),
        usage: {
          inputTokens: 100 * (rollout + 1),
          outputTokens: 0,
          calls: 9,
          costUsd: rollout === 0 ? null : 1,
        },
      }),
    ),
  )
  return made
}

async function select(made: Content, changes: Partial<ExportOptions>) {
  const store = createMemoryStore(made)
  const runIds = made.runs.map(({ id }) => id)
  const preview = await previewExport({ store, runIds, recipe: 'trajectories', ...changes })
  if (preview.trajectories === 0) return { preview, ids: [] as string[], rows: [], funnel: preview.funnel }
  const directory = join(await temporaryDirectory(), 'set')
  const result = await exportDataset({
    store,
    runIds,
    recipe: 'trajectories',
    evalFraction: 0,
    ...changes,
    directory,
  })
  const rows = await readRows(join(directory, 'data/train-00000-of-00001.parquet'))
  const ids = rows.map((row) => `${String(row['task_id']).slice(5)}.${String(row['rollout'])}`)
  // A dry run tells what the export does, up to what only the trees show.
  expect(result.funnel.slice(0, preview.funnel.length)).toEqual(preview.funnel)
  return { preview, ids, rows, funnel: result.funnel }
}

describe('where', () => {
  test('counts each part, and sees the whole group whatever else is asked', async () => {
    const { ids, funnel } = await select(content(), {
      where: 'group.max = 1 and reward is not null and group.mean = 0.5 and turns < 4',
    })
    expect(ids).toEqual(['0.1', '0.2'])
    expect(funnel).toEqual([
      { step: 'in the runs', trajectories: 8 },
      { step: 'status done or failed', trajectories: 8 },
      { step: 'group.max = 1', trajectories: 4 },
      { step: 'reward is not null', trajectories: 3 },
      { step: 'group.mean = 0.5', trajectories: 3 },
      { step: 'turns < 4', trajectories: 2 },
      { step: 'exported', trajectories: 2, rows: 2 },
    ])
  })

  test('takes groups that are neither solved nor hopeless', async () => {
    const { ids } = await select(
      content([
        [1, 1],
        [0, 0],
        [1, 0],
        [null, null],
      ]),
      { where: '0 < group.mean < 1' },
    )
    expect(ids).toEqual(['2.0', '2.1'])
  })

  test('counts a group by its run, and passes by the threshold', async () => {
    const made = content([[1, 0]])
    made.runs.push(makeRun('run-2', { model: 'big' }))
    made.trajectories.push(makeTrajectory('run-2', 'task-0', 0, { reward: 0.75 }))
    expect((await select(made, { where: 'group.mean = 0.75 and model = big' })).ids).toEqual(['0.0'])
    expect((await select(made, { where: 'group.pass_at_1 = 1', threshold: 0.75 })).ids).toEqual(['0.0'])
    expect((await select(made, { where: 'group.pass_at_1 = 1', threshold: 0.8 })).ids).toEqual([])
  })

  test('sees the cells that failed and the depth of the tree', async () => {
    const made = content([[1, 1]])
    const cells = [makeCell({ error: { type: 'E', message: '', traceback: '' } })]
    made.trajectories[1] = makeTrajectory('run-1', 'task-0', 1, {
      invocations: [
        {
          id: 'a',
          depth: 0,
          parentCellId: null,
          stopReason: null,
          answer: null,
          turns: makeTurns('q', ['x'], cells),
        },
        { id: 'b', depth: 1, parentCellId: 'cell', stopReason: null, answer: null, turns: [] },
      ],
    })
    expect((await select(made, { where: 'errors = 1 and depth = 1' })).ids).toEqual(['0.1'])
    expect((await select(made, { where: 'errors = 0 and depth = 0' })).ids).toEqual(['0.0'])
  })
})

describe('select', () => {
  test.each([
    ['all', ['0.0', '0.1', '0.2', '0.3', '1.0', '1.1', '1.2', '1.3']],
    ['correct', ['0.0', '0.1']],
    ['best', ['0.0', '1.2']],
    ['best-2', ['0.0', '0.1', '1.2', '1.3']],
    ['shortest', ['0.3', '1.3']],
    // A cost is not known everywhere, so tokens decide.
    ['cheapest', ['0.0', '1.0']],
  ])('%s of each task', async (choice, expected) => {
    expect((await select(content(), { select: choice })).ids).toEqual(expected)
  })

  test('works on what the conditions left, and the cap comes last', async () => {
    const { ids, funnel } = await select(content(), { where: 'turns > 1', select: 'best-3', maxPerTask: 2 })
    expect(ids).toEqual(['0.0', '0.1', '1.0', '1.1'])
    expect(funnel.map(({ step, trajectories }) => [step, trajectories])).toEqual([
      ['in the runs', 8],
      ['status done or failed', 8],
      ['turns > 1', 6],
      ['best-3 of each task', 6],
      ['at most 2 of each task', 4],
      ['exported', 4],
    ])
  })

  test('takes a task of several runs as one', async () => {
    const made = content([[0.5, 0.25]])
    made.runs.push(makeRun('run-2'))
    made.trajectories.push(makeTrajectory('run-2', 'task-0', 0, { reward: 1 }))
    const { rows } = await select(made, { select: 'best' })
    expect(rows.map((row) => row['run_id'])).toEqual(['run-2'])
  })

  test('that is not known is one line', async () => {
    await expect(select(content(), { select: 'best-0' })).rejects.toThrow(
      /"best-0" is not known; allowed: all/,
    )
  })
})

describe("the paper's filters", () => {
  test('drop what has a single turn of the root, also when children had more', async () => {
    const made = content([[1, 1, 1, 1]])
    made.trajectories[0] = makeTrajectory('run-1', 'task-0', 0, {
      invocations: [
        {
          id: 'a',
          depth: 0,
          parentCellId: null,
          stopReason: null,
          answer: null,
          turns: makeTurns('q', ['x']),
        },
        {
          id: 'b',
          depth: 1,
          parentCellId: 'cell',
          stopReason: null,
          answer: null,
          turns: makeTurns('s', ['y', 'z']),
        },
      ],
    })
    const { ids, funnel } = await select(made, { dropSingleTurn: true })
    expect(ids).toEqual(['0.1', '0.2'])
    expect(funnel).toContainEqual({ step: 'more than one turn', trajectories: 3 })
    expect(funnel).toContainEqual({
      step: 'left out: trajectories with a single turn of the root',
      trajectories: 1,
      rows: 1,
    })
  })

  test.each(['sft-turns', 'kto'])(
    'drop turns of %s whose prompt is too long, in code points',
    async (recipe) => {
      const made = content([[1, 1, 1, 1]])
      made.trajectories = [
        // Prompts of 16 + 4 and, with a reply of 3 and a result of 8, of 31 code points.
        makeTrajectory('run-1', 'task-0', 0, { turns: makeTurns('😀😀😀😀', ['abc', 'd']) }),
      ]
      const store = createMemoryStore(made)
      async function rows(maxPromptCharacters: number) {
        const directory = join(await temporaryDirectory(), 'set')
        const options = {
          store,
          runIds: ['run-1'],
          recipe,
          directory,
          recipeOptions: { maxPromptCharacters },
        }
        return await exportDataset(options)
      }
      expect((await rows(31)).rows).toBe(2)
      const one = await rows(30)
      expect(one.rows).toBe(1)
      expect(one.funnel).toContainEqual({
        step: 'left out: prompts of more than 30 characters',
        trajectories: 1,
        rows: 1,
      })
      await expect(rows(19)).rejects.toThrow(/Nothing to export.*exported 0/)
    },
  )
})

test('a dry run reads no tree and writes nothing', async () => {
  const made = content()
  const store = createMemoryStore(made)
  const directory = await temporaryDirectory()
  const preview = await previewExport({
    store,
    runIds: ['run-1'],
    recipe: 'preference',
    where: 'reward > 0.3',
  })
  expect(preview).toMatchObject({ trajectories: 2, tasks: 1 })
  expect(store.reads).toEqual([])
  expect(store.datasets).toEqual([])
  expect(await readdir(directory)).toEqual([])
  const none = await previewExport({ store, runIds: ['run-1'], recipe: 'kto', where: 'reward > 3' })
  expect(none.funnel.at(-1)).toEqual({ step: 'reward > 3', trajectories: 0 })
})
