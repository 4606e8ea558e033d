// Trajectories of a run, filtered and sorted in the database, page by page. Rows without a value of the
// sort key come last in both directions: they are a second phase of the same list.
import { asc, desc, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { TrajectoryRow } from '../trajectory.ts'
import type { Page } from './contract.ts'
import { checkLimit, makePage, readCursor } from './cursor.ts'
import { query, withoutScans } from './database.ts'
import type { Database, Reader } from './database.ts'
import type { Selection, SortKey } from './read-contract.ts'
import { readRun } from './runs.ts'
import { trajectories } from './schema.ts'
import { newestScores, noScores } from './scores.ts'
import { selectionSql } from './selection.ts'
import { toTrajectoryRow } from './trajectories.ts'

const { position, rollout } = trajectories

/** Null for the order of the tasks alone. */
const keys: Record<SortKey, SQL | null> = {
  position: null,
  reward: sql`${trajectories.reward}`,
  cost: sql`${trajectories.costUsd}`,
  turns: sql`${trajectories.turns}`,
  calls: sql`${trajectories.calls}`,
  tokens: sql`(${trajectories.inputTokens} + ${trajectories.outputTokens})`,
  seconds: sql`extract(epoch from ${trajectories.endedAt} - ${trajectories.startedAt})`,
}

export async function findTrajectories(
  database: Database,
  runId: string,
  options: Selection & { limit: number; cursor?: string | null; sort?: SortKey; descending?: boolean },
): Promise<Page<TrajectoryRow>> {
  const limit = checkLimit(options.limit)
  const { sort = 'position', descending = false } = options
  const kind = `${sort} ${descending ? 'down' : 'up'}`
  const after = readCursor(options.cursor, kind, 4)
  const run = await readRun(database, runId)
  const { condition, groups } = await selectionSql(database, run, options, { byRow: true })
  const key = keys[sort]
  const order = descending ? desc : asc
  const beyond = descending ? sql`<` : sql`>`
  const place = after && sql`${Number(after[2])}::int, ${Number(after[3])}::int`

  async function read(phase: 0 | 1, many: number) {
    const started = after !== null && Number(after[0]) === phase
    const sorted = key !== null && phase === 0
    const next = !started
      ? sql`true`
      : sorted
        ? sql`(${key}, ${position}, ${rollout}) ${beyond} (${Number(after[1])}::float8, ${place})`
        : sql`(${position}, ${rollout}) ${beyond} (${place})`
    const present = key === null ? sql`true` : phase === 0 ? sql`${key} is not null` : sql`${key} is null`
    const find = async (db: Reader) => {
      const base = db
        .select({ row: trajectories, key: sql<number | null>`${key ?? sql`null`}::float8` })
        .from(trajectories)
        .$dynamic()
      const source = groups ? base.innerJoin(groups.table, groups.on) : base
      return await source
        .where(sql`${condition} and ${present} and ${next}`)
        .orderBy(...(sorted ? [order(key)] : []), order(position), order(rollout))
        .limit(many)
    }
    const rows = groups ? await withoutScans(database, find) : await find(database.db)
    return rows.map((found) => ({ ...found, phase }))
  }

  return await query(database, async () => {
    const first = after !== null && Number(after[0]) === 1 ? [] : await read(0, limit + 1)
    const rest = key === null || first.length > limit ? [] : await read(1, limit + 1 - first.length)
    const page = makePage([...first, ...rest], limit, kind, ({ row, key: value, phase }) => [
      phase,
      value ?? 0,
      row.position,
      row.rollout,
    ])
    const scored = await newestScores(
      database.db,
      page.items.map(({ row }) => row.id),
    )
    return {
      items: page.items.map(({ row }) => toTrajectoryRow(row, scored.get(row.id) ?? noScores)),
      next: page.next,
    }
  })
}
