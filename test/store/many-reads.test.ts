// Many trees, tasks and groups read at once are those that are read one by one.
import { beforeAll, describe, expect, test } from 'vitest'
import { parseChoice } from '../../src/datasets/choice.ts'
import { selectTrajectories } from '../../src/datasets/selection.ts'
import { parseWhere } from '../../src/datasets/where/parse.ts'
import type { Store } from '../../src/store/index.ts'
import { fillStore } from '../support/fill.ts'
import { backends, temporaryDirectory } from './backends.ts'
import * as make from './fixtures.ts'

const statuses = ['pending', 'running', 'done', 'failed'] as const

describe.each(backends())('reads of many on $name', (backend) => {
  let store: Store
  let runId: string

  beforeAll(async () => {
    store = await backend.freshStore()
    const directory = await temporaryDirectory()
    const ids = await fillStore(store, { runs: 1, tasks: 12, rollouts: 4, calls: 6, directory })
    runId = ids[0] ?? ''
  })

  test('many trees are those that are read one by one, and without cells tell their models', async () => {
    const { items } = await store.listTrajectories(runId, { limit: 9 })
    const ids = items.map(({ id }) => id).toReversed()
    const one = await Promise.all(ids.map((id) => store.readTrajectory(id)))
    expect(await store.readTrajectories?.(ids)).toEqual(one)

    const short = (await store.readTrajectories?.(ids, { turns: true, cells: false })) ?? []
    expect(short.map(({ subCallModels: _models, ...tree }) => tree)).toEqual(
      one.map((tree) => ({
        ...tree,
        lostCalls: [],
        invocations: tree.invocations.map((invocation) => ({
          ...invocation,
          turns: invocation.turns.map((turn) => ({ ...turn, cells: [] })),
        })),
      })),
    )
    const called = one.map((tree) =>
      tree.invocations.flatMap(({ turns }) =>
        turns.flatMap(({ cells }) => cells.flatMap(({ calls }) => calls.map(({ model }) => model))),
      ),
    )
    expect(called.flat().length).toBeGreaterThan(20)
    expect(short.map(({ subCallModels = [] }) => subCallModels.map(({ model }) => model))).toEqual(
      called.map((models) => [...new Set(models)]),
    )
  })

  test('a group that lies on two pages of the list is one group', async () => {
    const directory = await temporaryDirectory()
    const { runId: wide, planned } = await make.aPlannedRun(store, directory, { tasks: 84, rollouts: 6 })
    // Six rollouts each: the 84th task begins at the 499th trajectory of pages of 500.
    const last = planned.filter(({ taskId }) => taskId === 'task-83')
    const trajectoryId = last.at(-1)?.id ?? ''
    await store.addScores([make.aScore({ runId: wide, trajectoryId }, { value: 1 })])
    const { selected } = await selectTrajectories(store, [await store.findRun(wide)], {
      statuses: [...statuses],
      threshold: 0.5,
      choice: parseChoice('all'),
      where: parseWhere('group.max = 1'),
    })
    expect(selected.map(({ id }) => id)).toEqual(last.map(({ id }) => id))
    const tasks = ['task-83', 'task-0', 'task-7']
    expect((await store.readTasks?.(wide, tasks))?.map(({ id }) => id)).toEqual(tasks)
    await expect(store.readTasks?.(wide, ['task-0', 'task-84'])).rejects.toThrow('has no task "task-84"')
  })
})
