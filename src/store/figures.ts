// The figures of trajectories without their trees: what scoring as a stage and statistics go through, page
// by page, in the order of the tasks and their rollouts.
import { and, asc, eq, sql } from 'drizzle-orm'
import type { StopReason, TrajectoryStatus } from '../trajectory.ts'
import type { Figures, Page, StoredScore } from './contract.ts'
import { checkLimit, makePage, readCursor } from './cursor.ts'
import { query } from './database.ts'
import type { Database, Reader } from './database.ts'
import { toIso } from './instant.ts'
import { trajectories } from './schema.ts'
import { newestOf, newestReader } from './scores.ts'

/** Errors raised: UsageError for a cursor of another list. */
export async function listFigures(
  database: Database,
  runId: string,
  options: { limit: number; cursor?: string | null },
): Promise<Page<Figures>> {
  const limit = checkLimit(options.limit)
  const after = readCursor(options.cursor, 'figures', 2)
  const { position, rollout } = trajectories
  return await query(database, async () => {
    const rows = await database.db
      .select({
        id: trajectories.id,
        taskId: trajectories.taskId,
        position,
        rollout,
        status: trajectories.status,
        stopReason: trajectories.stopReason,
        turns: trajectories.turns,
        cells: trajectories.cells,
        failedCells: trajectories.failedCells,
        calls: trajectories.calls,
        maxDepth: trajectories.maxDepth,
        inputTokens: trajectories.inputTokens,
        outputTokens: trajectories.outputTokens,
        costUsd: trajectories.costUsd,
        startedAt: trajectories.startedAt,
        endedAt: trajectories.endedAt,
      })
      .from(trajectories)
      .where(
        and(
          eq(trajectories.runId, runId),
          after
            ? sql`(${position}, ${rollout}) > (${Number(after[0])}::int, ${Number(after[1])}::int)`
            : undefined,
        ),
      )
      .orderBy(asc(position), asc(rollout))
      .limit(limit + 1)
    const page = makePage(rows, limit, 'figures', (row) => [row.position, row.rollout])
    const found = await scoresOf(
      database.db,
      page.items.map((row) => row.id),
    )
    return {
      items: page.items.map(({ startedAt, endedAt, ...row }) => ({
        ...row,
        status: row.status as TrajectoryStatus,
        stopReason: row.stopReason as StopReason | null,
        seconds: startedAt && endedAt ? (Date.parse(endedAt) - Date.parse(startedAt)) / 1000 : null,
        scores: found.get(row.id) ?? [],
      })),
      next: page.next,
    }
  })
}

/** The newest row of each (reward, version, options) of each trajectory, the oldest of them first. */
async function scoresOf(db: Reader, ids: string[]): Promise<Map<string, StoredScore[]>> {
  if (ids.length === 0) return new Map()
  const rows = await newestReader.read(db, newestOf(ids))
  const byTrajectory = Map.groupBy(rows, (row) => row.trajectoryId)
  return new Map(
    [...byTrajectory].map(([id, list]) => [
      id,
      list
        .map((row) => ({
          reward: row.reward,
          version: row.version,
          optionsHash: row.optionsHash,
          weight: row.weight,
          value: row.value,
          error: row.error,
          details: row.details,
          author: row.author,
          createdAt: toIso(row.createdAt) ?? '',
          id: row.id,
        }))
        .toSorted((a, b) =>
          a.createdAt === b.createdAt ? (a.id < b.id ? -1 : 1) : a.createdAt < b.createdAt ? -1 : 1,
        ),
    ]),
  )
}
