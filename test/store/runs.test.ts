// Runs and trajectories as people and workers meet them: states, locks, references, pages, rewards.
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { newId } from '../../src/ids.ts'
import { openStore } from '../../src/store/index.ts'
import type { Page } from '../../src/store/index.ts'
import { backends, temporaryDirectory } from './backends.ts'
import * as make from './fixtures.ts'

async function allPages<T>(read: (cursor: string | null) => Promise<Page<T>>): Promise<T[][]> {
  const pages: T[][] = []
  let cursor: string | null = null
  do {
    const page: Page<T> = await read(cursor)
    pages.push(page.items)
    cursor = page.next
  } while (cursor !== null)
  return pages
}

describe.each(backends())('runs on $name', (backend) => {
  test('a run comes back as it was given, and changes', async () => {
    const store = await backend.freshStore()
    const run = make.aRun({
      tags: ['a "b"', 'c,d', '{}'],
      config: { text: '\0 \uD800', order: [1, '1', null] },
      policyVersion: 'step-3',
    })
    await store.createRun(run)
    await store.createRun(run)
    const { schemaVersion: _version, ...given } = run
    const read = await store.findRun(run.id)
    expect(read).toMatchObject(given)
    expect(read.createdAt).toMatch(/^\d{4}-\d\d-\d\dT.*\.\d{3}Z$/)
    await store.updateRun(run.id, { status: 'running', startedAt: '2026-01-02T03:04:05.678Z', tasks: 4 })
    expect(await store.findRun(run.id)).toMatchObject({
      status: 'running',
      startedAt: '2026-01-02T03:04:05.678Z',
      tasks: 4,
    })
    await expect(store.updateRun(newId(), { status: 'done' })).rejects.toThrow(UsageError)
  })

  test('rows are named by id, beginning, end or latest', async () => {
    const store = await backend.freshStore()
    await expect(store.findRun('latest')).rejects.toThrow('has no runs yet')
    const ids = [
      '01890000-0000-7000-8000-00000000abcd',
      '01890000-0000-7000-8000-1111111fabcd',
      '01890000-0000-7000-9fff-222222222222',
    ]
    for (const id of ids) await store.createRun(make.aRun({ id, name: `run-${id.slice(-4)}` }))
    const named = async (reference: string) => (await store.findRun(reference)).id
    expect(await named('latest')).toBe(ids[2])
    expect(await named('222222')).toBe(ids[2])
    expect(await named('FFF-222222222222')).toBe(ids[2])
    expect(await named('01890000-0000-7000-9')).toBe(ids[2])
    expect(await named('00abcd')).toBe(ids[0])
    expect(await named(ids[1] ?? '')).toBe(ids[1])
    await expect(named('01890000')).rejects.toThrow(/could be several runs: .*00000000abcd \(run-abcd\)/)
    await expect(named('0000000fabcd')).rejects.toThrow(/no run is named .* the newest are .*222222222222/)
    await expect(named('abcd')).rejects.toThrow('6 or more characters')
    await expect(named("%' or true --")).rejects.toThrow(UsageError)

    const { runId, planned } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 2,
      rollouts: 2,
    })
    const second = planned[1]?.id ?? ''
    await store.beginTrajectory(second, make.now())
    expect(await store.findTrajectory('latest')).toBe(second)
    expect(await store.findTrajectory(second.slice(-8))).toBe(second)
    await expect(store.findTrajectory(runId)).rejects.toThrow('no trajectory is named')
    await expect(store.readTrajectory(runId)).rejects.toThrow(UsageError)
    await expect(store.readTrajectory('nonsense')).rejects.toThrow(UsageError)
  })

  test('lists page by key: each row once, in order, also while rows are added', async () => {
    const store = await backend.freshStore()
    const ids: string[] = []
    for (let at = 0; at < 5; at++) {
      const run = make.aRun()
      ids.unshift(run.id)
      await store.createRun(run)
    }
    const first = await store.listRuns({ limit: 2 })
    await store.createRun(make.aRun())
    const rest = await allPages((cursor) => store.listRuns({ limit: 2, cursor: cursor ?? first.next }))
    expect([first.items, ...rest].map((page) => page.map((run) => run.id))).toEqual([
      ids.slice(0, 2),
      ids.slice(2, 4),
      ids.slice(4),
    ])

    const { runId, planned } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 150,
      rollouts: 2,
    })
    const pages = await allPages((cursor) => store.listTrajectories(runId, { limit: 100, cursor }))
    expect(pages.map((page) => page.length)).toEqual([100, 100, 100])
    expect(pages.flat().map((row) => row.id)).toEqual(planned.map((row) => row.id))
    const [third] = planned.slice(2)
    await store.beginTrajectory(third?.id ?? '', make.now())
    const running = await store.listTrajectories(runId, { limit: 100, status: 'running' })
    expect(running).toMatchObject({ items: [{ id: third?.id, taskId: 'task-1', rollout: 0 }], next: null })
    await expect(store.listRuns({ limit: 2, cursor: 'bm9wZQ' })).rejects.toThrow('not a cursor')
    await expect(store.listTrajectories(runId, { limit: 2, cursor: first.next })).rejects.toThrow(
      'not a cursor',
    )
    await expect(store.listRuns({ limit: 0 })).rejects.toThrow('1 to 1000')
  })

  test('states: begin clears an earlier attempt, end is guarded, done stays done', async () => {
    const store = await backend.freshStore()
    const { runId, planned } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 2,
      rollouts: 1,
    })
    const [id = '', other = ''] = planned.map((row) => row.id)
    const place = { runId, trajectoryId: id }
    await expect(store.endTrajectory(id, make.anEnd(), make.now())).rejects.toThrow('is not running')
    expect(await store.beginTrajectory(id, make.now())).toBe(1)
    await store.append(make.aTurnsEntries(place, 'first attempt'))
    await store.addScores([make.aScore(place)])
    await store.append(make.aTurnsEntries({ runId, trajectoryId: other }, 'of another'))
    await store.endTrajectory(
      id,
      make.anEnd({
        status: 'failed',
        stopReason: 'model_error',
        error: { boundary: 'model', code: 'x', message: '\0' },
      }),
      make.now(),
    )
    expect(await store.pendingTrajectories(runId)).toMatchObject([
      { id, status: 'failed', attempt: 1 },
      { id: other, status: 'pending' },
    ])

    expect(await store.beginTrajectory(id, make.now())).toBe(2)
    expect(await store.readTrajectory(id)).toMatchObject({
      status: 'running',
      attempt: 2,
      stopReason: null,
      error: null,
      answer: null,
      invocations: [],
      scores: [],
      endedAt: null,
    })
    expect((await store.readTrajectory(other)).invocations).toHaveLength(1)
    await store.append(make.aTurnsEntries(place, 'second attempt'))
    const endedAt = make.now()
    await store.endTrajectory(id, make.anEnd(), endedAt)
    // The same end again is the retry of a lost acknowledgement; any other is a mistake.
    await store.endTrajectory(id, make.anEnd(), endedAt)
    await expect(store.endTrajectory(id, make.anEnd(), '2020-01-01T00:00:00.000Z')).rejects.toThrow(
      'is not running',
    )
    await expect(store.beginTrajectory(id, make.now())).rejects.toThrow('is done already')
    expect((await store.readTrajectory(id)).invocations[0]?.turns[0]?.call.response.text).toBe(
      'second attempt',
    )
    expect(await store.pendingTrajectories(runId)).toMatchObject([{ id: other }])
    await expect(
      store.endInvocation(newId(), { stopReason: 'answered', answer: null, endedAt }),
    ).rejects.toThrow('never stored')
  })

  test('rewards: the newest scores count, a missing one makes the sum unknown', async () => {
    const store = await backend.freshStore()
    const { runId, planned } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 4,
      rollouts: 1,
    })
    const places = planned.map((row) => ({ runId, trajectoryId: row.id }))
    const [scored, unknown, single] = places
    if (!scored || !unknown || !single) throw new Error('four trajectories were planned')
    const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`
    const minute = (count: number) => `2026-01-01T00:${count}:00.000Z`
    for (const [index, { trajectoryId }] of [scored, unknown].entries()) {
      await store.beginTrajectory(trajectoryId, minute(10 + index))
      await store.endTrajectory(trajectoryId, make.anEnd(), minute(20 + index))
    }
    await store.beginTrajectory(single.trajectoryId, minute(12))
    await store.endTrajectory(
      single.trajectoryId,
      make.anEnd({ status: 'failed', stopReason: 'model_error', costUsd: null }),
      minute(40),
    )
    await store.addScores([
      make.aScore(scored, { value: 0.25, createdAt: at(1) }),
      make.aScore(scored, { value: 0.5, createdAt: at(2) }),
      // Another version of the same reward, older: shown, but not in the sum.
      make.aScore(scored, { value: 9, version: '0', createdAt: at(0) }),
      make.aScore(scored, { reward: 'short', weight: 0.1, value: 5, details: { note: 'a\0b' } }),
      // Of a turn: no part of the trajectory's reward.
      make.aScore(scored, { reward: 'step', value: 100, turnId: newId() }),
      make.aScore(unknown, { value: 1 }),
      make.aScore(unknown, {
        reward: 'judge',
        value: null,
        error: { boundary: 'reward', code: 'unexpected', message: 'no' },
      }),
      make.aScore(single, { value: 0, weight: 3 }),
    ])
    const { items } = await store.listTrajectories(runId, { limit: 10 })
    expect(items.map((row) => row.reward)).toEqual([1, null, 0, null])
    expect(items[0]?.scores).toMatchObject([
      { reward: 'exact', version: '0', value: 9 },
      { reward: 'exact', version: '1', value: 0.5 },
      { reward: 'short', value: 5, weight: 0.1, details: { note: 'a\0b' } },
    ])
    expect(items[1]?.scores[1]).toMatchObject({ reward: 'judge', value: null, error: { code: 'unexpected' } })
    const { scores, reward } = await store.readTrajectory(scored.trajectoryId)
    expect({ scores, reward }).toEqual({ scores: items[0]?.scores, reward: 1 })
    const summary = await store.summarizeRun(runId)
    expect(summary).toMatchObject({
      id: runId,
      trajectories: 4,
      done: 2,
      failed: 1,
      meanReward: 0.5,
      // Of 1 and 0: the deviation is the root of a half, and so is that of their count.
      rewardError: 0.5,
      rewardOverTime: [1, 0],
      // Three in half an hour.
      perHour: 6,
      costUsd: 1,
      inputTokens: 30,
      outputTokens: 15,
      calls: 6,
      stopReasons: { answered: 2, model_error: 1 },
    })
    expect((await store.listRuns({ limit: 10 })).items).toEqual([summary])
  })

  test('a locked run is held by one, and an interrupted one is found', async () => {
    const url = await backend.freshDatabase()
    const [first, second] = await Promise.all([openStore(url), openStore(url)])
    const old = make.aRun({ status: 'running' })
    const young = make.aRun({ status: 'interrupted' })
    for (const run of [
      old,
      young,
      make.aRun({ status: 'done' }),
      make.aRun({ status: 'running', configHash: 'other' }),
    ])
      await first.createRun(run)
    const find = async () => (await second.findInterrupted(old.configHash))?.id ?? null
    expect(await find()).toBe(young.id)
    const lock = await first.lockRun(young.id)
    expect(lock).not.toBeNull()
    expect(await first.lockRun(young.id)).toBeNull()
    expect(await second.lockRun(young.id)).toBeNull()
    expect(await find()).toBe(old.id)
    const other = await second.lockRun(old.id)
    expect(await find()).toBeNull()
    await lock?.release()
    expect(await find()).toBe(young.id)
    const again = await second.lockRun(young.id)
    expect(again).not.toBeNull()
    await again?.release()
    await other?.release()
    await Promise.all([first.close(), second.close()])
  })

  test('datasets', async () => {
    const store = await backend.freshStore()
    const dataset = {
      id: newId(),
      name: 'sft',
      recipe: 'sft',
      recipeVersion: '1',
      selection: { where: '\0' },
      options: {},
      directory: '/somewhere',
      files: [{ path: 'a.parquet', rows: 1 }],
      rows: 10_000_000_000,
      funnel: [1, '1'],
      scripted: false,
      schemaVersion: 1,
    }
    await store.addDataset(dataset)
    expect(await store.findDataset(dataset.id.slice(-8))).toMatchObject(dataset)
    expect(await store.listDatasets()).toMatchObject([dataset])
    await expect(store.findDataset('aaaaaa')).rejects.toThrow('no dataset is named')
  })
})
