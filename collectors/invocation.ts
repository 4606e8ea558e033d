// One RLM instance: the loop of policy call, cells, feedback, until it answers or a limit stops it.
// The turn that trips a limit is stored like any other, and an answer given in it counts.
import { deriveId } from '../src/ids.ts'
import type { Message, Model, Sampling } from '../src/models/model.ts'
import type { ErrorRecord } from '../src/errors.ts'
import type { RunConfig } from '../src/run-file.ts'
import type { CellResult, ContextFile, Sandbox, SandboxLimits, SandboxSession } from '../src/sandbox.ts'
import type { ContextFacts } from '../src/tasks/task.ts'
import type { Divergence, StopReason } from '../src/trajectory.ts'
import type { NewCell, Store } from '../src/store/contract.ts'
import type { Budget } from './budget.ts'
import type { Emit } from './events.ts'
import { asksForAnswer, takeDraft } from './at-limit.ts'
import { findAnswer } from './find-answer.ts'
import { createLimit } from './limit.ts'
import type { Protocol } from './protocols/index.ts'
import type { CallOutcome, CallPlace, Recorder } from './recorder.ts'
import { recordedResult, replayCell, type Replay } from './replay.ts'
import { hostFunctions, type SpawnChild, type SubCallContext } from './sub-calls.ts'

/** Children of one invocation that may run at once, as in the reference. */
const childConcurrency = 4

/** What the invocations of one tree share. */
export interface Tree {
  store: Store
  config: RunConfig
  protocol: Protocol
  sandbox: Sandbox | null
  recorder: Recorder
  budget: Budget
  subCalls: SubCallContext
  policyModel: Model
  childModel: Model
  seed: number
  taskHash: string
  /** Aborted when the time is up or the job is stopped. */
  signal: AbortSignal
  /** What an earlier attempt has recorded; null for a fresh rollout. */
  replay: Replay | null
  diverged(divergence: Divergence): Promise<void>
  /** True when `signal` was aborted by the time limit. */
  timedOut(): boolean
  emit: Emit
}

export interface InvocationInput {
  id: string
  depth: number
  parent: { cellId: string; callId: string } | null
  prompt: string | null
  context: { facts: ContextFacts; files: ContextFile[]; text(): Promise<string> }
}

export interface InvocationEnd {
  id: string
  stopReason: StopReason
  answer: string | null
  error: ErrorRecord | null
  /** For `model_error`: whether another attempt at the rollout may fare better. */
  retryable: boolean
}

export type RunChild = (
  tree: Tree,
  parent: { place: CallPlace; depth: number },
  prompt: string,
  signal: AbortSignal,
) => Promise<string>

/** Errors raised: SandboxError when no REPL starts; the signal's reason when the job is stopped. */
export async function runInvocation(
  tree: Tree,
  input: InvocationInput,
  runChild: RunChild,
): Promise<InvocationEnd> {
  const { protocol, recorder, store } = tree
  const { id } = input
  const model = input.depth === 0 ? tree.policyModel : tree.childModel
  const contextText = protocol.setup ? null : await input.context.text()
  const begun = tree.replay?.invocation(id)
  if (!begun) {
    const row = {
      id,
      parentCellId: input.parent?.cellId ?? null,
      parentCallId: input.parent?.callId ?? null,
      depth: input.depth,
      model: model.name,
      protocolHash: protocol.hash,
      startedAt: new Date().toISOString(),
    }
    await recorder.append([{ table: 'invocations', row }])
  }
  const opening = protocol.opening(input.prompt, input.context.facts, contextText)
  const recorded = (begun?.messages ?? []).map(({ role, content }) => ({ role, content }) as Message)
  const session =
    protocol.setup && tree.sandbox
      ? await tree.sandbox.open({
          contexts: input.context.files,
          setup: protocol.setup,
          limits: sandboxLimits(tree.config),
          seed: replSeed(tree.taskHash),
        })
      : null
  try {
    const running: Running = { ...input, model, history: [], recorded, session }
    await addMessages(tree, running, opening)
    const end = await turnLoop(tree, running, runChild)
    await recorder.settle()
    await store.endInvocation(id, {
      stopReason: end.stopReason,
      answer: end.answer,
      endedAt: new Date().toISOString(),
    })
    return end
  } finally {
    await session?.close()
  }
}

interface Running extends InvocationInput {
  /** The messages that an earlier attempt has stored: what the history was, it stays. */
  recorded: Message[]
  model: Model
  history: Message[]
  session: SandboxSession | null
}

async function turnLoop(tree: Tree, running: Running, runChild: RunChild): Promise<InvocationEnd> {
  const { protocol, config, budget } = tree
  const { maxTurns, maxErrors, atLimit } = config.limits
  const end = (
    stopReason: StopReason,
    answer: string | null = null,
    failed: Failed | null = null,
  ): InvocationEnd => ({
    id: running.id,
    stopReason,
    answer,
    error: failed?.error ?? null,
    retryable: failed?.retryable ?? false,
  })
  let consecutiveErrors = 0
  for (let turn = 0; turn < maxTurns; turn += 1) {
    if (tree.timedOut()) return await stop('max_time', turn)
    tree.signal.throwIfAborted()
    const spent = budget.reached()
    if (spent) return await stop(spent, turn)
    const ask = protocol.turnPrompt(turn, maxTurns, { contexts: running.context.files.length })
    const outcome = await policyTurn(tree, running, { index: turn, ask, forced: false })
    if (!outcome.ok && tree.timedOut()) return await stop('max_time', turn)
    if (!outcome.ok) return end('model_error', await draftOf(outcome), outcome)
    const results = await runCells(tree, running, outcome, runChild)
    const answer = await findAnswer(protocol, running.session, outcome.text, results)
    const feedback = protocol.feedback(results)
    if (feedback) await addMessages(tree, running, [feedback])
    consecutiveErrors = results.some((result) => result.error !== null || result.stderr !== '')
      ? consecutiveErrors + 1
      : 0
    const failing = maxErrors !== undefined && consecutiveErrors >= maxErrors
    const reached = failing ? 'max_errors' : budget.reached()
    if (answer !== null && !(protocol.limitBeforeAnswer && reached)) return end('answered', answer)
    if (reached) return await stop(reached, turn + 1)
  }
  return await stop(tree.recorder.cells === 0 && protocol.setup ? 'no_code' : 'max_turns', maxTurns)

  /** Ends at a limit; `index` is that of the next turn. */
  async function stop(stopReason: StopReason, index: number): Promise<InvocationEnd> {
    const draft = await takeDraft(atLimit, running.session)
    if (draft !== null) return end(stopReason, draft)
    const state = {
      forceAnswer: protocol.forceAnswer,
      spent: budget.reached() !== null,
      timedOut: tree.timedOut(),
    }
    if (!asksForAnswer(atLimit, stopReason, state)) return end(stopReason)
    const forced = await policyTurn(tree, running, { index, ask: protocol.forcedPrompt, forced: true })
    if (!forced.ok) return tree.timedOut() ? end('max_time') : end('model_error', null, forced)
    return end(stopReason, forced.text)
  }

  /** A history that has outgrown the model's window is a limit as well. */
  async function draftOf({ error }: Failed): Promise<string | null> {
    return error.code === 'context_length' ? await takeDraft(atLimit, running.session) : null
  }
}

interface Failed {
  ok: false
  error: ErrorRecord
  retryable: boolean
}

async function policyTurn(
  tree: Tree,
  running: Running,
  turn: { index: number; ask: Message | null; forced: boolean },
): Promise<{ ok: true; text: string; turnId: string } | Failed> {
  if (turn.ask) await addMessages(tree, running, [turn.ask])
  tree.emit({
    type: 'turn-start',
    trajectoryId: tree.recorder.trajectoryId,
    turn: turn.index,
    depth: running.depth,
  })
  const turnId = deriveId(running.id, 'turn', turn.index)
  const known = tree.replay?.turn(turnId)
  if (known) {
    const text = known.call.response ?? ''
    await addMessages(tree, running, [{ role: 'assistant', content: text }])
    return { ok: true, text, turnId }
  }
  const place: CallPlace = {
    id: freeCallId(tree, turnId),
    invocationId: running.id,
    cellId: null,
    kind: 'policy',
    order: 0,
    batch: null,
    depth: running.depth,
  }
  const promptMessages = running.history.length
  const request = {
    messages: [...running.history],
    sampling: policySampling(tree),
    prompt: null,
    wantTokens: tree.subCalls.wantTokens,
    seed: tree.seed,
  }
  const replyOf = (outcome: CallOutcome): Message[] =>
    outcome.ok ? [{ role: 'assistant', content: outcome.response.text }] : []
  const outcome = await tree.recorder.call(place, running.model, request, tree.signal, (result) => [
    {
      table: 'turns',
      row: {
        id: turnId,
        invocationId: running.id,
        index: turn.index,
        callId: place.id,
        promptMessages,
        forced: turn.forced,
      },
    },
    ...messageEntries(running.id, promptMessages, replyOf(result)),
  ])
  if (!tree.timedOut()) tree.signal.throwIfAborted()
  if (!outcome.ok) return outcome
  running.history.push(...replyOf(outcome))
  return { ok: true, text: outcome.response.text, turnId }
}

async function runCells(
  tree: Tree,
  running: Running,
  turn: { text: string; turnId: string },
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
      await takeUpCell(tree, running, tree.replay, recorded)
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
async function takeUpCell(tree: Tree, running: Running, replay: Replay, cell: NewCell): Promise<void> {
  const { session } = running
  if (!session || replay.isForgotten(cell)) return
  const turn = Math.max(0, running.history.filter((message) => message.role === 'assistant').length - 1)
  const divergence = await replayCell(session, replay, cell, { turn, depth: running.depth }, tree.signal)
  if (!tree.timedOut()) tree.signal.throwIfAborted()
  if (divergence) await tree.diverged(divergence)
}

/** Appends to the history; messages that an earlier attempt has stored are taken from there. */
async function addMessages(tree: Tree, running: Running, messages: Message[]): Promise<void> {
  const first = running.history.length
  const fresh = messages.filter((_, offset) => first + offset >= running.recorded.length)
  running.history.push(...messages.map((message, offset) => running.recorded[first + offset] ?? message))
  await tree.recorder.append(messageEntries(running.id, first + messages.length - fresh.length, fresh))
}

/** The id of a turn's policy call; a call that failed in an earlier attempt keeps its own. */
function freeCallId(tree: Tree, turnId: string): string {
  let id = deriveId(turnId, 'policy')
  while (tree.replay?.hasCall(id)) id = deriveId(id, 'again')
  return id
}

function messageEntries(invocationId: string, first: number, messages: Message[]) {
  return messages.map((message, offset) => ({
    table: 'messages' as const,
    row: { invocationId, index: first + offset, role: message.role, content: message.content },
  }))
}

function policySampling(tree: Tree): Sampling {
  const { sampling } = tree.config
  // A fixed seed would make all rollouts of a group the same.
  return sampling.seed === undefined ? sampling : { ...sampling, seed: (sampling.seed + tree.seed) % 2 ** 31 }
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
