// The reading side of the store, over a store that was filled through its own writing functions.
import { assert, asyncProperty, constantFrom, letrec, oneof, tuple } from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseChoice } from '../../src/datasets/choice.ts'
import { selectTrajectories } from '../../src/datasets/selection.ts'
import { parseWhere } from '../../src/datasets/where/parse.ts'
import { UsageError } from '../../src/errors.ts'
import { newId } from '../../src/ids.ts'
import { skeletonSchema } from '../../src/skeleton.ts'
import { compileWhere } from '../../src/store/where.ts'
import type { Store, StoredRun } from '../../src/store/index.ts'
import { fillStore } from '../support/fill.ts'
import { backends, temporaryDirectory } from './backends.ts'
import * as make from './fixtures.ts'

const statuses = ['pending', 'running', 'done', 'failed'] as const

describe.each(backends())('reads on $name', (backend) => {
  let store: Store
  let runId: string
  let run: StoredRun

  beforeAll(async () => {
    store = await backend.freshStore()
    const directory = await temporaryDirectory()
    const ids = await fillStore(store, { runs: 2, tasks: 12, rollouts: 4, calls: 6, directory })
    runId = ids[0] ?? ''
    run = await store.findRun(runId)
  })

  async function idsOf(where: string): Promise<string[]> {
    const found: string[] = []
    let cursor: string | null = null
    do {
      const page = await store.findTrajectories(runId, { where, limit: 7, cursor })
      found.push(...page.items.map((row) => row.id))
      cursor = page.next
    } while (cursor !== null)
    return found
  }

  async function evaluatedIdsOf(where: string): Promise<string[]> {
    const criteria = { statuses: [...statuses], threshold: 0.5, choice: parseChoice('all') }
    const { selected } = await selectTrajectories(store, [run], { ...criteria, where: parseWhere(where) })
    return selected.map(({ id }) => id)
  }

  test('a condition takes in SQL exactly what it takes when it is evaluated', async () => {
    const number = constantFrom('0', '0.5', '1', '3', '4.5', '0.05')
    const numeric = constantFrom(
      'reward',
      'turns',
      'cells',
      'calls',
      'errors',
      'input_tokens',
      'cost',
      'rollout',
      'group.mean',
      'group.max',
      'group.size',
      'group.pass_at_1',
      'group.pass_at_3',
      'group.pass_at_9',
      'score.exact',
      'score.efficiency',
      'score.nothing',
    )
    const sign = constantFrom('=', '!=', '<', '<=', '>', '>=')
    const simple = oneof(
      tuple(numeric, sign, number).map((parts) => parts.join(' ')),
      tuple(number, numeric, numeric).map(([a, b, c]) => `${a} <= ${b} <= ${c}`),
      tuple(numeric, constantFrom('is null', 'is not null')).map((parts) => parts.join(' ')),
      constantFrom(
        'stop_reason = answered',
        'stop_reason in (max_turns, no_code)',
        'status != done',
        'stop_reason not in (answered)',
        'answer is null',
        'run = "refunds-qwen3-coder-1"',
        'task = "refunds-0003"',
        'model != other',
        'rollout in (0, 2)',
        'turns not in (3)',
      ),
    )
    const { condition } = letrec<{ condition: string }>((tie) => ({
      condition: oneof(
        { depthSize: 'small' },
        simple,
        tuple(tie('condition'), constantFrom('and', 'or'), tie('condition')).map((parts) => parts.join(' ')),
        tie('condition').map((inner) => `not (${inner})`),
      ),
    }))
    await assert(
      asyncProperty(condition, async (where) => {
        expect(compileWhere(where, run)).not.toBeNull()
        expect(await idsOf(where)).toEqual(await evaluatedIdsOf(where))
      }),
      { numRuns: 120, seed: 11 },
    )
  })

  test('a condition without an SQL form is evaluated, and a mistake is shown', async () => {
    const where = 'group.pass_at_100 is null and turns > 2'
    expect(compileWhere(where, run)).toBeNull()
    expect(await idsOf(where)).toEqual(await evaluatedIdsOf('turns > 2'))
    await expect(store.findTrajectories(runId, { where: 'rewrd > 1', limit: 5 })).rejects.toThrow(/rewrd/)
    await expect(store.runStatistics(runId, { where: 'reward >' })).rejects.toThrow(UsageError)
  })

  test.each(['position', 'reward', 'cost', 'turns', 'calls', 'tokens', 'seconds'] as const)(
    'sorted by %s, pages hold every row once, in order, those without a value last',
    async (sort) => {
      const { items: all } = await store.findTrajectories(runId, { limit: 100 })
      const values = {
        position: () => 0,
        reward: (row: (typeof all)[number]) => row.reward,
        cost: (row: (typeof all)[number]) => row.usage.costUsd,
        turns: (row: (typeof all)[number]) => row.turns,
        calls: (row: (typeof all)[number]) => row.calls,
        tokens: (row: (typeof all)[number]) => row.usage.inputTokens + row.usage.outputTokens,
        seconds: (row: (typeof all)[number]) =>
          Date.parse(row.endedAt ?? '') - Date.parse(row.startedAt ?? ''),
      }
      for (const descending of [false, true]) {
        const seen: typeof all = []
        let cursor: string | null = null
        do {
          const page = await store.findTrajectories(runId, { sort, descending, limit: 5, cursor })
          seen.push(...page.items)
          cursor = page.next
        } while (cursor !== null)
        expect(new Set(seen.map((row) => row.id)).size).toBe(48)
        expect(seen).toHaveLength(48)
        const keys = seen.map(values[sort])
        const known = keys.filter((key) => key !== null)
        expect(keys.slice(0, known.length)).toEqual(known.toSorted((a, b) => (descending ? b - a : a - b)))
      }
    },
  )

  test('statistics are those of the selected rows', async () => {
    const where = 'stop_reason = answered'
    const { items } = await store.findTrajectories(runId, { where, limit: 100 })
    const statistics = await store.runStatistics(runId, { where })
    const rewards = items.flatMap((row) => row.reward ?? [])
    const mean = rewards.reduce((sum, value) => sum + value, 0) / rewards.length
    expect(statistics.trajectories).toBe(items.length)
    expect(statistics.reward?.count).toBe(rewards.length)
    expect(statistics.reward?.mean).toBeCloseTo(mean, 10)
    expect(statistics.stopReasons).toEqual({ answered: items.length })
    const counted = statistics.histograms.reward.reduce((sum, bin) => sum + bin.count, 0)
    expect(counted).toBe(rewards.length)
    expect(statistics.overTime.reduce((sum, moment) => sum + moment.count, 0)).toBe(rewards.length)
    const all = await store.runStatistics(runId, {})
    expect(all.errors.every((error) => ['rate_limit', 'timeout'].includes(error.code))).toBe(true)
    expect(await store.runStatistics(runId, { where: 'turns > 1000' })).toMatchObject({
      trajectories: 0,
      reward: null,
      histograms: { reward: [] },
    })
  })

  test('the skeleton has the newest scores of turns and invocations', async () => {
    const id = (await store.findTrajectories(runId, { limit: 1 })).items[0]?.id ?? ''
    const [root] = (await store.readSkeleton(id)).invocations
    const place = { runId, trajectoryId: id }
    const of = { reward: 'step', invocationId: root?.id ?? null, turnId: root?.turns[0]?.id ?? null }
    await store.addScores([
      make.aScore(place, { ...of, value: 0.1, createdAt: '2026-01-01T00:00:00.000Z' }),
      make.aScore(place, { ...of, value: 0.2, createdAt: '2026-01-02T00:00:00.000Z' }),
      make.aScore(place, { reward: 'judged', invocationId: of.invocationId, value: null }),
      make.aScore(place, { reward: 'whole', weight: 0 }),
    ])
    const { partScores } = await store.readSkeleton(id)
    expect(partScores).toHaveLength(2)
    expect(partScores).toEqual(
      expect.arrayContaining([
        { ...of, value: 0.2 },
        { reward: 'judged', invocationId: of.invocationId, turnId: null, value: null },
      ]),
    )
  })

  test('the skeleton is the trajectory without its bodies, and bodies are read one by one', async () => {
    const { planned, runId: other } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 1,
      rollouts: 1,
    })
    const id = planned[0]?.id ?? ''
    await store.beginTrajectory(id, make.now())
    const text = `\u{1F680}${'long '.repeat(60_000)}`
    await store.append(make.aTurnsEntries({ runId: other, trajectoryId: id }, text))
    await store.endTrajectory(id, make.anEnd({ answer: text }), make.now())
    for (const wanted of [id, (await store.findTrajectories(runId, { limit: 1 })).items[0]?.id ?? '']) {
      const skeleton = skeletonSchema.strict().parse(await store.readSkeleton(wanted))
      const whole = await store.readTrajectory(wanted)
      const turns = whole.invocations.flatMap((invocation) => invocation.turns)
      expect(skeleton.invocations.flatMap((one) => one.turns.map((turn) => turn.id))).toEqual(
        turns.map((turn) => turn.id),
      )
      for (const [at, turn] of turns.entries()) {
        const node = skeleton.invocations[0]?.turns[at]
        const last = turn.call.messages.at(-1)?.content ?? ''
        expect(node?.call.messages).toBe(turn.call.messages.length)
        expect(last.startsWith(node?.call.prompt.text ?? '?')).toBe(true)
        expect(await store.readCall(wanted, turn.call.id)).toEqual(turn.call)
        for (const { calls, ...cell } of turn.cells) {
          expect(await store.readCell(wanted, cell.id)).toEqual(cell)
          for (const call of calls) expect(await store.readCall(wanted, call.id)).toEqual(call)
        }
      }
    }
    const skeleton = await store.readSkeleton(id)
    expect(skeleton.answer).toMatchObject({ truncated: true, bytes: 300_004 })
    expect(JSON.stringify(skeleton).length).toBeLessThan(6000)
    await expect(store.readCall(id, newId())).rejects.toThrow(UsageError)
    await expect(store.readCell(newId(), newId())).rejects.toThrow(UsageError)
  })

  test('search finds code, outputs, prompts and answers, also far inside a text', async () => {
    const { planned, runId: other } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 1,
      rollouts: 1,
      run: { name: 'searched' },
    })
    const id = planned[0]?.id ?? ''
    const place = { runId: other, trajectoryId: id }
    await store.beginTrajectory(id, make.now())
    const text = `${'filler '.repeat(1500)} the <b>quixotic</b> heron\0 flies`
    const entries = make.aTurnsEntries(place, text)
    await store.append(entries)
    await store.endTrajectory(id, make.anEnd({ answer: 'a quixotic answer' }), make.now())
    const hits = await store.search({ text: 'quixotic', limit: 10 })
    expect(hits.items.map((hit) => hit.kind).sort()).toEqual(['call', 'cell', 'trajectory'])
    const cell = hits.items.find((hit) => hit.kind === 'cell')
    expect(cell).toMatchObject({ runName: 'searched', trajectoryId: id, taskId: 'task-0' })
    expect(cell?.fragments[0]).toMatchObject({ field: 'output' })
    expect(cell?.fragments[0]?.parts.filter((part) => part.match)).toEqual([
      { text: 'quixotic', match: true },
    ])
    expect(cell?.fragments[0]?.parts.map((part) => part.text).join('')).toContain('the <b>quixotic</b> heron')
    const count = async (text_: string, fields?: ('code' | 'output' | 'answer')[]) =>
      (await store.search({ text: text_, fields, runId: other, limit: 50 })).items.length
    expect(await count('quixotic', ['output'])).toBe(1)
    expect(await count('quixotic', ['code'])).toBe(0)
    expect(await count('quixo')).toBe(3)
    expect(await count('quixotic -heron')).toBe(1)
    expect(await count('"quixotic answer"')).toBe(1)
    expect(await count('"answer quixotic"')).toBe(0)
    expect(await count('nothere or quixotic')).toBe(3)
    expect(await count(`quixotic'); drop table runs; --`)).toBe(0)
    await expect(store.search({ text: ' -- "" ', limit: 5 })).rejects.toThrow('give a word')
    const first = await store.search({ text: 'quixotic', limit: 2 })
    const second = await store.search({ text: 'quixotic', limit: 2, cursor: first.next })
    expect(new Set([...first.items, ...second.items].map((hit) => hit.id)).size).toBe(3)
  })

  test('the index follows what has ended, also when it is rolled out again', async () => {
    const { planned, runId: own } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 1,
      rollouts: 1,
    })
    const id = planned[0]?.id ?? ''
    const roll = async (word: string, status: 'failed' | 'done') => {
      await store.beginTrajectory(id, make.now(), { keep: false })
      await store.append(make.aTurnsEntries({ runId: own, trajectoryId: id }, `the ${word}`))
      const hits = (await store.search({ text: word, runId: own, limit: 10 })).items
      await store.endTrajectory(id, make.anEnd({ status, answer: word }), make.now())
      return hits.length
    }
    const found = async (text: string) => (await store.search({ text, runId: own, limit: 10 })).items.length
    expect(await roll('dodo', 'failed')).toBe(0)
    expect(await found('dodo')).toBe(3)
    expect(await roll('moa', 'done')).toBe(0)
    expect(await store.indexForSearch({ runId: own, milliseconds: 1000 })).toBe(0)
    expect([await found('dodo'), await found('moa')]).toEqual([0, 3])
  })

  test('followers see every change once, whatever the order of the commits', async () => {
    const { planned, runId: followed } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 10,
      rollouts: 4,
    })
    const seen = new Map<string, string>()
    const cursors = new Set<string>()
    let cursor: string | null = null
    async function follow(): Promise<void> {
      for (const change of await store.runChanges(followed, cursor, 7)) {
        expect(cursors.has(change.cursor)).toBe(false)
        cursors.add(change.cursor)
        cursor = change.cursor
        seen.set(change.event.id, `${change.event.status} ${change.event.reward}`)
      }
    }
    const work = Promise.all(
      planned.map(async ({ id }) => {
        const place = { runId: followed, trajectoryId: id }
        await store.beginTrajectory(id, make.now())
        await store.append(make.aTurnsEntries(place, 'text'))
        await store.endTrajectory(id, make.anEnd(), make.now())
        await store.addScores([make.aScore(place)])
      }),
    )
    const busy = { working: true }
    void work.finally(() => (busy.working = false))
    while (busy.working) await follow()
    await work
    // A transaction of another database of the server, of another test say, may hold the last ones back.
    const ended = async () => {
      await follow()
      return [...seen.values()].filter((state) => state === 'done 1').length
    }
    await expect.poll(ended, { timeout: 30_000, interval: 10 }).toBe(40)

    const [one] = planned
    const all = await store.trajectoryChanges(one?.id ?? '', null, 100)
    expect(all.map(({ event }) => event.type).sort()).toEqual(['call', 'cell', 'trajectory', 'turn'])
    const rest = await store.trajectoryChanges(one?.id ?? '', all[1]?.cursor ?? '', 100)
    expect(rest).toEqual(all.slice(2))
    await expect(store.runChanges(followed, 'x', 5)).rejects.toThrow(UsageError)
  })

  test('figures of a run are never older than what was acknowledged', async () => {
    const directory = await temporaryDirectory()
    const { planned, runId: changing } = await make.aPlannedRun(store, directory, { tasks: 30, rollouts: 4 })
    const acknowledged = { ended: 0, scored: 0 }
    const queue = [...planned]
    async function write(): Promise<void> {
      for (let one = queue.shift(); one; one = queue.shift()) {
        const place = { runId: changing, trajectoryId: one.id }
        await store.beginTrajectory(one.id, make.now())
        await store.endTrajectory(one.id, make.anEnd(), make.now())
        acknowledged.ended += 1
        await store.addScores([make.aScore(place)])
        acknowledged.scored += 1
      }
    }
    const busy = { working: true }
    const work = Promise.all([write(), write(), write(), write()]).finally(() => (busy.working = false))
    const totals = new Set<number>()
    do {
      const { ended, scored } = acknowledged
      const [summary, statistics] = await Promise.all([
        store.summarizeRun(changing),
        store.runStatistics(changing, { where: 'reward > 0' }),
      ])
      expect(summary.done).toBeGreaterThanOrEqual(ended)
      expect(statistics.trajectories).toBeGreaterThanOrEqual(scored)
      totals.add(summary.done)
    } while (busy.working)
    await work
    expect(totals.size).toBeGreaterThan(5)
    const [first] = (await store.listRuns({ limit: 1 })).items
    expect(first).toMatchObject({ id: changing, done: 120, meanReward: 1 })
    // Asked again, nothing has changed; a change of another kind is seen as well.
    expect((await store.listRuns({ limit: 1 })).items).toEqual([first])
    await store.addScores([
      make.aScore(
        { runId: changing, trajectoryId: planned[0]?.id ?? '' },
        { value: 0, createdAt: make.now() },
      ),
    ])
    expect((await store.summarizeRun(changing)).meanReward).toBeCloseTo(119 / 120)
  })

  test('groups are summed, outlined, and leased each once', async () => {
    const groups = await store.listGroups(runId, { limit: 5 })
    expect(groups.items).toHaveLength(5)
    const group = await store.readGroup(runId, groups.items[0]?.taskId ?? '')
    expect(group.map((row) => row.rollout)).toEqual([0, 1, 2, 3])
    const outline = await store.readOutlines(group.map((row) => row.id))
    expect(new Set(outline.map((cell) => cell.trajectoryId)).size).toBe(4)

    const complete = await store.listGroups(runId, { limit: 100 })
    const ready = complete.items.filter((one) => one.done === one.rollouts).length
    const leases = await Promise.all(
      Array.from({ length: 4 }, () => {
        const leaseId = newId()
        return store
          .leaseGroups(runId, { leaseId, groups: 3, seconds: 600 })
          .then((given) => ({ leaseId, given }))
      }),
    )
    const handed = leases.flatMap(({ given }) => given.map(({ taskId }) => taskId))
    expect(new Set(handed).size).toBe(handed.length)
    const more = await store.leaseGroups(runId, { leaseId: newId(), groups: 100, seconds: 600 })
    expect(handed.length + more.length).toBe(ready)
    const lost = leases.find(({ given }) => given.length > 0)
    expect(await store.endLease(lost?.leaseId ?? '', false)).toBe(lost?.given.length)
    const again = await store.leaseGroups(runId, { leaseId: newId(), groups: 100, seconds: 600 })
    expect(again.map(({ taskId }) => taskId).sort()).toEqual(lost?.given.map(({ taskId }) => taskId).sort())
  })
})
