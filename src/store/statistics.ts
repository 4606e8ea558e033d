// The figures of all trajectories of a run that a selection takes: spreads, histograms, endings, errors,
// reward over time. Computed in the database, in one pass over the selected rows.
import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { StoredRun } from './contract.ts'
import { query, withoutScans } from './database.ts'
import type { Database } from './database.ts'
import type { Bin, RunStatistics, Selection, Spread } from './read-contract.ts'
import { readRun } from './runs.ts'
import { trajectories as t } from './schema.ts'
import { selectionSql } from './selection.ts'
import { ofUnchanged } from './unchanged.ts'

const bins = 20
const moments = 40

/** Errors raised: UsageError for a mistake in the selection, or no such run. */
export async function runStatistics(
  database: Database,
  runId: string,
  selection: Selection,
): Promise<RunStatistics> {
  const run = await readRun(database, runId)
  // What a condition says of the run itself may change without its trajectories.
  const { name, status, tags, policyVersion } = run
  const key = JSON.stringify(['statistics', selection, name, status, tags, policyVersion])
  const [found] = await ofUnchanged(database, key, [run.id], async () => [
    await compute(database, run, selection),
  ])
  return found ?? shape({})
}

async function compute(database: Database, run: StoredRun, selection: Selection): Promise<RunStatistics> {
  const { condition, groups } = await selectionSql(database, run, selection)
  const joined = groups ? sql` join ${groups.table} on ${groups.on}` : sql``
  const [row] = await query(database, () =>
    withoutScans(database, async (db) => {
      return await db.execute(sql`
      with f as materialized (
        select ${t.reward} as reward, ${t.costUsd} as cost, ${t.turns}::float8 as turns,
          ${t.calls}::float8 as calls, ${t.status} as status, ${t.stopReason} as stop_reason, ${t.error} as error,
          extract(epoch from ${t.endedAt} - ${t.startedAt})::float8 as seconds, ${t.endedAt} as ended_at
        from ${t}${joined} where ${condition}
      )
      select (select count(*)::int from f) as trajectories,
        ${spread('reward')} as reward, ${spread('cost')} as cost, ${spread('turns')} as turns,
        ${spread('calls')} as calls, ${spread('seconds')} as seconds,
        ${histogram('reward', sql`least(0, min(reward))`, sql`greatest(1, max(reward))`)} as reward_bins,
        ${histogram('turns', sql`0`, sql`greatest(max(turns), ${bins})`)} as turn_bins,
        ${histogram('cost', sql`0`, sql`max(cost)`)} as cost_bins,
        ${counts('status')} as statuses, ${counts('stop_reason')} as stop_reasons,
        (select coalesce(json_agg(e order by e.count desc, e.code), '[]') from (
          select error->>'boundary' as boundary, error->>'code' as code, count(*)::int as count,
            left(min(error->>'message'), 300) as example
          from f where error is not null group by 1, 2 order by 3 desc limit 50) e) as errors,
        (select coalesce(json_agg(m order by m."endedAt"), '[]') from (
          select max(ended_at) as "endedAt", avg(reward) as reward, count(*)::int as count from (
            select reward, ended_at, ntile(${moments}) over (order by ended_at) as part
            from f where reward is not null and ended_at is not null) parts group by part) m) as over_time`)
    }),
  )
  return shape(row ?? {})
}

function spread(name: string): SQL {
  const column = sql.identifier(name)
  return sql`(select case when count(${column}) > 0 then json_build_object(
    'count', count(${column}), 'mean', avg(${column}), 'deviation', stddev_samp(${column}),
    'min', min(${column}), 'max', max(${column}),
    'quantiles', percentile_cont(array[0.1, 0.25, 0.5, 0.75, 0.9]) within group (order by ${column})) end from f)`
}

/** Counts by bin of equal width; the highest value is in the last one. */
function histogram(name: string, low: SQL, high: SQL): SQL {
  const column = sql.identifier(name)
  return sql`(select json_build_object('low', low, 'high', high, 'counts', (
      select coalesce(json_object_agg(bin, count), '{}') from (
        select least(${bins - 1}::int, floor((${column} - low) / (high - low) * ${bins})::int) as bin, count(*) as count
        from f where ${column} is not null group by 1) filled))
    from (select (${low})::float8 as low, (${high})::float8 as high from f having count(${column}) > 0) range where high > low)`
}

function counts(name: string): SQL {
  const column = sql.identifier(name)
  return sql`(select coalesce(json_object_agg(${column}, count), '{}') from (
    select ${column}, count(*)::int as count from f where ${column} is not null group by 1) counted)`
}

function shape(row: Record<string, unknown>): RunStatistics {
  return {
    trajectories: row['trajectories'] as number,
    reward: row['reward'] as Spread | null,
    cost: row['cost'] as Spread | null,
    turns: row['turns'] as Spread | null,
    calls: row['calls'] as Spread | null,
    seconds: row['seconds'] as Spread | null,
    histograms: {
      reward: toBins(row['reward_bins']),
      turns: toBins(row['turn_bins']),
      cost: toBins(row['cost_bins']),
    },
    statuses: row['statuses'] as Record<string, number>,
    stopReasons: row['stop_reasons'] as Record<string, number>,
    errors: row['errors'] as RunStatistics['errors'],
    overTime: (row['over_time'] as RunStatistics['overTime']).map((moment) => ({
      ...moment,
      endedAt: new Date(moment.endedAt).toISOString(),
    })),
  }
}

function toBins(value: unknown): Bin[] {
  const given = value as { low: number; high: number; counts: Record<string, number> } | null
  if (given === null) return []
  const width = (given.high - given.low) / bins
  return Array.from({ length: bins }, (_, index) => ({
    from: given.low + index * width,
    to: given.low + (index + 1) * width,
    count: given.counts[index] ?? 0,
  }))
}
