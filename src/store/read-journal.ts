// The journal of a trajectory as it was appended: what a resumed rollout starts from.
import { and, asc, eq, getTableColumns, inArray, isNotNull, isNull } from 'drizzle-orm'
import type { Divergence } from '../trajectory.ts'
import { readBlobs } from './blobs.ts'
import type { TrajectoryJournal } from './contract.ts'
import { query } from './database.ts'
import type { Database, Reader } from './database.ts'
import { journalTexts } from './journal.ts'
import { calls, cells, invocations, messages, trajectories, turns } from './schema.ts'
import { joinText } from './text.ts'
import { unpackFloats, unpackIntegers } from './tokens.ts'

type Row = Record<string, unknown>

/** Errors raised: StoreError. An unknown trajectory has an empty journal. */
export async function readJournal(database: Database, trajectoryId: string): Promise<TrajectoryJournal> {
  return await query(database, () =>
    database.db.transaction((db) => read(db, trajectoryId), {
      isolationLevel: 'repeatable read',
      accessMode: 'read only',
    }),
  )
}

async function read(db: Reader, id: string): Promise<TrajectoryJournal> {
  const [invocationRows, messageRows, turnRows, cellRows, callRows] = await Promise.all([
    db.select(getTableColumns(invocations)).from(invocations).where(eq(invocations.trajectoryId, id)),
    db
      .select(getTableColumns(messages))
      .from(messages)
      .where(eq(messages.trajectoryId, id))
      .orderBy(asc(messages.index)),
    db.select(getTableColumns(turns)).from(turns).where(eq(turns.trajectoryId, id)).orderBy(asc(turns.index)),
    db.select(getTableColumns(cells)).from(cells).where(eq(cells.trajectoryId, id)).orderBy(asc(cells.index)),
    db
      .select(getTableColumns(calls))
      .from(calls)
      .where(eq(calls.trajectoryId, id))
      .orderBy(asc(calls.order), asc(calls.id)),
  ])
  const all: Row[] = [...invocationRows, ...messageRows, ...cellRows, ...callRows]
  const hashes = all.flatMap((row) =>
    Object.entries(row).flatMap(([name, value]) =>
      name.endsWith('Blob') && Buffer.isBuffer(value) ? [value] : [],
    ),
  )
  const blobs = await readBlobs(db, hashes)

  /** The row with its texts whole and without their blob columns. */
  function whole(row: Row, names: string[]): Row {
    const joined = Object.fromEntries(
      names.map((name) => [
        name,
        joinText(row[name] as string | null, row[`${name}Blob`] as Buffer | null, blobs),
      ]),
    )
    // What is appended again is written by another transaction.
    const rest = Object.entries(row).filter(
      ([name]) => name !== 'revision' && !names.some((text) => name === `${text}Blob`),
    )
    return { ...Object.fromEntries(rest), ...joined }
  }

  const rows = {
    invocations: invocationRows.map((row) => whole(row, Object.keys(journalTexts.invocations))),
    messages: messageRows.map((row) => whole(row, Object.keys(journalTexts.messages))),
    turns: turnRows.map((row) => whole(row, [])),
    cells: cellRows.map((row) => whole(row, Object.keys(journalTexts.cells))),
    calls: callRows.map((row) => ({
      ...whole(row, Object.keys(journalTexts.calls)),
      promptTokens: row.promptTokens && unpackIntegers(row.promptTokens),
      completionTokens: row.completionTokens && unpackIntegers(row.completionTokens),
      logprobs: row.logprobs && unpackFloats(row.logprobs),
    })),
  }
  return rows as unknown as TrajectoryJournal
}

/** Takes away the turns whose policy call failed: the calls stay, the turns are made again. */
export async function dropFailedTurns(
  db: Pick<Database['db'], 'delete' | 'select'>,
  trajectoryId: string,
): Promise<void> {
  const failed = db
    .select({ id: calls.id })
    .from(calls)
    .where(and(eq(calls.trajectoryId, trajectoryId), isNotNull(calls.error)))
  await db.delete(turns).where(and(eq(turns.trajectoryId, trajectoryId), inArray(turns.callId, failed)))
}

export async function markDivergence(
  database: Database,
  trajectoryId: string,
  divergence: Divergence,
): Promise<void> {
  await query(database, () =>
    database.db
      .update(trajectories)
      .set({ divergence })
      // The first one is what explains those after it.
      .where(and(eq(trajectories.id, trajectoryId), isNull(trajectories.divergence))),
  )
}

export async function planForks(
  database: Database,
  runId: string,
  taskId: string,
  origin: { trajectoryId: string; turns: number },
): Promise<void> {
  const place = and(eq(trajectories.runId, runId), eq(trajectories.taskId, taskId))
  const change = { originTrajectoryId: origin.trajectoryId, originTurns: origin.turns }
  await query(database, () => database.db.update(trajectories).set(change).where(place))
}
