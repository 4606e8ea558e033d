// Selection beyond one run's rows: tasks and trees in conditions, diverse rollouts, caps over tasksets,
// tasks that must not be exported.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, describe, test } from 'vitest'
import { exportDataset, type ExportOptions, previewExport } from '../../src/datasets/index.ts'
import { makeCall, makeCell, makeContent, makeRun, makeTask, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { readRows, temporaryDirectory } from './reading.ts'

type Content = Parameters<typeof createMemoryStore>[0]

async function preview(content: Content, options: Partial<ExportOptions>) {
  const runIds = content.runs.map(({ id }) => id)
  return await previewExport({ store: createMemoryStore(content), runIds, recipe: 'sft-turns', ...options })
}

async function exported(content: Content, options: Partial<ExportOptions>): Promise<string[]> {
  const directory = join(await temporaryDirectory(), 'set')
  const runIds = content.runs.map(({ id }) => id)
  const store = createMemoryStore(content)
  const { files } = await exportDataset({
    store,
    runIds,
    recipe: 'sft-turns',
    evalFraction: 0,
    ...options,
    directory,
  })
  const rows = (await Promise.all(files.map(({ path }) => readRows(join(directory, path))))).flat()
  return [...new Set(rows.map((row) => String(row['trajectory_id'])))]
}

describe('a condition', () => {
  test('can be about the task, and the taskset of the run', async () => {
    const content = makeContent(3, 1)
    content.runs = [makeRun('run-1', { config: { tasks: { taskset: 'needles' } } })]
    content.tasks[1] = makeTask('task-1', { metadata: { taskset: 'mrcr', language: 'English' } })
    expect(await exported(content, { where: 'taskset = needles' })).toEqual([
      'run-1/task-0/0',
      'run-1/task-2/0',
    ])
    expect(await exported(content, { where: 'metadata.language = English' })).toEqual(['run-1/task-1/0'])
    content.runs = [makeRun('run-1', { config: { tasks: 'data/my-tasks.jsonl' }, tags: ['a', 'b'] })]
    const { funnel } = await preview(content, { where: 'tag = b and taskset = my-tasks and tag != c' })
    expect(funnel.map(({ trajectories }) => trajectories)).toEqual([3, 3, 3, 2, 2])
  })

  test('can need the tree, which is read for what the conditions before it left', async () => {
    const content = makeContent(2, 2)
    const calls = [
      makeCall({ kind: 'llm' }),
      makeCall({ kind: 'llm', error: { boundary: 'b', code: 'c', message: '' } }),
    ]
    content.trajectories[0] = makeTrajectory('run-1', 'task-0', 0, {
      turns: makeTurns('😀😀', ['a', 'b', 'c'], [makeCell({ calls })]),
    })
    const store = createMemoryStore(content)
    const where = 'rollout = 0 and root_turns > 2 and sub_calls = 6 and failed_calls = 3'
    const { funnel } = await previewExport({ store, runIds: ['run-1'], recipe: 'sft-turns', where })
    expect(funnel.map(({ trajectories }) => trajectories)).toEqual([4, 4, 2, 1, 1, 1])
    expect(store.reads).toEqual(['run-1/task-0/0', 'run-1/task-1/0'])
    // 16 of the system, 2 of the question, then 1 + 8 a turn, in code points.
    expect(await exported(content, { where: 'prompt_characters = 36' })).toEqual(['run-1/task-0/0'])
  })

  test('can be about time', async () => {
    const content = makeContent(1, 2)
    content.trajectories[1] = makeTrajectory('run-1', 'task-0', 1, { startedAt: '2026-03-01T00:00:00.000Z' })
    expect(await exported(content, { where: 'started >= 2026-03-01' })).toEqual(['run-1/task-0/1'])
  })
})

describe('diverse', () => {
  const words = (name: string) => Array.from({ length: 60 }, (_, index) => `${name}${index}`).join(' ')
  const rewards = [0, 1, 1, 0.5]
  function content(): Content {
    const made = makeContent(1, 0)
    // The first three say nearly the same, the last something else.
    made.trajectories = [words('a'), `${words('a')} end`, `${words('a')} stop`, words('b')].map(
      (text, rollout) =>
        makeTrajectory('run-1', 'task-0', rollout, {
          reward: rewards[rollout] ?? null,
          turns: makeTurns('q', [text]),
        }),
    )
    return made
  }

  test('takes the best, then those that say something else', async () => {
    expect(await exported(content(), { select: 'diverse' })).toEqual(['run-1/task-0/1', 'run-1/task-0/3'])
    expect(await exported(content(), { select: 'diverse-1' })).toEqual(['run-1/task-0/1'])
    expect(await exported(content(), { select: 'diverse-9' })).toHaveLength(4)
  })

  test('several of the shortest and cheapest can be taken too', async () => {
    const made = makeContent(1, 3)
    made.trajectories[0] = makeTrajectory('run-1', 'task-0', 0, { turns: makeTurns('q', ['a', 'b', 'c']) })
    expect(await exported(made, { select: 'shortest-2' })).toEqual(['run-1/task-0/1', 'run-1/task-0/2'])
    expect(await exported(made, { select: 'cheapest-2' })).toHaveLength(2)
  })
})

describe('tasksets', () => {
  function pool(): Content {
    const made = makeContent(6, 2)
    made.tasks = made.tasks.map((task, index) =>
      makeTask(task.id, { metadata: { taskset: index < 4 ? 'large' : 'small' } }),
    )
    return made
  }
  const countOf = (ids: string[], tasks: number[]) =>
    ids.filter((id) => tasks.some((task) => id.includes(`task-${task}/`))).length

  test('are balanced, evenly over their tasks, by the seed', async () => {
    const ids = await exported(pool(), { balance: true })
    expect([countOf(ids, [0, 1, 2, 3]), countOf(ids, [4, 5])]).toEqual([4, 4])
    // One of each of the four tasks of the large one, before a second of any.
    for (const task of [0, 1, 2, 3]) expect(countOf(ids, [task])).toBe(1)
    expect(await exported(pool(), { balance: true })).toEqual(ids)
  })

  test('are capped, over several runs together', async () => {
    const made = pool()
    made.runs.push(makeRun('run-2'))
    made.trajectories.push(makeTrajectory('run-2', 'task-4', 0))
    const ids = await exported(made, { maxPerTaskset: 3 })
    expect([countOf(ids, [0, 1, 2, 3]), countOf(ids, [4, 5])]).toEqual([3, 3])
    const { funnel } = await preview(made, { maxPerTaskset: 3 })
    expect(funnel.at(-1)).toEqual({ step: 'at most 3 of each taskset', trajectories: 6 })
    const draws = [1, 2, 3, 4, 5].map((seed) => exported(made, { maxPerTaskset: 3, seed }))
    expect(new Set((await Promise.all(draws)).map((drawn) => drawn.join())).size).toBeGreaterThan(1)
  })
})

describe('tasks marked sensitive', () => {
  function content(): Content {
    const made = makeContent(2, 1)
    made.tasks[0] = makeTask('task-0', { metadata: { sensitive: true } })
    return made
  }

  test.each(['sft-turns', 'rl-prompts', 'trajectories'])('are left out of %s', async (recipe) => {
    const { funnel, tasks } = await preview(content(), { recipe })
    expect(funnel.at(-1)).toEqual({ step: 'task not marked sensitive', trajectories: 1 })
    expect(tasks).toBe(1)
  })

  test('go in for a reason, which the manifest keeps', async () => {
    const directory = join(await temporaryDirectory(), 'set')
    const includeSensitive = 'an audit inside the house'
    const store = createMemoryStore(content())
    const { rows } = await exportDataset({
      store,
      runIds: ['run-1'],
      recipe: 'sft-turns',
      directory,
      includeSensitive,
    })
    expect(rows).toBe(4)
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as {
      selection: object
    }
    expect(manifest.selection).toMatchObject({ includeSensitive })
    await expect(preview(content(), { includeSensitive: ' ' })).rejects.toThrow(/includeSensitive/)
  })
})
