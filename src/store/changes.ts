// What changed since a place, for readers who follow. A row carries the transaction that wrote it last; the
// place is (transaction, row). Only rows of transactions below the oldest running one are given, so nothing
// that is committed later can come before a place that was given out: no change is missed and none is told
// twice, whatever the order of commits.
import { and, asc, eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { UsageError } from '../errors.ts'
import { isId } from '../ids.ts'
import type { TrajectoryRow } from '../trajectory.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import type { Change, TrajectoryEvent } from './read-contract.ts'
import { trajectories } from './schema.ts'
import { newestScores, noScores } from './scores.ts'
import { toTrajectoryRow } from './trajectories.ts'

interface Place {
  revision: string
  id: string
}

/** Errors raised: UsageError when it is not one that was given out. */
function readPlace(cursor: string | null): Place | null {
  if (cursor === null || cursor === '') return null
  const [, revision = '', id = ''] = /^(\d{1,20})\.([0-9a-f-]{36})$/.exec(cursor) ?? []
  if (revision === '' || !isId(id)) throw new UsageError('the id of the last event is not one of this stream')
  return { revision, id }
}

const settled = sql`revision < pg_snapshot_xmin(pg_current_snapshot())`

function after(place: Place | null): SQL {
  return place ? sql`(revision, id) > (${place.revision}::xid8, ${place.id}::uuid)` : sql`true`
}

/** The trajectories of a run, each as it is now, in the order of their last changes. */
export async function runChanges(
  database: Database,
  runId: string,
  cursor: string | null,
  limit: number,
): Promise<Change<TrajectoryRow>[]> {
  const place = readPlace(cursor)
  return await query(database, async () => {
    const rows = await database.db
      .select()
      .from(trajectories)
      .where(and(eq(trajectories.runId, runId), settled, after(place)))
      .orderBy(asc(trajectories.revision), asc(trajectories.id))
      .limit(limit)
    const scored = await newestScores(
      database.db,
      rows.map((row) => row.id),
    )
    return rows.map((row) => ({
      cursor: `${row.revision}.${row.id}`,
      event: toTrajectoryRow(row, scored.get(row.id) ?? noScores),
    }))
  })
}

/** The turns, cells and calls of a trajectory as they are written, and its own changes. */
export async function trajectoryChanges(
  database: Database,
  trajectoryId: string,
  cursor: string | null,
  limit: number,
): Promise<Change<TrajectoryEvent>[]> {
  if (!isId(trajectoryId)) return []
  const place = readPlace(cursor)
  const of = sql`trajectory_id = ${trajectoryId}::uuid and ${settled} and ${after(place)}`
  const rows = await query(database, () =>
    database.db.execute<{ revision: string; id: string; event: Omit<TrajectoryEvent, 'id'> }>(sql`
      select revision::text as revision, id, event from (
        select revision, id, json_build_object('type', 'turn', 'invocationId', invocation_id, 'index', index,
          'callId', call_id) as event from turns where ${of}
        union all
        select revision, id, json_build_object('type', 'cell', 'invocationId', invocation_id, 'turnId', turn_id,
          'index', index, 'failed', error is not null or death is not null) from cells where ${of}
        union all
        select revision, id, json_build_object('type', 'call', 'kind', kind, 'cellId', cell_id,
          'failed', error is not null) from calls where ${of}
        union all
        select revision, id, json_build_object('type', 'trajectory', 'status', status,
          'stopReason', stop_reason, 'reward', reward) from trajectories
        where id = ${trajectoryId}::uuid and ${settled} and ${after(place)}
      ) changes order by changes.revision, changes.id limit ${limit}::int`),
  )
  return [...rows].map(({ revision, id, event }) => ({
    cursor: `${revision}.${id}`,
    event: { ...event, id } as TrajectoryEvent,
  }))
}
