// Scores, and the reward of a trajectory that follows from them. Rows are appended, never changed: the
// newest one of a (reward, version, options) counts. The reward is kept on the trajectory too, where lists
// filter and sort by it.
import { getTableColumns, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Score } from '../trajectory.ts'
import type { NewScore } from './contract.ts'
import { query } from './database.ts'
import type { Database, Reader } from './database.ts'
import { encodeRow, insertRows } from './insert.ts'
import { isOneOf, rowReader } from './rows.ts'
import { scores } from './schema.ts'

/** Errors raised: StoreError. Durable when it resolves; a score whose id is there already is left as it is. */
export async function addScores(database: Database, rows: NewScore[]): Promise<void> {
  if (rows.length === 0) return
  const encoded = rows.map((row) => encodeRow(scores, row))
  // As PostgreSQL writes an array.
  const ids = `{${[...new Set(rows.map((row) => row.trajectoryId))].join(',')}}`
  await query(database, () =>
    database.raw.begin(async (session) => {
      // Scores of one trajectory that come at once wait for each other, so that the last sums them all.
      await session`select id from trajectories where id = any(${ids}::uuid[]) order by id for update`
      await insertRows(session, encoded)
      await session`
        update trajectories t set reward = r.reward, revision = pg_current_xact_id() from (
          select trajectory_id, case when count(*) = count(value) then sum(weight * value) end as reward
          from (
            select distinct on (trajectory_id, reward) trajectory_id, weight, value from scores
            where trajectory_id = any(${ids}::uuid[]) and invocation_id is null and turn_id is null
            order by trajectory_id, reward, created_at desc, id desc
          ) newest group by trajectory_id
        ) r where r.trajectory_id = t.id`
    }),
  )
}

export interface TrajectoryScores {
  scores: Score[]
  /** The weighted sum; null when there is no score, or one of them has no value. */
  reward: number | null
}

const newestKey = sql`${scores.trajectoryId}, ${scores.reward}, ${scores.version}, ${scores.optionsHash}`

/** The newest row of each (reward, version, options) of a trajectory as a whole. */
export const newestReader = rowReader(scores, getTableColumns(scores), sql`distinct on (${newestKey})`)

export function newestOf(trajectoryIds: readonly string[]): SQL {
  return sql`
    where ${isOneOf(scores.trajectoryId, trajectoryIds)}
      and ${scores.invocationId} is null and ${scores.turnId} is null
    order by ${newestKey}, ${scores.createdAt} desc, ${scores.id} desc`
}

/** The scores that count of each of these trajectories (those of its turns and invocations left out). */
export async function newestScores(
  db: Reader,
  trajectoryIds: string[],
): Promise<Map<string, TrajectoryScores>> {
  const found = new Map<string, TrajectoryScores>()
  if (trajectoryIds.length === 0) return found
  const rows = await newestReader.read(db, newestOf(trajectoryIds))
  for (const [id, list] of Map.groupBy(rows, (row) => row.trajectoryId)) {
    found.set(id, { scores: list.map(toScore), reward: weightedSum(list) })
  }
  return found
}

export const noScores: TrajectoryScores = { scores: [], reward: null }

type ScoreRow = typeof scores.$inferSelect

function toScore(row: ScoreRow): Score {
  const { reward, version, value, weight, error, details } = row
  return { reward, version, value, weight, error, details }
}

/** A reward that was computed by several versions or options is counted once: the newest row. */
function weightedSum(rows: ScoreRow[]): number | null {
  const byReward = new Map<string, ScoreRow>()
  for (const row of rows) {
    const other = byReward.get(row.reward)
    if (!other || isNewer(row, other)) byReward.set(row.reward, row)
  }
  let sum = 0
  for (const { value, weight } of byReward.values()) {
    if (value === null) return null
    sum += weight * value
  }
  return byReward.size === 0 ? null : sum
}

function isNewer(row: ScoreRow, other: ScoreRow): boolean {
  const [a, b] = [Date.parse(row.createdAt), Date.parse(other.createdAt)]
  return a === b ? row.id > other.id : a > b
}
