// Trajectories: their states, and their lists. Invariant: a state changes only from the states from
// which it may (guarded updates), so that two workers cannot both end one rollout.
import { and, asc, desc, eq, getTableColumns, inArray, ne, or, sql } from 'drizzle-orm'
import { StoreError, UsageError } from '../errors.ts'
import type { StopReason, TrajectoryRow, TrajectoryStatus } from '../trajectory.ts'
import type { PlannedTrajectory, Store, TrajectoryEnd } from './contract.ts'
import { checkLimit, makePage, readCursor } from './cursor.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import { encodeRow, insertRows } from './insert.ts'
import { toIso } from './instant.ts'
import { journalTables } from './journal.ts'
import { findId } from './reference.ts'
import { rowReader } from './rows.ts'
import { blobs, invocations, runs, scores, searchTexts, trajectories } from './schema.ts'
import { dropFailedTurns } from './read-journal.ts'
import { newestScores, noScores } from './scores.ts'
import type { TrajectoryScores } from './scores.ts'
import { splitText, textLimit } from './text.ts'

export async function pendingTrajectories(database: Database, runId: string): Promise<PlannedTrajectory[]> {
  const { id, taskId, taskHash, rollout, position, seed, status, attempt } = trajectories
  const { originTrajectoryId, originTurns } = trajectories
  const rows = await query(database, () =>
    database.db
      .select({
        id,
        taskId,
        taskHash,
        rollout,
        position,
        seed,
        status,
        attempt,
        originTrajectoryId,
        originTurns,
      })
      .from(trajectories)
      .where(and(eq(trajectories.runId, runId), ne(trajectories.status, 'done')))
      .orderBy(asc(position), asc(rollout)),
  )
  return rows.map(({ originTrajectoryId: from, originTurns: turns, ...row }) => ({
    ...row,
    status: row.status as TrajectoryStatus,
    origin: from === null ? null : { trajectoryId: from, turns: turns ?? 0 },
  }))
}

/** Errors raised: StoreError `not_startable` when it is done, or does not exist. */
export async function beginTrajectory(
  database: Database,
  id: string,
  startedAt: string,
  options: { keep?: boolean } = {},
): Promise<number> {
  return await query(database, () =>
    database.db.transaction(async (db) => {
      const [row] = await db
        .update(trajectories)
        .set({
          status: 'running',
          attempt: sql`${trajectories.attempt} + 1`,
          startedAt,
          endedAt: null,
          stopReason: null,
          answer: null,
          answerBlob: null,
          error: null,
          sandbox: null,
          inputTokens: 0,
          outputTokens: 0,
          turns: 0,
          cells: 0,
          calls: 0,
          failedCells: 0,
          maxDepth: 0,
          costUsd: null,
          reward: null,
          searchable: false,
          revision: currentTransaction,
          ...(options.keep ? {} : { divergence: null }),
        })
        .where(and(eq(trajectories.id, id), ne(trajectories.status, 'done')))
        .returning({ attempt: trajectories.attempt })
        .prepare('begin_trajectory')
        .execute()
      if (!row) throw new StoreError('not_startable', `trajectory ${id} is done already, or does not exist`)
      if (options.keep) await dropFailedTurns(db, id)
      else if (row.attempt > 1) {
        // Scores too: they judged what is deleted here.
        for (const table of [...journalTables, scores, searchTexts])
          await db.delete(table).where(eq(table.trajectoryId, id))
      }
      return row.attempt
    }),
  )
}

/** The value of a row's `revision` when it is changed. */
export const currentTransaction = sql<string>`pg_current_xact_id()`

async function storeAnswer(database: Database, answer: string | null) {
  if (answer === null) return { answer: null, answerBlob: null }
  const split = await splitText(answer, textLimit)
  const rows = split.blobs.map((blob) => encodeRow(blobs, { ...blob }))
  if (rows.length > 0) await query(database, () => insertRows(database.raw, rows))
  return { answer: split.column, answerBlob: split.hash }
}

/** Errors raised: StoreError when the invocation was never appended. */
export async function endInvocation(
  database: Database,
  id: string,
  end: { stopReason: StopReason; answer: string | null; endedAt: string },
): Promise<void> {
  const { stopReason, endedAt } = end
  const answer = await storeAnswer(database, end.answer)
  const changed = await query(database, () =>
    database.db
      .update(invocations)
      .set({ stopReason, endedAt, ...answer })
      .where(eq(invocations.id, id))
      .returning({ id: invocations.id })
      .prepare('end_invocation')
      .execute(),
  )
  if (changed.length === 0) throw new StoreError('missing', `invocation ${id} ended but was never stored`)
}

/** Errors raised: StoreError `not_running` when the trajectory is in another state. */
export async function endTrajectory(
  database: Database,
  id: string,
  end: TrajectoryEnd,
  endedAt: string,
): Promise<void> {
  const answer = await storeAnswer(database, end.answer)
  const { status } = trajectories
  // The same end may arrive twice: an acknowledgement that got lost is asked for again.
  const mayEnd = or(eq(status, 'running'), and(eq(status, end.status), eq(trajectories.endedAt, endedAt)))
  const changed = await query(database, () =>
    database.db
      .update(trajectories)
      .set({ ...end, ...answer, endedAt, revision: currentTransaction })
      .where(and(eq(trajectories.id, id), mayEnd))
      .returning({ id: trajectories.id })
      .prepare('end_trajectory')
      .execute(),
  )
  if (changed.length === 0)
    throw new StoreError('not_running', `trajectory ${id} is not running, so it cannot end`)
}

const reader = rowReader(trajectories, getTableColumns(trajectories))

/** In the order of the tasks, then of the rollouts. Answers are cut to what the row itself holds. */
export async function listTrajectories(
  database: Database,
  runId: string,
  options: { limit: number; cursor?: string | null; status?: TrajectoryStatus },
): ReturnType<Store['listTrajectories']> {
  const limit = checkLimit(options.limit)
  const after = readCursor(options.cursor, 'trajectories', 2)
  const { position, rollout } = trajectories
  return await query(database, async () => {
    const condition = and(
      eq(trajectories.runId, runId),
      options.status ? eq(trajectories.status, options.status) : undefined,
      after
        ? sql`(${position}, ${rollout}) > (${Number(after[0])}::int, ${Number(after[1])}::int)`
        : undefined,
    )
    const rows = await reader.read(
      database.db,
      sql`where ${condition} order by ${position}, ${rollout} limit ${limit + 1}`,
    )
    const page = makePage(rows, limit, 'trajectories', (row) => [row.position, row.rollout])
    const ids = page.items.map((row) => row.id)
    const found = await newestScores(database.db, ids)
    return {
      items: page.items.map((row) => ({
        ...toTrajectoryRow(row, found.get(row.id) ?? noScores),
        maxDepth: row.maxDepth,
        failedCells: row.failedCells,
      })),
      next: page.next,
    }
  })
}

/** What lists and the whole trajectory have in common. */
export function toTrajectoryRow(
  row: typeof trajectories.$inferSelect,
  scored: TrajectoryScores,
): TrajectoryRow {
  const { id, runId, taskId, rollout, answer, turns, calls, cells, inputTokens, outputTokens, costUsd } = row
  return {
    id,
    runId,
    taskId,
    rollout,
    status: row.status as TrajectoryStatus,
    stopReason: row.stopReason as StopReason | null,
    answer,
    ...(row.answerBlob ? { answerTruncated: true } : {}),
    turns,
    calls,
    cells,
    usage: { inputTokens, outputTokens, calls, costUsd },
    scores: scored.scores,
    reward: scored.reward,
    scripted: row.scripted,
    error: row.error,
    startedAt: toIso(row.startedAt),
    endedAt: toIso(row.endedAt),
  }
}

/** `latest` is the one that was started last in the newest run. */
export async function findTrajectory(database: Database, reference: string): Promise<string> {
  const latest = async () => {
    const newest = database.db.select({ id: runs.id }).from(runs).orderBy(desc(runs.id)).limit(1)
    const [row] = await database.db
      .select({ id: trajectories.id })
      .from(trajectories)
      .where(inArray(trajectories.runId, newest))
      .orderBy(sql`${trajectories.startedAt} desc nulls last`, desc(trajectories.id))
      .limit(1)
    return row?.id ?? null
  }
  const kind = {
    table: trajectories,
    id: trajectories.id,
    label: trajectories.taskId,
    nouns: ['trajectory', 'trajectories'] as const,
    latest,
  }
  return await findId(database, kind, reference)
}

/** Errors raised: UsageError; for an id that is well formed and not there. */
export function noTrajectory(database: Database, id: string): UsageError {
  return new UsageError(`no trajectory ${id} in the store at ${database.location}`)
}
