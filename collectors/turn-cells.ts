// The cells of one turn: each block of code in the REPL, in order, its record, and its replay where an
// earlier attempt has recorded it.
import { deriveId } from '../src/ids.ts'
import type { RunConfig } from '../src/run-file.ts'
import type { CellResult, SandboxLimits } from '../src/sandbox.ts'
import type { NewCell } from '../src/store/contract.ts'
import { createLimit } from './limit.ts'
import { recordedResult, replayCell, type Replay } from './replay.ts'
import { hostFunctions, type SpawnChild } from './sub-calls.ts'
import type { RunChild, Running, Tree } from './tree.ts'

/** Children of one invocation that may run at once, as in the reference. */
const childConcurrency = 4

/** Errors raised: the signal's reason when the job is stopped, StoreError. */
export async function runCells(
  tree: Tree,
  running: Running,
  turn: { text: string; turnId: string; index: number },
  runChild: RunChild,
): Promise<CellResult[]> {
  const { session } = running
  if (!session) return []
  const results: CellResult[] = []
  const childSlots = createLimit(childConcurrency)
  const mayRecurse = running.depth + 1 < tree.config.limits.maxDepth
  const spawn: SpawnChild = mayRecurse
    ? async (place, prompt, signal) => await runChild(tree, { place, depth: running.depth }, prompt, signal)
    : null
  for (const [index, code] of tree.protocol.codeBlocks(turn.text).entries()) {
    tree.emit({ type: 'cell-start', trajectoryId: tree.recorder.trajectoryId, depth: running.depth })
    if (tree.timedOut()) break
    const cellId = deriveId(turn.turnId, 'cell', index)
    const recorded = tree.replay?.cell(cellId)
    if (tree.replay && recorded) {
      await takeUpCell(tree, running, turn.index, { replay: tree.replay, cell: recorded })
      results.push(recordedResult(recorded))
      continue
    }
    const startedAt = new Date().toISOString()
    const onCall = hostFunctions(
      tree.subCalls,
      { id: cellId, invocationId: running.id, depth: running.depth },
      spawn,
      childSlots,
    )
    const result = await session.execute(code, { onCall, signal: tree.signal })
    // A cell that was stopped with the whole job is run again when the job is taken up.
    if (!tree.timedOut()) tree.signal.throwIfAborted()
    const place = { id: cellId, invocationId: running.id, turnId: turn.turnId, index, depth: running.depth }
    await tree.recorder.cell(place, code, result, startedAt)
    results.push(result)
  }
  return results
}

/** Brings the REPL to where it was after a recorded cell. */
async function takeUpCell(
  tree: Tree,
  running: Running,
  turn: number,
  { replay, cell }: { replay: Replay; cell: NewCell },
): Promise<void> {
  const { session } = running
  if (!session || replay.isForgotten(cell)) return
  const divergence = await replayCell(session, replay, cell, { turn, depth: running.depth }, tree.signal)
  if (!tree.timedOut()) tree.signal.throwIfAborted()
  if (divergence) await tree.diverged(divergence)
}

/** The seed of the REPL's `random`: one for all rollouts of a task, so that forks repeat their origin's cells. */
export function replSeed(taskHash: string): number {
  return Number.parseInt(taskHash.slice(0, 7), 16)
}

export function sandboxLimits(config: RunConfig): SandboxLimits {
  return {
    cellSeconds: config.limits.cellSeconds,
    memoryBytes: 2 * 2 ** 30,
    outputCharacters: 200_000,
    openCalls: 64,
    callsPerCell: 10_000,
  }
}
