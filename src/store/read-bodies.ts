// One call, one cell, one turn: whole, each by its id, without the trajectory around it.
import { and, asc, eq, getTableColumns, gte, lt } from 'drizzle-orm'
import { UsageError } from '../errors.ts'
import { isId } from '../ids.ts'
import type { CellBody } from '../skeleton.ts'
import type { Call } from '../trajectory.ts'
import { readBlobs } from './blobs.ts'
import { query } from './database.ts'
import type { Database, Reader } from './database.ts'
import { buildCall, buildCell, type CallRow } from './tree.ts'
import { calls, cells, messages, turns } from './schema.ts'
import { joinText } from './text.ts'

const {
  promptTokens: _p,
  completionTokens: _c,
  logprobs: _l,
  raw: _r,
  ...callColumns
} = getTableColumns(calls)

/** Errors raised: UsageError when the trajectory has no such call. */
export async function readCall(database: Database, trajectoryId: string, callId: string): Promise<Call> {
  const missing = new UsageError('This trajectory has no call of this id.')
  if (!isId(trajectoryId) || !isId(callId)) throw missing
  const found = await query(database, async () => {
    const [row] = await database.db
      .select(callColumns)
      .from(calls)
      .where(and(eq(calls.id, callId), eq(calls.trajectoryId, trajectoryId)))
    return row ? await wholeCall(database.db, row) : null
  })
  if (!found) throw missing
  return found
}

async function wholeCall(db: Reader, row: CallRow): Promise<Call> {
  const sent = row.cellId === null ? await messagesOf(db, row) : null
  const blobs = await readBlobs(db, [
    row.promptBlob,
    row.responseBlob,
    row.reasoningBlob,
    ...(sent ?? []).map((message) => message.contentBlob),
  ])
  const prompt = joinText(row.prompt, row.promptBlob, blobs)
  const own = prompt === null ? [] : [{ role: 'user', content: prompt }]
  const list = sent?.map(({ role, content, contentBlob }) => ({
    role,
    content: joinText(content, contentBlob, blobs),
  }))
  return buildCall(row, list ?? own, blobs)
}

/** What a policy call was sent; null for a call that no turn refers to. */
async function messagesOf(db: Reader, call: CallRow) {
  const [turn] = await db
    .select({ invocationId: turns.invocationId, start: turns.promptStart, end: turns.promptMessages })
    .from(turns)
    .where(and(eq(turns.invocationId, call.invocationId), eq(turns.callId, call.id)))
  if (!turn) return null
  return await db
    .select({ role: messages.role, content: messages.content, contentBlob: messages.contentBlob })
    .from(messages)
    .where(
      and(
        eq(messages.invocationId, turn.invocationId),
        gte(messages.index, turn.start),
        lt(messages.index, turn.end),
      ),
    )
    .orderBy(asc(messages.index))
}

/** Errors raised: UsageError when the trajectory has no such cell. */
export async function readCell(database: Database, trajectoryId: string, cellId: string): Promise<CellBody> {
  const missing = new UsageError('This trajectory has no cell of this id.')
  if (!isId(trajectoryId) || !isId(cellId)) throw missing
  const found = await query(database, async () => {
    const [row] = await database.db
      .select()
      .from(cells)
      .where(and(eq(cells.id, cellId), eq(cells.trajectoryId, trajectoryId)))
    if (!row) return null
    const blobs = await readBlobs(database.db, [
      row.codeBlob,
      row.stdoutBlob,
      row.stderrBlob,
      row.finalAnswerBlob,
    ])
    const { calls: _calls, ...body } = buildCell(row, [], blobs)
    return body
  })
  if (!found) throw missing
  return found
}
