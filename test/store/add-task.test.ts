// Tasks that are added while their run goes on, by several at once; rollouts that wait for workers.
import { describe, expect, test } from 'vitest'
import { newId } from '../../src/ids.ts'
import { UsageError } from '../../src/errors.ts'
import { backends, temporaryDirectory } from './backends.ts'
import * as make from './fixtures.ts'

describe.each(backends())('an open run on $name', (backend) => {
  test('tasks are added at once: each has a place of its own, equal ones are rollouts of one', async () => {
    const store = await backend.freshStore()
    const directory = await temporaryDirectory()
    const run = make.aRun({ rollouts: 1 })
    await store.createRun(run)
    const first = await make.aTask(directory, 'before')
    await store.addTasks(run.id, make.streamOf([first]), 1, 1)
    const tasks = await Promise.all(['a', 'b', 'c'].map(async (id) => await make.aTask(directory, id)))
    const all = [...tasks, ...tasks, ...tasks, ...tasks]
    const added = await Promise.all(all.map(async (task) => await store.addTask(run.id, task, 7)))
    expect(new Set(added.map(({ position }) => position))).toEqual(new Set([1, 2, 3]))
    for (const { id } of tasks) {
      const own = added.filter(({ taskId }) => taskId === id)
      expect(own.map(({ rollout }) => rollout).toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3])
      expect(new Set(own.map(({ seed }) => seed)).size).toBe(4)
    }
    expect((await store.findRun(run.id)).tasks).toBe(4)
    const pending = await store.pendingTrajectories(run.id)
    expect(pending).toHaveLength(13)
    const byId = (x: { id: string }, y: { id: string }) => (x.id < y.id ? -1 : 1)
    expect(pending.filter(({ taskId }) => taskId !== 'before').toSorted(byId)).toEqual(added.toSorted(byId))
    expect((await store.readTask(run.id, 'b')).hash).toBe(tasks[1]?.hash)

    const other = await make.aTask(directory, 'a', { hash: 'ff'.repeat(32) })
    await expect(store.addTask(run.id, other, 7)).rejects.toThrow(/has another task with the id "a"/)
    await expect(store.addTask(newId(), first, 7)).rejects.toBeInstanceOf(UsageError)
  })

  test('a rollout is planned by its id; failed ones wait again', async () => {
    const store = await backend.freshStore()
    const { planned, runId } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 2,
      rollouts: 1,
    })
    const [failed, done] = planned
    if (!failed || !done) throw new Error('nothing planned')
    expect(await store.readPlanned(failed.id)).toEqual(failed)
    expect(await store.readPlanned(newId())).toBeNull()
    for (const [{ id }, status] of [
      [failed, 'failed'],
      [done, 'done'],
    ] as const) {
      await store.beginTrajectory(id, make.now())
      await store.endTrajectory(id, make.anEnd({ status }), make.now())
    }
    await store.reopenFailed(runId)
    expect(await store.readPlanned(failed.id)).toMatchObject({ status: 'pending', attempt: 1 })
    expect(await store.readPlanned(done.id)).toMatchObject({ status: 'done' })
    expect(await store.summarizeRun(runId)).toMatchObject({ done: 1, failed: 0 })
  })
})
