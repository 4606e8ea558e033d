// What was computed over all trajectories of a run is given again until one of them changes. Invariant: a
// result is kept only when every transaction that has not ended yet is newer than the last change that was
// seen, so that whatever is committed later is a later change.
import { sql } from 'drizzle-orm'
import { query } from './database.ts'
import type { Database, Reader } from './database.ts'
import { runs, trajectories } from './schema.ts'
import { isOneOf } from './rows.ts'

/** Results of one database, the one that was not asked for the longest first. */
const kept = new WeakMap<Database, Map<string, { change: string; result: unknown }>>()
const mostKept = 500

/** The last change of each run; null for one that is changing now, or has no trajectories. */
async function lastChanges(db: Reader, runIds: string[]): Promise<Map<string, string | null>> {
  const rows = await db.execute<{ id: string; change: string; settled: boolean }>(sql`
    select ${runs.id} as id, t.change::text as change,
      t.change < pg_snapshot_xmin(pg_current_snapshot()) as settled
    from ${runs} join lateral (
      select ${trajectories.revision} as change from ${trajectories} where ${trajectories.runId} = ${runs.id}
      order by ${trajectories.revision} desc limit 1
    ) t on true where ${isOneOf(runs.id, runIds)}`)
  return new Map(rows.map(({ id, change, settled }) => [id, settled ? change : null]))
}

/**
 * The results for the runs, in their order: kept ones, and those that `compute` gives for the others. `name`
 * says what is computed, with all that it depends on but the trajectories. Errors raised: those of `compute`.
 */
export async function ofUnchanged<Result>(
  database: Database,
  name: string,
  runIds: string[],
  compute: (runIds: string[]) => Promise<Result[]>,
): Promise<Result[]> {
  const results = kept.get(database) ?? new Map<string, { change: string; result: unknown }>()
  kept.set(database, results)
  // Before computing: a change that comes in between makes the result newer than it says, never older.
  const changes = await query(database, () => lastChanges(database.db, runIds))
  const found = new Map<string, Result>()
  for (const id of runIds) {
    const entry = results.get(`${id} ${name}`)
    if (entry && entry.change === changes.get(id)) found.set(id, entry.result as Result)
  }
  const missing = runIds.filter((id) => !found.has(id))
  const made = missing.length === 0 ? [] : await compute(missing)
  for (const [index, result] of made.entries()) found.set(missing[index] ?? '', result)
  for (const [id, result] of found) {
    const change = changes.get(id)
    results.delete(`${id} ${name}`)
    if (change !== null && change !== undefined) results.set(`${id} ${name}`, { change, result })
  }
  for (const oldest of results.keys()) {
    if (results.size <= mostKept) break
    results.delete(oldest)
  }
  return runIds.flatMap((id) => {
    const result = found.get(id)
    return result === undefined ? [] : [result]
  })
}
