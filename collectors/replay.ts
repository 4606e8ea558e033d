// Replay: a rollout that was begun before finds its recorded turns, cells and calls here and takes them
// in place of paying again. The ids of rows follow from their places (`deriveId`), so the rollout that is
// taken up looks for the very rows that it wrote.
import { deriveId } from '../src/ids.ts'
import type { Json } from '../src/json.ts'
import type { CellResult, HostFunction, SandboxSession } from '../src/sandbox.ts'
import type {
  NewCall,
  NewCell,
  NewInvocation,
  NewMessage,
  NewTurn,
  TrajectoryJournal,
} from '../src/store/contract.ts'
import type { Divergence } from '../src/trajectory.ts'
import { failureText } from './sub-calls.ts'

export interface Replay {
  /** Invocation that was begun; its messages in order. */
  invocation(id: string): { row: NewInvocation; messages: NewMessage[] } | null
  /** A turn whose policy call was answered. */
  turn(id: string): { row: NewTurn; call: NewCall } | null
  cell(id: string): NewCell | null
  /** Recorded cells of an invocation up to and with its last killed one: what they left behind was lost with it. */
  isForgotten(cell: NewCell): boolean
  /** A recorded sub-call of a cell with this prompt, each once, in the order of the record. */
  takeSubCall(cellId: string, kind: string, prompt: string): NewCall | null
  /** Sub-calls of a cell that nothing has asked for. */
  untaken(cellId: string): NewCall[]
  hasCall(id: string): boolean
  readonly journal: TrajectoryJournal
}

/** Null when there is nothing to take up. */
export function openReplay(journal: TrajectoryJournal, trajectoryId: string): Replay | null {
  const invocations = new Map(journal.invocations.map((row) => [row.id, row]))
  if (!invocations.has(rootId(trajectoryId))) return null
  const messages = Map.groupBy(journal.messages, (row) => row.invocationId)
  const turns = new Map(journal.turns.map((row) => [row.id, row]))
  const cells = new Map(journal.cells.map((row) => [row.id, row]))
  const calls = new Map(journal.calls.map((row) => [row.id, row]))
  const subCalls = Map.groupBy(
    // A call that was given up belongs to its cell's record if that cell ended, else it is made again.
    journal.calls.filter((row) => row.cellId && (row.error?.code !== 'cancelled' || cells.has(row.cellId))),
    (row) => row.cellId ?? '',
  )
  const taken = new Set<string>()
  const forgotten = forgottenCells(journal)

  return {
    journal,
    invocation(id) {
      const row = invocations.get(id)
      return row ? { row, messages: messages.get(id) ?? [] } : null
    },
    turn(id) {
      const row = turns.get(id)
      const call = row && calls.get(row.callId)
      return row && call && !call.error ? { row, call } : null
    },
    cell: (id) => cells.get(id) ?? null,
    isForgotten: (cell) => forgotten.has(cell.id),
    takeSubCall(cellId, kind, prompt) {
      const found = subCalls
        .get(cellId)
        ?.find((row) => row.kind === kind && row.prompt === prompt && !taken.has(row.id))
      if (found) taken.add(found.id)
      return found ?? null
    },
    untaken: (cellId) => (subCalls.get(cellId) ?? []).filter((row) => !taken.has(row.id)),
    hasCall: (id) => calls.has(id),
  }
}

export function rootId(trajectoryId: string): string {
  return deriveId(trajectoryId, 'root')
}

function forgottenCells(journal: TrajectoryJournal): Set<string> {
  const turnIndex = new Map(journal.turns.map((row) => [row.id, row.index]))
  const forgotten = new Set<string>()
  for (const list of Map.groupBy(journal.cells, (row) => row.invocationId).values()) {
    const ordered = list.toSorted(
      (a, b) => (turnIndex.get(a.turnId) ?? 0) - (turnIndex.get(b.turnId) ?? 0) || a.index - b.index,
    )
    const lastDeath = ordered.findLastIndex((row) => row.death)
    for (const row of ordered.slice(0, lastDeath + 1)) forgotten.add(row.id)
  }
  return forgotten
}

/**
 * Executes a recorded cell again with its recorded sub-call answers, so that the REPL holds what it held,
 * and tells where the outcome first differs from the record.
 */
export async function replayCell(
  session: SandboxSession,
  replay: Replay,
  cell: NewCell,
  place: { turn: number; depth: number },
  signal: AbortSignal,
): Promise<Divergence | null> {
  let divergence: Divergence | null = null
  const differ = (what: Divergence['what'], recorded: string, replayed: string): void => {
    divergence ??= {
      ...place,
      cell: cell.index,
      what,
      recorded: recorded.slice(0, 500),
      replayed: replayed.slice(0, 500),
    }
  }
  const answer = (kind: string, prompt: string): string => {
    const call = replay.takeSubCall(cell.id, kind, prompt)
    if (call) return call.response ?? failureText(call, call.error)
    differ('call', replay.untaken(cell.id)[0]?.prompt ?? '(no further call)', prompt)
    return 'Error: this call was not made when the cell was recorded'
  }
  const onCall: HostFunction = async ({ name, args }) => {
    const kind = name.startsWith('rlm') ? 'rlm' : 'llm'
    const [first] = args
    return Array.isArray(first)
      ? first.map((prompt) => answer(kind, textOf(prompt)))
      : answer(kind, textOf(first))
  }
  const result = await session.execute(cell.code, { onCall, signal })
  if (result.stdout !== cell.stdout) differ('stdout', cell.stdout, result.stdout)
  else if (result.stderr !== cell.stderr) differ('stderr', cell.stderr, result.stderr)
  else if (result.error?.type !== cell.error?.type)
    differ('error', cell.error?.type ?? 'none', result.error?.type ?? 'none')
  else if (result.finalAnswer !== (cell.finalAnswer ?? null))
    differ('answer', cell.finalAnswer ?? 'none', result.finalAnswer ?? 'none')
  const [left] = replay.untaken(cell.id)
  if (left) differ('call', left.prompt ?? '', '(no call)')
  return divergence
}

/** A prompt of another type was refused when it was recorded, and is when it is replayed. */
function textOf(prompt: Json | undefined): string {
  if (typeof prompt === 'string') return prompt
  throw new TypeError('a prompt must be a string')
}

/** A recorded cell as the loop sees the result of a cell. */
export function recordedResult(cell: NewCell): CellResult {
  return {
    stdout: cell.stdout,
    stderr: cell.stderr,
    stdoutCharacters: cell.stdoutCharacters,
    stderrCharacters: cell.stderrCharacters,
    error: cell.error ?? null,
    durationMs: cell.durationMs,
    computeMs: cell.computeMs,
    limits: cell.limits ?? [],
    variables: cell.variables,
    finalAnswer: cell.finalAnswer ?? null,
    death: cell.death ?? null,
  }
}
