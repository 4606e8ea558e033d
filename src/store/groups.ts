// Groups: the rollouts of one task in one run, and the first cells by which they can be told apart.
import { and, asc, eq, sql } from 'drizzle-orm'
import type { TrajectoryRow } from '../trajectory.ts'
import type { Page } from './contract.ts'
import { checkLimit, makePage, readCursor } from './cursor.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import type { Group, LeasedGroup, OutlineCell } from './read-contract.ts'
import { trajectories } from './schema.ts'
import { newestScores, noScores } from './scores.ts'
import { toTrajectoryRow } from './trajectories.ts'

const largestGroup = 1000
const longestOutline = 500

/** In the order of the tasks. */
export async function listGroups(
  database: Database,
  runId: string,
  options: { limit: number; cursor?: string | null },
): Promise<Page<Group>> {
  const limit = checkLimit(options.limit)
  const after = readCursor(options.cursor, 'groups', 1)
  const { position, reward, status, taskId } = trajectories
  const rows = await query(database, () =>
    database.db
      .select({
        taskId,
        position,
        rollouts: sql<number>`count(*)::int`,
        done: sql<number>`(count(*) filter (where ${status} = 'done'))::int`,
        scored: sql<number>`count(${reward})::int`,
        mean: sql<number | null>`avg(${reward})`,
        min: sql<number | null>`min(${reward})`,
        max: sql<number | null>`max(${reward})`,
        deviation: sql<number | null>`stddev_samp(${reward})`,
        costUsd: sql<number | null>`sum(${trajectories.costUsd})`,
      })
      .from(trajectories)
      .where(
        and(eq(trajectories.runId, runId), after ? sql`${position} > ${Number(after[0])}::int` : undefined),
      )
      .groupBy(position, taskId)
      .orderBy(asc(position))
      .limit(limit + 1),
  )
  return makePage(rows, limit, 'groups', (row) => [row.position])
}

export async function readGroup(database: Database, runId: string, taskId: string): Promise<TrajectoryRow[]> {
  return await query(database, async () => {
    const rows = await database.db
      .select()
      .from(trajectories)
      .where(and(eq(trajectories.runId, runId), eq(trajectories.taskId, taskId)))
      .orderBy(asc(trajectories.rollout))
      .limit(largestGroup)
    const scored = await newestScores(
      database.db,
      rows.map((row) => row.id),
    )
    return rows.map((row) => toTrajectoryRow(row, scored.get(row.id) ?? noScores))
  })
}

export async function readOutlines(database: Database, ids: string[]): Promise<OutlineCell[]> {
  if (ids.length === 0) return []
  const rows = await query(database, () =>
    database.db.execute<{
      trajectory_id: string
      turn: number
      cell_id: string
      index: number
      hash: string
      code: string
    }>(sql`
      select wanted.id as trajectory_id, o.* from unnest(${`{${ids.join(',')}}`}::uuid[]) as wanted(id),
      lateral (
        select turns.index as turn, cells.id as cell_id, cells.index,
          coalesce(encode(cells.code_blob, 'hex'), md5(cells.code)) as hash, left(cells.code, 400) as code
        from invocations
        join turns on turns.invocation_id = invocations.id
        join cells on cells.turn_id = turns.id
        where invocations.trajectory_id = wanted.id and invocations.depth = 0
        order by turns.index, cells.index limit ${longestOutline}::int
      ) o`),
  )
  return [...rows].map(({ trajectory_id, cell_id, ...row }) => ({
    ...row,
    trajectoryId: trajectory_id,
    cellId: cell_id,
  }))
}

/**
 * Each group goes to one lease at a time. Callers of one run wait for each other, so that two who ask at once
 * both get groups, and never the same.
 */
export async function leaseGroups(
  database: Database,
  runId: string,
  options: { leaseId: string; groups: number; seconds: number; policyVersion?: string | undefined },
): Promise<LeasedGroup[]> {
  const { leaseId, groups, seconds } = options
  const version = options.policyVersion ?? null
  const lock = sql`select pg_advisory_xact_lock(4, hashtext(${`lease ${runId}`}))`
  const rows = await query(database, () =>
    database.db.transaction(async (db) => {
      await db.execute(lock)
      return await db.execute<LeasedGroup['trajectories'][number] & { task_id: string }>(sql`
      with ready as (
        select task_id, min(position) as position from trajectories where run_id = ${runId}::uuid
        group by task_id
        having bool_and(status = 'done')
          and (${version}::text is null or bool_and(policy_version is not distinct from ${version}::text))
      ), free as (
        select ready.task_id from ready
        left join group_leases held on held.run_id = ${runId}::uuid and held.task_id = ready.task_id
        where held.task_id is null or (not held.done and held.until < now())
        order by ready.position limit ${groups}::int
      ), taken as (
        insert into group_leases (run_id, task_id, lease_id, until)
        select ${runId}::uuid, task_id, ${leaseId}::uuid, now() + make_interval(secs => ${seconds}) from free
        on conflict (run_id, task_id) do update
          set lease_id = excluded.lease_id, until = excluded.until
          where not group_leases.done and group_leases.until < now()
        returning task_id
      )
      select t.task_id, t.id, t.rollout, t.reward, t.stop_reason as "stopReason",
        t.policy_version as "policyVersion"
      from taken join trajectories t on t.run_id = ${runId}::uuid and t.task_id = taken.task_id
      order by t.position, t.rollout`)
    }),
  )
  const byTask = Map.groupBy(rows, (row) => row.task_id)
  return [...byTask].map(([taskId, members]) => ({
    taskId,
    trajectories: members.map(({ task_id: _task, ...member }) => member),
  }))
}

export async function endLease(database: Database, leaseId: string, keep: boolean): Promise<number> {
  const ended = keep
    ? sql`update group_leases set done = true where lease_id = ${leaseId}::uuid returning task_id`
    : sql`delete from group_leases where lease_id = ${leaseId}::uuid and not done returning task_id`
  const rows = await query(database, () => database.db.execute(ended))
  return rows.length
}
