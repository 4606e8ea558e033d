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
  scored: number
}

type Outcome = Omit<RunSummary, keyof StoredRun>

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
        sum(${t.reward})::float8 as rewards, count(${t.reward})::int as scored
      from ${t} where ${t.runId} = wanted.id group by 1, 2
    ) c`)
  const byRun = Map.groupBy(counts, (row) => row.runId)
  return ids.map((id) => {
    const summary: Outcome = {
      trajectories: 0,
      done: 0,
      failed: 0,
      meanReward: null,
      costUsd: null,
      inputTokens: 0,
      outputTokens: 0,
      calls: 0,
      stopReasons: {},
    }
    let scored = 0
    let rewards = 0
    for (const row of byRun.get(id) ?? []) {
      scored += row.scored
      rewards += row.rewards ?? 0
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
    // The mean over the trajectories that have a reward (scores.ts says when).
    if (scored > 0) summary.meanReward = rewards / scored
    return summary
  })
}
