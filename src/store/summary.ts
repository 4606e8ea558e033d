// What has become of runs, from the roll-ups on their trajectories and from the scores.
import { inArray, sql } from 'drizzle-orm'
import type { RunSummary, StoredRun } from './contract.ts'
import type { Reader } from './database.ts'
import { trajectories } from './schema.ts'

const total = (column: unknown) => sql<number | null>`sum(${column})::float8`

/** The same runs in the same order, each with its counts; two queries whatever their number. */
export async function summarize(db: Reader, list: StoredRun[]): Promise<RunSummary[]> {
  if (list.length === 0) return []
  const ids = list.map((run) => run.id)
  const counts = await db
    .select({
      runId: trajectories.runId,
      status: trajectories.status,
      stopReason: trajectories.stopReason,
      count: sql<number>`count(*)::int`,
      costUsd: total(trajectories.costUsd),
      inputTokens: total(trajectories.inputTokens),
      outputTokens: total(trajectories.outputTokens),
      calls: total(trajectories.calls),
    })
    .from(trajectories)
    .where(inArray(trajectories.runId, ids))
    .groupBy(trajectories.runId, trajectories.status, trajectories.stopReason)
  const rewards = await meanRewards(db, ids)
  const byRun = Map.groupBy(counts, (row) => row.runId)
  return list.map((run) => {
    const summary: RunSummary = {
      ...run,
      trajectories: 0,
      done: 0,
      failed: 0,
      meanReward: rewards.get(run.id) ?? null,
      costUsd: null,
      inputTokens: 0,
      outputTokens: 0,
      calls: 0,
      stopReasons: {},
    }
    for (const row of byRun.get(run.id) ?? []) {
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

/** The mean over the trajectories that have a reward (scores.ts says when), by run. */
async function meanRewards(db: Reader, runIds: string[]): Promise<Map<string, number>> {
  const list = sql.join(
    runIds.map((id) => sql`${id}::uuid`),
    sql`, `,
  )
  const rows = await db.execute<{ run_id: string; mean: number }>(sql`
    with newest as (
      select distinct on (run_id, trajectory_id, reward) run_id, trajectory_id, weight, value
      from scores
      where run_id in (${list}) and invocation_id is null and turn_id is null
      order by run_id, trajectory_id, reward, created_at desc, id desc
    ), rewards as (
      select run_id, sum(weight * value) as reward from newest
      group by run_id, trajectory_id having count(*) = count(value)
    )
    select run_id, avg(reward) as mean from rewards group by run_id`)
  return new Map([...rows].map((row) => [row.run_id, row.mean]))
}
