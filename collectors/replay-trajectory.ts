// `descent replay`: executes the cells of a stored trajectory again, offline, with the recorded answers of
// their sub-calls, and tells cell by cell whether they did the same.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Json } from '../src/json.ts'
import type { RunConfig } from '../src/run-file.ts'
import type { ContextFile, Sandbox } from '../src/sandbox.ts'
import type { NewCell, NewInvocation, Store, TrajectoryJournal } from '../src/store/contract.ts'
import type { Divergence } from '../src/trajectory.ts'
import { writeContexts } from './context-cache.ts'
import { replSeed, sandboxLimits } from './turn-cells.ts'
import type { Protocol } from './protocols/index.ts'
import { openReplay, replayCell, type Replay } from './replay.ts'

export interface ReplayedCell {
  cellId: string
  turn: number
  cell: number
  depth: number
  /** `skipped`: its REPL was killed then or later, and what it left behind was lost with it. */
  outcome: 'same' | 'differs' | 'skipped'
  divergence: Divergence | null
}

/** Errors raised: SandboxError when no REPL starts; the signal's reason when stopped. */
export async function* replayTrajectory(options: {
  store: Store
  trajectoryId: string
  taskHash: string
  protocol: Protocol
  config: RunConfig
  sandbox: Sandbox
  /** A directory for contexts. */
  scratch: string
  signal: AbortSignal
}): AsyncGenerator<ReplayedCell> {
  const journal = await options.store.readJournal(options.trajectoryId)
  const replay = openReplay(journal, options.trajectoryId)
  if (!replay) return
  const turnIndex = new Map(journal.turns.map((turn) => [turn.id, turn.index]))
  for (const invocation of journal.invocations.toSorted((a, b) => a.depth - b.depth)) {
    const cells = journal.cells
      .filter((cell) => cell.invocationId === invocation.id)
      .map((cell) => ({ cell, turn: turnIndex.get(cell.turnId) ?? 0 }))
      .toSorted((a, b) => a.turn - b.turn || a.cell.index - b.cell.index)
    if (cells.length > 0) yield* replayInvocation(options, replay, invocation, cells)
  }
}

async function* replayInvocation(
  options: Parameters<typeof replayTrajectory>[0],
  replay: Replay,
  invocation: NewInvocation,
  cells: { cell: NewCell; turn: number }[],
): AsyncGenerator<ReplayedCell> {
  const { protocol, config, sandbox, signal } = options
  if (!protocol.setup) return
  const contexts = await contextsOf(options, replay.journal, invocation)
  const session = await sandbox.open({
    contexts,
    setup: protocol.setup,
    limits: sandboxLimits(config),
    seed: replSeed(options.taskHash),
  })
  try {
    const entries = protocol.compaction ? historyEntries(replay.journal, invocation) : []
    for (const { cell, turn } of cells) {
      while (entries[0] && entries[0].turn < turn) session.remember(entries.shift()?.entry ?? null)
      const place = { turn, depth: invocation.depth }
      const skipped = replay.isForgotten(cell)
      const divergence = skipped ? null : await replayCell(session, replay, cell, place, signal)
      signal.throwIfAborted()
      const outcome = skipped ? 'skipped' : divergence ? 'differs' : 'same'
      yield { cellId: cell.id, ...place, cell: cell.index, outcome, divergence }
    }
  } finally {
    await session.close()
  }
}

/** What the loop put into the REPL's `history`, by turn. */
function historyEntries(
  journal: TrajectoryJournal,
  invocation: NewInvocation,
): { turn: number; entry: Json }[] {
  const own = <Row extends { invocationId: string; index: number }>(rows: Row[]): Row[] =>
    rows.filter((row) => row.invocationId === invocation.id).toSorted((a, b) => a.index - b.index)
  const messages = own(journal.messages)
  const withCells = new Set(journal.cells.map((cell) => cell.turnId))
  return own(journal.turns).map(({ id, index, compaction, promptMessages }) => {
    const [reply, feedback] = messages.slice(promptMessages, promptMessages + 2)
    const said = [reply, withCells.has(id) ? feedback : undefined]
      .filter((row) => row !== undefined)
      .map(({ role, content }) => ({ role, content }))
    const entry = compaction ? { type: 'summary', content: reply?.content ?? '' } : said
    return { turn: index, entry }
  })
}

/** The root's contexts are the task's; a child's is the prompt of the call that started it. */
async function contextsOf(
  options: Parameters<typeof replayTrajectory>[0],
  journal: TrajectoryJournal,
  invocation: NewInvocation,
): Promise<ContextFile[]> {
  const file = path.join(options.scratch, invocation.id)
  if (invocation.depth === 0) {
    const { files } = await writeContexts(options.store, options.taskHash, file)
    return files
  }
  const prompt = journal.calls.find((call) => call.id === invocation.parentCallId)?.prompt ?? ''
  await writeFile(file, prompt)
  return [{ path: file, format: 'text', bytes: Buffer.byteLength(prompt) }]
}
