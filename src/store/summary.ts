// What has become of runs, from the roll-ups on their trajectories.
import { sql } from 'drizzle-orm'
import type { RunSummary, StoredRun } from './contract.ts'
import { query } from './database.ts'
import type { Database, Reader } from './database.ts'
import { trajectories as t } from './schema.ts'
import { ofUnchanged } from './unchanged.ts'

type Count = {
  runId: string
  status: string
  stopReason: string | null
  count: number
  costUsd: number | null
  inputTokens: number | null
  outputTokens: number | null
  calls: number | null
  rewards: number | null
  squares: number | null
  scored: number
  ended: number
  /** Seconds since 1970. */
  firstStart: number | null
  lastEnd: number | null
}

type Outcome = Omit<RunSummary, keyof StoredRun>

const moments = 24

/** The same runs in the same order, each with its counts; one query whatever their number. */
export async function summarize(database: Database, list: StoredRun[]): Promise<RunSummary[]> {
  if (list.length === 0) return []
  const outcomes = await ofUnchanged(
    database,
    'summary',
    list.map((run) => run.id),
    (ids) => query(database, () => outcomesOf(database.db, ids)),
  )
  return list.flatMap((run, index) => {
    const outcome = outcomes[index]
    return outcome ? [{ ...run, ...outcome }] : []
  })
}

async function outcomesOf(db: Reader, ids: string[]): Promise<Outcome[]> {
  // Run by run: of many at once the planner would read the whole table.
  const counts = await db.execute<Count>(sql`
    select wanted.id as "runId", c.* from unnest(${`{${ids.join(',')}}`}::uuid[]) as wanted(id), lateral (
      select ${t.status} as status, ${t.stopReason} as "stopReason", count(*)::int as count,
        sum(${t.costUsd})::float8 as "costUsd", sum(${t.inputTokens})::float8 as "inputTokens",
        sum(${t.outputTokens})::float8 as "outputTokens", sum(${t.calls})::float8 as calls,
        sum(${t.reward})::float8 as rewards, sum(${t.reward} * ${t.reward})::float8 as squares,
        count(${t.reward})::int as scored, count(${t.endedAt})::int as ended,
        extract(epoch from min(${t.startedAt}))::float8 as "firstStart",
        extract(epoch from max(${t.endedAt}))::float8 as "lastEnd"
      from ${t} where ${t.runId} = wanted.id group by 1, 2
    ) c`)
  const overTime = new Map((await rewardsOverTime(db, ids)).map((row) => [row.runId, row.means]))
  const byRun = Map.groupBy(counts, (row) => row.runId)
  return ids.map((id) => {
    const rows = byRun.get(id) ?? []
    const summary: Outcome = {
      trajectories: 0,
      done: 0,
      failed: 0,
      ...rewardOf(rows),
      rewardOverTime: overTime.get(id) ?? [],
      perHour: paceOf(rows),
      costUsd: null,
      inputTokens: 0,
      outputTokens: 0,
      calls: 0,
      stopReasons: {},
    }
    for (const row of rows) {
      summary.trajectories += row.count
      if (row.status === 'done') summary.done += row.count
      if (row.status === 'failed') summary.failed += row.count
      if (row.costUsd !== null) summary.costUsd = (summary.costUsd ?? 0) + row.costUsd
      summary.inputTokens += row.inputTokens ?? 0
      summary.outputTokens += row.outputTokens ?? 0
      summary.calls += row.calls ?? 0
      if (row.stopReason !== null) {
        summary.stopReasons[row.stopReason] = (summary.stopReasons[row.stopReason] ?? 0) + row.count
      }
    }
    return summary
  })
}

async function rewardsOverTime(db: Reader, ids: string[]): Promise<{ runId: string; means: number[] }[]> {
  return await db.execute<{ runId: string; means: number[] }>(sql`
    select wanted.id as "runId", m.means from unnest(${`{${ids.join(',')}}`}::uuid[]) as wanted(id), lateral (
      select json_agg(mean order by part) as means from (
        select part, avg(reward)::float8 as mean from (
          select ${t.reward} as reward, ntile(${moments}) over (order by ${t.endedAt}) as part
          from ${t} where ${t.runId} = wanted.id and ${t.reward} is not null and ${t.endedAt} is not null
        ) placed group by part
      ) parts
    ) m where m.means is not null`)
}

/** Over the trajectories that have a reward (scores.ts says when). */
function rewardOf(rows: Count[]): Pick<Outcome, 'meanReward' | 'rewardError'> {
  const count = sum(rows, (row) => row.scored)
  if (count === 0) return { meanReward: null, rewardError: null }
  const mean = sum(rows, (row) => row.rewards) / count
  if (count === 1) return { meanReward: mean, rewardError: null }
  const variance = Math.max(0, sum(rows, (row) => row.squares) - count * mean ** 2) / (count - 1)
  return { meanReward: mean, rewardError: Math.sqrt(variance / count) }
}

function paceOf(rows: Count[]): number | null {
  const starts = rows.flatMap((row) => row.firstStart ?? [])
  const ends = rows.flatMap((row) => row.lastEnd ?? [])
  const seconds = Math.max(...ends) - Math.min(...starts)
  const ended = sum(rows, (row) => row.ended)
  return ended > 0 && Number.isFinite(seconds) && seconds > 0 ? (3600 * ended) / seconds : null
}

function sum(rows: Count[], value: (row: Count) => number | null): number {
  return rows.reduce((total, row) => total + (value(row) ?? 0), 0)
}
