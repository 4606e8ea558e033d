// From the rows of one trajectory to its tree, in the shape of ../trajectory.ts.
import type { Call, Cell, Invocation, StopReason, Turn } from '../trajectory.ts'
import type { StoredBlob } from './blobs.ts'
import { toIso } from './instant.ts'
import type * as tables from './schema.ts'
import { joinText } from './text.ts'

export type CallRow = Omit<
  typeof tables.calls.$inferSelect,
  'promptTokens' | 'completionTokens' | 'logprobs' | 'raw'
>
type TreeCallRow = CallRow & { hasTokens: boolean }
type CellRow = typeof tables.cells.$inferSelect
type InvocationRow = typeof tables.invocations.$inferSelect
type MessageRow = typeof tables.messages.$inferSelect
type TurnRow = typeof tables.turns.$inferSelect

/** Calls that no turn refers to and whose cell was not stored. */
export function lostCalls(
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

export function buildTree(
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
