// One RLM instance: the loop of policy call, cells, feedback, until it answers or a limit stops it.
// The turn that trips a limit is stored like any other, and an answer given in it counts.
import type { Message } from '../src/models/model.ts'
import type { StopReason } from '../src/trajectory.ts'
import { asksForAnswer, takeDraft } from './at-limit.ts'
import { findAnswer } from './find-answer.ts'
import { createHistory } from './history.ts'
import { policyTurn } from './policy-turn.ts'
import type { Compaction } from './protocols/index.ts'
import type { Failed, InvocationEnd, InvocationInput, RunChild, Running, Tree } from './tree.ts'
import { replSeed, runCells, sandboxLimits } from './turn-cells.ts'

/** Errors raised: SandboxError when no REPL starts; the signal's reason when the job is stopped. */
export async function runInvocation(
  tree: Tree,
  input: InvocationInput,
  runChild: RunChild,
): Promise<InvocationEnd> {
  try {
    return await openInvocation(tree, input, runChild)
  } catch (thrown) {
    if (tree.cancelled()) await endCancelled(tree, input.id)
    throw thrown
  }
}

async function endCancelled({ recorder, store }: Tree, id: string): Promise<void> {
  await recorder.settle()
  const endedAt = new Date().toISOString()
  await store.endInvocation(id, { stopReason: 'cancelled', answer: null, endedAt })
}

async function openInvocation(
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
  if (tree.cancelled()) tree.signal.throwIfAborted()
  const opening = protocol.opening(input.prompt, input.context.facts, contextText)
  const recorded = (begun?.messages ?? []).map(({ role, content }) => ({ role, content }) as Message)
  const session =
    protocol.setup && tree.sandbox
      ? await tree.sandbox.open({
          contexts: input.context.files,
          setup: compactionOf(tree, input.depth)
            ? protocol.setup
            : { ...protocol.setup, growingHistory: false },
          limits: sandboxLimits(tree.config),
          seed: replSeed(tree.taskHash),
        })
      : null
  try {
    const running: Running = { ...input, model, session, history: createHistory(id, recorder, recorded) }
    await running.history.add(opening)
    const end = await turnLoop(tree, running, opening, runChild)
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

async function turnLoop(
  tree: Tree,
  running: Running,
  opening: Message[],
  runChild: RunChild,
): Promise<InvocationEnd> {
  const { protocol, config, budget } = tree
  const { history, session } = running
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
  /** Requests to the policy so far. A summary is one of them, but not one of the `maxTurns`. */
  let index = 0
  let compactions = 0
  for (let turn = 0; turn < maxTurns; turn += 1) {
    if (tree.timedOut()) return await stop('max_time')
    tree.signal.throwIfAborted()
    const spent = budget.reached()
    if (spent) return await stop(spent)
    if (needsCompaction(tree, running, opening)) {
      const failed = await compact()
      if (failed) return await stopFailed(failed)
      if (budget.reached() || tree.timedOut()) continue
    }
    const message = protocol.turnPrompt(turn, maxTurns, { contexts: running.context.files.length })
    const outcome = await policyTurn(tree, running, { index: index++, message })
    if (!outcome.ok) return await stopFailed(outcome)
    const results = await runCells(tree, running, outcome, runChild)
    const answer = await findAnswer(protocol, session, outcome.text, results)
    const feedback = protocol.feedback(results)
    if (feedback) await history.add([feedback])
    if (compactionOf(tree, running.depth))
      session?.remember([
        { role: 'assistant', content: outcome.text },
        ...(feedback ? [{ ...feedback }] : []),
      ])
    consecutiveErrors = results.some((result) => result.error !== null || result.stderr !== '')
      ? consecutiveErrors + 1
      : 0
    const failing = maxErrors !== undefined && consecutiveErrors >= maxErrors
    const reached = failing ? 'max_errors' : budget.reached()
    if (answer !== null && !(protocol.limitBeforeAnswer && reached)) return end('answered', answer)
    if (reached) return await stop(reached)
  }
  return await stop(tree.recorder.cells === 0 && protocol.setup ? 'no_code' : 'max_turns')

  async function stop(stopReason: StopReason): Promise<InvocationEnd> {
    const draft = await takeDraft(atLimit, session)
    if (draft !== null) return end(stopReason, draft)
    const state = {
      forceAnswer: protocol.forceAnswer,
      spent: budget.reached() !== null,
      timedOut: tree.timedOut(),
    }
    if (!asksForAnswer(atLimit, stopReason, state)) return end(stopReason)
    const forced = await policyTurn(tree, running, {
      index: index++,
      message: protocol.forcedPrompt,
      forced: true,
    })
    if (!forced.ok) return tree.timedOut() ? end('max_time') : end('model_error', null, forced)
    return end(stopReason, forced.text)
  }

  /** A history that has outgrown the model's window is a limit as well. */
  async function stopFailed(failed: Failed): Promise<InvocationEnd> {
    if (tree.timedOut()) return await stop('max_time')
    const draft = failed.error.code === 'context_length' ? await takeDraft(atLimit, session) : null
    return end('model_error', draft, failed)
  }

  /** The history gives way to a summary of it; null when that went well. */
  async function compact(): Promise<Failed | null> {
    if (!protocol.compaction) return null
    const message = protocol.compaction.ask
    const summary = await policyTurn(tree, running, { index: index++, message, compaction: true })
    if (!summary.ok) return summary
    compactions += 1
    session?.remember({ type: 'summary', content: summary.text })
    history.restart()
    await history.add(protocol.compaction.restart(opening, summary.text, compactions))
    return null
  }
}

function compactionOf({ protocol }: Tree, depth: number): Compaction | null {
  return protocol.compaction?.rootOnly && depth > 0 ? null : protocol.compaction
}

/** Not before a turn was made since the last compaction: another could make nothing shorter. */
function needsCompaction(tree: Tree, running: Running, opening: Message[]): boolean {
  const compaction = compactionOf(tree, running.depth)
  const { history } = running
  if (!compaction) return false
  const shortest = opening.length + (history.from > 0 ? 2 : 0)
  return history.window.length > shortest && history.tokens >= compaction.tokens
}
