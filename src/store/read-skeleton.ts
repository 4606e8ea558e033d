// The skeleton of a trajectory: rows without their blobs, texts cut in the database. What it costs does not
// depend on the size of contexts, prompts and outputs.
import { and, asc, desc, eq, getTableColumns, inArray, isNotNull, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { isId } from '../ids.ts'
import { beginning, preview, tailPreview, type Preview } from '../preview.ts'
import type { CallNode, CellNode, InvocationNode, Skeleton } from '../skeleton.ts'
import { treeLimits } from '../skeleton.ts'
import type { StopReason } from '../trajectory.ts'
import { query } from './database.ts'
import type { Database, Reader } from './database.ts'
import { toIso } from './instant.ts'
import * as tables from './schema.ts'
import { extendsTurn, usageOf } from './tree.ts'
import { newestScores, noScores } from './scores.ts'
import { noTrajectory, toTrajectoryRow } from './trajectories.ts'

/** Errors raised: UsageError when there is no such trajectory. */
export async function readSkeleton(database: Database, id: string): Promise<Skeleton> {
  if (!isId(id)) throw noTrajectory(database, id)
  const found = await query(database, () =>
    database.db.transaction((db) => read(db, id), {
      isolationLevel: 'repeatable read',
      accessMode: 'read only',
    }),
  )
  if (!found) throw noTrajectory(database, id)
  return found
}

const start = (column: PgColumn, length: number): SQL<string> => sql<string>`left(${column}, ${length}::int)`
/** The size of the text that is a blob beside `column`; null when the column holds it whole. */
const size = (blob: PgColumn): SQL<number | null> =>
  sql<number | null>`(select size::float8 from ${tables.blobs} where ${tables.blobs.hash} = ${blob})`
const length = (column: PgColumn): SQL<number | null> => sql<number | null>`length(${column})`

function selectRows(db: Reader, id: string) {
  const { calls, cells, invocations, messages, turns } = tables
  const { output, call } = treeLimits
  const {
    prompt: _p,
    response: _r,
    reasoning: _g,
    sampling: _s,
    promptTokens: _t,
    completionTokens: _c,
    logprobs: _l,
    raw: _w,
    ...callColumns
  } = getTableColumns(calls)
  const { code: _d, stdout: _o, stderr: _e, finalAnswer: _f, ...cellColumns } = getTableColumns(cells)
  return Promise.all([
    db
      .select()
      .from(invocations)
      .where(eq(invocations.trajectoryId, id))
      .orderBy(asc(invocations.depth), asc(invocations.startedAt), asc(invocations.id)),
    db.select().from(turns).where(eq(turns.trajectoryId, id)).orderBy(asc(turns.index)),
    db
      .select({
        ...cellColumns,
        code: start(cells.code, output),
        codeLength: length(cells.code),
        codeBytes: size(cells.codeBlob),
        stdout: cells.stdout,
        stderr: cells.stderr,
        finalAnswer: cells.finalAnswer,
        finalAnswerBytes: size(cells.finalAnswerBlob),
      })
      .from(cells)
      .where(eq(cells.trajectoryId, id))
      .orderBy(asc(cells.index)),
    db
      .select({
        ...callColumns,
        prompt: start(calls.prompt, call),
        promptLength: length(calls.prompt),
        promptBytes: size(calls.promptBlob),
        response: start(calls.response, call),
        responseLength: length(calls.response),
        responseBytes: size(calls.responseBlob),
        reasoning: start(calls.reasoning, call),
        reasoningLength: length(calls.reasoning),
        reasoningBytes: size(calls.reasoningBlob),
        hasTokens: sql<boolean>`${calls.promptTokens} is not null and ${calls.completionTokens} is not null`,
      })
      .from(calls)
      .where(eq(calls.trajectoryId, id))
      .orderBy(asc(calls.order), asc(calls.batchIndex), asc(calls.id)),
    db
      .select({
        invocationId: messages.invocationId,
        index: messages.index,
        content: start(messages.content, call),
        contentLength: length(messages.content),
        contentBytes: size(messages.contentBlob),
      })
      .from(messages)
      .innerJoin(
        turns,
        and(
          eq(turns.invocationId, messages.invocationId),
          eq(turns.promptMessages, sql`${messages.index} + 1`),
        ),
      )
      .where(eq(messages.trajectoryId, id)),
  ])
}

function selectPartScores(db: Reader, id: string) {
  const { reward, value, invocationId, turnId, trajectoryId, createdAt, id: scoreId } = tables.scores
  return db
    .selectDistinctOn([invocationId, turnId, reward], { reward, value, invocationId, turnId })
    .from(tables.scores)
    .where(and(eq(trajectoryId, id), or(isNotNull(invocationId), isNotNull(turnId))))
    .orderBy(asc(invocationId), asc(turnId), asc(reward), desc(createdAt), desc(scoreId))
}

type Rows = Awaited<ReturnType<typeof selectRows>>

async function read(db: Reader, id: string): Promise<Skeleton | null> {
  const { runs, trajectories } = tables
  const [head] = await db
    .select({
      row: trajectories,
      answerBytes: size(trajectories.answerBlob),
      protocol: { id: runs.protocol, hash: runs.protocolHash },
    })
    .from(trajectories)
    .innerJoin(runs, eq(runs.id, trajectories.runId))
    .where(eq(trajectories.id, id))
  if (!head) return null
  const [rows, scored, partScores] = await Promise.all([
    selectRows(db, id),
    newestScores(db, [id]),
    selectPartScores(db, id),
  ])
  const answers = rows[0].flatMap((row) => (row.answerBlob ? [row.answerBlob] : []))
  const sizes = await blobSizes(db, answers)
  const {
    turns: _t,
    calls: _n,
    cells: _m,
    answerTruncated: _a,
    ...row
  } = toTrajectoryRow(head.row, scored.get(id) ?? noScores)
  const { schemaVersion, sandbox, seed, attempt, divergence, originTrajectoryId, originTurns } = head.row
  return {
    ...row,
    answer: cut(head.row.answer, null, head.answerBytes, treeLimits.output),
    schemaVersion,
    sandbox,
    protocol: head.protocol,
    partScores,
    seed,
    attempt,
    divergence,
    origin:
      originTrajectoryId === null ? null : { trajectoryId: originTrajectoryId, turns: originTurns ?? 0 },
    ...buildTree(rows, sizes),
  }
}

async function blobSizes(db: Reader, hashes: Buffer[]): Promise<Map<string, number>> {
  if (hashes.length === 0) return new Map()
  const { blobs } = tables
  const rows = await db
    .select({ hash: blobs.hash, size: blobs.size })
    .from(blobs)
    .where(inArray(blobs.hash, hashes))
  return new Map(rows.map((row) => [row.hash.toString('hex'), row.size]))
}

/** `text` is what the column gave; of a text of `bytes` in a blob it is the beginning. */
function cut(text: string, whole: number | null, bytes: number | null, limit: number): Preview
function cut(text: string | null, whole: number | null, bytes: number | null, limit: number): Preview | null
function cut(text: string | null, whole: number | null, bytes: number | null, limit: number): Preview | null {
  if (text === null) return null
  if (bytes !== null) return beginning(text, limit, { characters: null, bytes })
  const shown = preview(text, limit)
  return whole !== null && whole > (shown.characters ?? 0)
    ? { ...shown, characters: whole, truncated: true }
    : shown
}

function buildTree(
  [invocationRows, turnRows, cellRows, callRows, messageRows]: Rows,
  answerSizes: Map<string, number>,
): Pick<Skeleton, 'invocations' | 'lostCalls'> {
  const turnsOf = Map.groupBy(turnRows, (row) => row.invocationId)
  const cellsOf = Map.groupBy(cellRows, (row) => row.turnId)
  const callsOf = Map.groupBy(callRows, (row) => row.cellId)
  const callById = new Map(callRows.map((row) => [row.id, row]))
  const lastMessage = new Map(messageRows.map((row) => [`${row.invocationId} ${row.index}`, row]))

  function turnNodes(invocationId: string): InvocationNode['turns'] {
    return (turnsOf.get(invocationId) ?? []).flatMap((turn, at, all) => {
      const call = callById.get(turn.callId)
      // A turn is stored with its call or after it; without one it has nothing to show.
      if (!call) return []
      const sent = lastMessage.get(`${invocationId} ${turn.promptMessages - 1}`)
      const prompt = sent && cut(sent.content, sent.contentLength, sent.contentBytes, treeLimits.call)
      return [
        {
          id: turn.id,
          index: turn.index,
          forced: turn.forced,
          compaction: turn.compaction,
          extendsPrevious: extendsTurn(turn, all[at - 1], callById),
          call: callNode(
            call,
            turn.promptMessages - turn.promptStart,
            prompt ?? preview('', treeLimits.call),
          ),
          cells: (cellsOf.get(turn.id) ?? []).map((cell) =>
            cellNode(cell, (callsOf.get(cell.id) ?? []).map(subCallNode)),
          ),
        },
      ]
    })
  }

  const held = new Set([...turnRows.map((row) => row.callId), ...cellRows.map((row) => row.id)])
  return {
    invocations: invocationRows.map((row) => ({
      id: row.id,
      depth: row.depth,
      parentCellId: row.parentCellId,
      stopReason: row.stopReason as StopReason | null,
      answer: cut(
        row.answer,
        null,
        row.answerBlob && (answerSizes.get(row.answerBlob.toString('hex')) ?? null),
        treeLimits.output,
      ),
      turns: turnNodes(row.id),
    })),
    lostCalls: callRows
      .filter((row) => !held.has(row.id) && !(row.cellId !== null && held.has(row.cellId)))
      .map(subCallNode),
  }
}

function cellNode(row: Rows[2][number], calls: CallNode[]): CellNode {
  const { id, index, error, death, durationMs, computeMs, limits, variables } = row
  const { output } = treeLimits
  return {
    id,
    index,
    code: cut(row.code, row.codeLength, row.codeBytes, output),
    stdout: outputText(row.stdout, row.stdoutBlob, row.stdoutCharacters),
    stderr: outputText(row.stderr, row.stderrBlob, row.stderrCharacters),
    error: error && {
      type: error.type,
      message: preview(error.message, output),
      traceback: tailPreview(error.traceback, output),
    },
    death,
    durationMs,
    computeMs,
    limits,
    variables,
    finalAnswer: cut(row.finalAnswer, null, row.finalAnswerBytes, output),
    calls,
  }
}

/** The number of characters is stored; it counts those that the sandbox cut away, too. */
function outputText(text: string, blob: Buffer | null, characters: number): Preview {
  const shown = preview(text, treeLimits.output)
  return { ...shown, characters, truncated: blob !== null || characters > (shown.characters ?? 0) }
}

function subCallNode(row: Rows[3][number]): CallNode {
  const prompt = cut(row.prompt, row.promptLength, row.promptBytes, treeLimits.call)
  return callNode(row, prompt === null ? 0 : 1, prompt ?? preview('', treeLimits.call))
}

function callNode(row: Rows[3][number], messages: number, prompt: Preview): CallNode {
  const { id, model, provider, scripted, attempts, error, latencyMs, order, batchId, batchIndex, depth } = row
  return {
    id,
    kind: row.kind as CallNode['kind'],
    model,
    provider,
    scripted,
    messages,
    prompt,
    response: {
      text: cut(row.response, row.responseLength, row.responseBytes, treeLimits.call),
      reasoning: cut(row.reasoning, row.reasoningLength, row.reasoningBytes, treeLimits.call),
      finishReason: row.finishReason,
    },
    usage: usageOf(row),
    attempts,
    error,
    latencyMs,
    startedAt: toIso(row.startedAt),
    order,
    batchId,
    batchIndex,
    depth,
    requestId: row.requestId,
    invocationId: row.childInvocationId,
    tokenSource: row.tokenSource,
  }
}
