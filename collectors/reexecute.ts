// Root turns of a stored trajectory executed again in a fresh REPL, also with another response than the
// recorded one: what the repairs of training data are proven by. No model is asked: a sub-call is answered
// from the record of its turn, and one that the record does not have is a difference.
import path from 'node:path'
import { deriveId } from '../src/ids.ts'
import type { OpenReplayer, ReplayedTurn, Replayer } from '../src/datasets/repairs/index.ts'
import type { Json } from '../src/json.ts'
import type { RunConfig } from '../src/run-file.ts'
import type { CellResult, HostFunction, ReplSetup, Sandbox, SandboxSession } from '../src/sandbox.ts'
import type { NewCell, Store } from '../src/store/contract.ts'
import type { Cell, Turn } from '../src/trajectory.ts'
import { writeContexts } from './context-cache.ts'
import { findAnswer } from './find-answer.ts'
import type { Protocol } from './protocols/index.ts'
import { openReplay, replayCell, type Replay } from './replay.ts'
import { failureText } from './sub-calls.ts'
import { replSeed, sandboxLimits } from './turn-cells.ts'

export interface ReexecuteOptions {
  store: Store
  sandbox: Sandbox
  /** Of a stored run. */
  protocolOf(runId: string): Promise<{ protocol: Protocol; config: RunConfig }>
  /** An empty folder for the contexts of one trajectory. */
  openScratch: () => Promise<string>
  removeScratch: (folder: string) => Promise<void>
}

/** Errors raised by what it gives: SandboxError when no REPL starts; the signal's reason when stopped. */
export function createReexecution(options: ReexecuteOptions): OpenReplayer {
  const { store, sandbox } = options
  return async (trajectory, signal = new AbortController().signal): Promise<Replayer> => {
    const { protocol, config } = await options.protocolOf(trajectory.runId)
    const { hash } = await store.readTask(trajectory.runId, trajectory.taskId)
    const replay = openReplay(await store.readJournal(trajectory.id), trajectory.id)
    const { setup: repl } = protocol
    if (!replay || !repl) return unable('there is no REPL in its record')
    const scratch = await options.openScratch()
    const session = await openSession(scratch, repl).catch(async (error: unknown) => {
      await options.removeScratch(scratch)
      throw error
    })
    async function openSession(folder: string, setup: ReplSetup): Promise<SandboxSession> {
      const { files } = await writeContexts(store, hash, path.join(folder, 'context'))
      const limits = sandboxLimits(config)
      return await sandbox.open({ contexts: files, setup, limits, seed: replSeed(hash) })
    }
    const recorded = new Map(replay.journal.cells.map((cell) => [cell.id, cell]))
    return {
      async turn(turn, text) {
        signal.throwIfAborted()
        const cells = turn.cells.flatMap(({ id }) => recorded.get(id) ?? [])
        return text === turn.call.response.text
          ? await repeatTurn(session, replay, turn, cells, signal)
          : await runTurn(session, replay, protocol, { turn, text, cells }, signal)
      },
      async close() {
        await session.close()
        await options.removeScratch(scratch)
      },
    }
  }
}

function unable(difference: string): Replayer {
  return {
    turn: () => Promise.resolve({ cells: [], answer: null, feedback: null, difference }),
    close: () => Promise.resolve(),
  }
}

/** The turn as it was recorded, so that the REPL holds what it held. */
async function repeatTurn(
  session: SandboxSession,
  replay: Replay,
  turn: Turn,
  cells: NewCell[],
  signal: AbortSignal,
): Promise<ReplayedTurn> {
  let difference: string | null = null
  for (const cell of cells) {
    // What a killed REPL held was lost with it.
    if (replay.isForgotten(cell)) continue
    const found = await replayCell(session, replay, cell, { turn: turn.index, depth: 0 }, signal)
    signal.throwIfAborted()
    if (found) difference ??= `cell ${found.cell + 1} of turn ${found.turn + 1} differs in its ${found.what}`
  }
  return { cells: turn.cells, answer: null, feedback: null, difference }
}

async function runTurn(
  session: SandboxSession,
  replay: Replay,
  protocol: Protocol,
  { turn, text, cells }: { turn: Turn; text: string; cells: NewCell[] },
  signal: AbortSignal,
): Promise<ReplayedTurn> {
  let difference: string | null = null
  const answerOf = (kind: string, prompt: Json | undefined): string => {
    if (typeof prompt !== 'string') throw new TypeError('a prompt must be a string')
    for (const { id } of cells) {
      const call = replay.takeSubCall(id, kind, prompt)
      if (call) return call.response ?? failureText(call, call.error)
    }
    difference ??= 'it makes a call that was not recorded'
    return 'Error: this call was not made when the cell was recorded'
  }
  const onCall: HostFunction = ({ name, args }) => {
    const kind = name.startsWith('rlm') ? 'rlm' : 'llm'
    const [first] = args
    return Promise.resolve(
      Array.isArray(first) ? first.map((prompt) => answerOf(kind, prompt)) : answerOf(kind, first),
    )
  }
  const results: CellResult[] = []
  const ran: Cell[] = []
  for (const [index, code] of protocol.codeBlocks(text).entries()) {
    const result = await session.execute(code, { onCall, signal })
    signal.throwIfAborted()
    results.push(result)
    ran.push(asCell(turn, index, code, result))
  }
  // The calls were made by the recorded cells; the first of the cells that ran now has them all.
  const [first] = ran
  if (first) first.calls = turn.cells.flatMap(({ calls }) => calls)
  if (cells.some(({ id }) => replay.untaken(id).length > 0)) difference ??= 'it leaves out a recorded call'
  const answer = await findAnswer(protocol, session, text, results)
  return { cells: ran, answer, feedback: protocol.feedback(results)?.content ?? null, difference }
}

function asCell(turn: Turn, index: number, code: string, result: CellResult): Cell {
  const { stdout, stderr, stdoutCharacters, stderrCharacters, error, death } = result
  const { durationMs, computeMs, variables, finalAnswer } = result
  const id = turn.cells[index]?.id ?? deriveId(turn.id, 'cell', index)
  const told = { stdout, stderr, stdoutCharacters, stderrCharacters, error, death }
  return { id, index, code, ...told, durationMs, computeMs, variables, finalAnswer, calls: [] }
}
