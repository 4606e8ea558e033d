// Recorded trajectories, whole, in the shape of ../trajectory.ts. Each table is read once by trajectory
// ids, in one snapshot, and the trees are built here; texts that are blobs come in one more read.
import { and, asc, eq, getTableColumns, inArray, isNotNull, or, sql, type SQL } from 'drizzle-orm'
import { isId } from '../ids.ts'
import type { Call, Cell, Invocation, StopReason, Trajectory, Turn } from '../trajectory.ts'
import { readAdvantages } from './advantages.ts'
import { readBlobs } from './blobs.ts'
import type { StoredBlob } from './blobs.ts'
import type { CallTokens } from './contract.ts'
import { query } from './database.ts'
import type { Database, Reader } from './database.ts'
import { toIso } from './instant.ts'
import * as tables from './schema.ts'
import { newestScores, noScores } from './scores.ts'
import { joinText } from './text.ts'
import { unpackFloats, unpackIntegers } from './tokens.ts'
import { noTrajectory, toTrajectoryRow } from './trajectories.ts'

export type CallRow = Omit<
  typeof tables.calls.$inferSelect,
  'promptTokens' | 'completionTokens' | 'logprobs' | 'raw'
>
type TreeCallRow = CallRow & { hasTokens: boolean }
type CellRow = typeof tables.cells.$inferSelect
type InvocationRow = typeof tables.invocations.$inferSelect
type MessageRow = typeof tables.messages.$inferSelect
type TurnRow = typeof tables.turns.$inferSelect

/** Errors raised: UsageError when there is no such trajectory. */
export async function readTrajectory(
  database: Database,
  id: string,
  parts: Parts = { turns: true },
): Promise<Trajectory> {
  const [found] = await readTrajectories(database, [id], parts)
  if (!found) throw noTrajectory(database, id)
  return found
}

/** `turns` false: without invocations and what is in them. */
interface Parts {
  turns: boolean
}

/** In the order of the ids, in one snapshot. Errors raised: UsageError when one is not there. */
export async function readTrajectories(
  database: Database,
  ids: string[],
  parts: Parts = { turns: true },
): Promise<Trajectory[]> {
  for (const id of ids) if (!isId(id)) throw noTrajectory(database, id)
  const found = await query(database, () =>
    database.db.transaction((db) => read(db, ids, parts), {
      isolationLevel: 'repeatable read',
      accessMode: 'read only',
    }),
  )
  return ids.map((id) => {
    const trajectory = found.get(id)
    if (!trajectory) throw noTrajectory(database, id)
    return trajectory
  })
}

async function read(db: Reader, ids: string[], parts: Parts): Promise<Map<string, Trajectory>> {
  // A query is made when it is awaited.
  const ofTurns = <Row>(rows: PromiseLike<Row[]>): PromiseLike<Row[]> | Row[] => (parts.turns ? rows : [])
  const { calls, cells, invocations, messages, runs, trajectories, turns } = tables
  const {
    promptTokens: _p,
    completionTokens: _c,
    logprobs: _l,
    raw: _r,
    ...callColumns
  } = getTableColumns(calls)
  const [heads, invocationRows, messageRows, turnRows, cellRows, callRows, scored, advantages] =
    await Promise.all([
      db
        .select({ row: trajectories, protocol: { id: runs.protocol, hash: runs.protocolHash } })
        .from(trajectories)
        .innerJoin(runs, eq(runs.id, trajectories.runId))
        .where(inArray(trajectories.id, ids)),
      ofTurns(
        db
          .select()
          .from(invocations)
          .where(inArray(invocations.trajectoryId, ids))
          .orderBy(asc(invocations.startedAt), asc(invocations.id)),
      ),
      ofTurns(
        db
          .select()
          .from(messages)
          .where(inArray(messages.trajectoryId, ids))
          .orderBy(asc(messages.invocationId), asc(messages.index)),
      ),
      ofTurns(db.select().from(turns).where(inArray(turns.trajectoryId, ids)).orderBy(asc(turns.index))),
      ofTurns(db.select().from(cells).where(inArray(cells.trajectoryId, ids)).orderBy(asc(cells.index))),
      ofTurns(
        db
          .select({ ...callColumns, hasTokens: hasTokens(calls) })
          .from(calls)
          .where(inArray(calls.trajectoryId, ids))
          .orderBy(asc(calls.order), asc(calls.batchIndex), asc(calls.id)),
      ),
      newestScores(db, ids),
      readAdvantages(db, ids),
    ])
  const blobs = await readBlobs(db, [
    ...heads.map(({ row }) => row.answerBlob),
    ...invocationRows.map((row) => row.answerBlob),
    ...messageRows.map((row) => row.contentBlob),
    ...cellRows.flatMap((row) => [row.codeBlob, row.stdoutBlob, row.stderrBlob, row.finalAnswerBlob]),
    ...callRows.flatMap((row) => [row.promptBlob, row.responseBlob, row.reasoningBlob]),
  ])
  const of = {
    invocations: byTrajectory(invocationRows),
    messages: byTrajectory(messageRows),
    turns: byTrajectory(turnRows),
    cells: byTrajectory(cellRows),
    calls: byTrajectory(callRows),
    advantages: byTrajectory(advantages),
  }
  return new Map(
    heads.map((head) => {
      const { id } = head.row
      const own = {
        invocations: of.invocations.get(id) ?? [],
        messages: of.messages.get(id) ?? [],
        turns: of.turns.get(id) ?? [],
        cells: of.cells.get(id) ?? [],
        calls: of.calls.get(id) ?? [],
      }
      const gained = (of.advantages.get(id) ?? []).map(({ trajectoryId: _id, ...advantage }) => advantage)
      const {
        turns: _t,
        calls: _n,
        cells: _m,
        answerTruncated: _a,
        ...row
      } = toTrajectoryRow(head.row, scored.get(id) ?? noScores)
      const { schemaVersion, sandbox, seed, attempt } = head.row
      const trajectory: Trajectory = {
        ...row,
        answer: joinText(head.row.answer, head.row.answerBlob, blobs),
        schemaVersion,
        sandbox,
        protocol: head.protocol,
        seed,
        attempt,
        divergence: head.row.divergence,
        origin:
          head.row.originTrajectoryId === null
            ? null
            : { trajectoryId: head.row.originTrajectoryId, turns: head.row.originTurns ?? 0 },
        ...(gained.length > 0 ? { advantages: gained } : {}),
        lostCalls: lostCalls(own.turns, own.cells, own.calls, blobs),
        invocations: buildTree(own.invocations, own.messages, own.turns, own.cells, own.calls, blobs),
      }
      return [id, trajectory] as const
    }),
  )
}

function byTrajectory<Row extends { trajectoryId: string }>(rows: Row[]): Map<string, Row[]> {
  return Map.groupBy(rows, (row) => row.trajectoryId)
}

function hasTokens({ promptTokens, completionTokens }: typeof tables.calls): SQL<boolean> {
  return sql<boolean>`${promptTokens} is not null and ${completionTokens} is not null`
}

/** Calls that no turn refers to and whose cell was not stored. */
function lostCalls(
  turnRows: TurnRow[],
  cellRows: CellRow[],
  callRows: CallRow[],
  blobs: Map<string, StoredBlob>,
): Call[] {
  const held = new Set([...turnRows.map((row) => row.callId), ...cellRows.map((row) => row.id)])
  return callRows
    .filter((row) => !held.has(row.id) && !(row.cellId !== null && held.has(row.cellId)))
    .map((row) => buildSubCall(row, blobs))
}

function buildTree(
  invocationRows: InvocationRow[],
  messageRows: MessageRow[],
  turnRows: TurnRow[],
  cellRows: CellRow[],
  callRows: TreeCallRow[],
  blobs: Map<string, StoredBlob>,
): Invocation[] {
  const messages = Map.groupBy(
    messageRows.map(({ invocationId, role, content, contentBlob }) => ({
      invocationId,
      message: { role, content: joinText(content, contentBlob, blobs) },
    })),
    (row) => row.invocationId,
  )
  const turnsOf = Map.groupBy(turnRows, (row) => row.invocationId)
  const cellsOf = Map.groupBy(cellRows, (row) => row.turnId)
  const callsOf = Map.groupBy(callRows, (row) => row.cellId)
  const callById = new Map(callRows.map((row) => [row.id, row]))

  function buildTurn(row: TurnRow, at: number, rows: TurnRow[]): Turn | null {
    const call = callById.get(row.callId)
    // A turn is stored with its call or after it; without one it has nothing to show.
    if (!call) return null
    const sent = (messages.get(row.invocationId) ?? [])
      .slice(row.promptStart, row.promptMessages)
      .map((item) => item.message)
    const cells = (cellsOf.get(row.id) ?? []).map((cell) =>
      buildCell(cell, callsOf.get(cell.id) ?? [], blobs),
    )
    const { id, index, forced, compaction } = row
    const before = rows[at - 1]
    const extendsPrevious = extendsTurn(row, before, callById)
    return { id, index, forced, compaction, extendsPrevious, call: buildCall(call, sent, blobs), cells }
  }

  const byDepth = invocationRows.toSorted((a, b) => a.depth - b.depth)
  return byDepth.map((row) => ({
    id: row.id,
    depth: row.depth,
    parentCellId: row.parentCellId,
    stopReason: row.stopReason as StopReason | null,
    answer: joinText(row.answer, row.answerBlob, blobs),
    turns: (turnsOf.get(row.id) ?? []).map(buildTurn).filter((turn) => turn !== null),
  }))
}

type ChainedCall = Pick<TreeCallRow, 'id' | 'tokenBaseCallId' | 'hasTokens'>

/** Null for a first turn. */
export function extendsTurn(
  row: TurnRow,
  before: TurnRow | undefined,
  callById: Map<string, ChainedCall>,
): boolean | null {
  if (!before) return null
  if (row.promptStart !== before.promptStart) return false
  const call = callById.get(row.callId)
  const earlier = callById.get(before.callId)
  return !(call?.hasTokens && earlier?.hasTokens) || call.tokenBaseCallId === earlier.id
}

export function buildCell(row: CellRow, calls: CallRow[], blobs: Map<string, StoredBlob>): Cell {
  const { id, index, stdoutCharacters, stderrCharacters, error, death, durationMs, computeMs, variables } =
    row
  return {
    id,
    index,
    code: joinText(row.code, row.codeBlob, blobs),
    stdout: joinText(row.stdout, row.stdoutBlob, blobs),
    stderr: joinText(row.stderr, row.stderrBlob, blobs),
    stdoutCharacters,
    stderrCharacters,
    error,
    death,
    durationMs,
    computeMs,
    limits: row.limits,
    variables,
    finalAnswer: joinText(row.finalAnswer, row.finalAnswerBlob, blobs),
    calls: calls.map((call) => buildSubCall(call, blobs)),
  }
}

function buildSubCall(row: CallRow, blobs: Map<string, StoredBlob>): Call {
  const prompt = joinText(row.prompt, row.promptBlob, blobs)
  return buildCall(row, prompt === null ? [] : [{ role: 'user', content: prompt }], blobs)
}

export function buildCall(row: CallRow, messages: Call['messages'], blobs: Map<string, StoredBlob>): Call {
  const { id, model, provider, scripted, attempts, error, latencyMs, order, batchId, batchIndex, depth } = row
  const { requestId, sampling, tokenSource, finishReason } = row
  return {
    id,
    kind: row.kind as Call['kind'],
    model,
    provider,
    scripted,
    messages,
    response: {
      text: joinText(row.response, row.responseBlob, blobs),
      reasoning: joinText(row.reasoning, row.reasoningBlob, blobs),
      finishReason,
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
    requestId,
    sampling,
    invocationId: row.childInvocationId,
    tokenSource,
  }
}

type Counted = 'inputTokens' | 'outputTokens' | 'cachedTokens' | 'reasoningTokens' | 'costUsd'

/** The server's numbers, or none: a call that failed before it was counted has no usage, not zeros. */
export function usageOf(row: Pick<CallRow, Counted>): Call['usage'] {
  if (row.inputTokens === null && row.outputTokens === null) return null
  return {
    inputTokens: row.inputTokens ?? 0,
    outputTokens: row.outputTokens ?? 0,
    cachedTokens: row.cachedTokens ?? 0,
    reasoningTokens: row.reasoningTokens ?? 0,
    costUsd: row.costUsd,
  }
}

/** Errors raised: UsageError when the id is not one. */
export async function readTokens(database: Database, trajectoryId: string): Promise<Map<string, CallTokens>> {
  if (!isId(trajectoryId)) throw noTrajectory(database, trajectoryId)
  const { calls } = tables
  const rows = await query(database, () =>
    database.db
      .select({
        callId: calls.id,
        baseCallId: calls.tokenBaseCallId,
        prompt: calls.promptTokens,
        completion: calls.completionTokens,
        logprobs: calls.logprobs,
        policyVersion: calls.policyVersion,
      })
      .from(calls)
      .where(
        and(
          eq(calls.trajectoryId, trajectoryId),
          or(isNotNull(calls.promptTokens), isNotNull(calls.completionTokens), isNotNull(calls.logprobs)),
        ),
      ),
  )
  const found = new Map<string, CallTokens>()
  for (const { callId, baseCallId, prompt, completion, logprobs, policyVersion } of rows) {
    found.set(callId, {
      callId,
      baseCallId,
      prompt: prompt && unpackIntegers(prompt),
      completion: completion && unpackIntegers(completion),
      logprobs: logprobs && unpackFloats(logprobs),
      policyVersion,
    })
  }
  return found
}
