// One request to the policy: the message that asks, the call, its reply in the history. An answered call
// that an earlier attempt has recorded is not made again.
import { deriveId } from '../src/ids.ts'
import type { Message, Sampling } from '../src/models/model.ts'
import { messageEntries } from './history.ts'
import type { CallOutcome, CallPlace } from './recorder.ts'
import type { Failed, Running, Tree } from './tree.ts'

export interface Ask {
  /** Counts every request of the invocation to its policy. */
  index: number
  /** The message that asks; null when the history already does. */
  message: Message | null
  /** The one last answer at a limit. */
  forced?: boolean
  /** The reply is a summary, which takes the place of the history. */
  compaction?: boolean
}

export type PolicyTurn = { ok: true; text: string; turnId: string; index: number } | Failed

/** Errors raised: the signal's reason when the job is stopped, StoreError. */
export async function policyTurn(tree: Tree, running: Running, ask: Ask): Promise<PolicyTurn> {
  const { history } = running
  const { index } = ask
  if (ask.message) await history.add([ask.message])
  tree.emit({
    type: 'turn-start',
    trajectoryId: tree.recorder.trajectoryId,
    turn: index,
    depth: running.depth,
  })
  const turnId = deriveId(running.id, 'turn', index)
  const known = tree.replay?.turn(turnId)
  if (known) {
    const text = known.call.response ?? ''
    history.reply({ role: 'assistant', content: text }, tokensOf(known.call))
    return { ok: true, text, turnId, index }
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
  const { from, to } = history
  const request = {
    messages: [...history.window],
    sampling: policySampling(tree),
    prompt: null,
    wantTokens: tree.subCalls.wantTokens,
    seed: tree.seed,
    budget: tree.budget,
  }
  const replyOf = (outcome: CallOutcome): Message[] =>
    outcome.ok ? [{ role: 'assistant', content: outcome.response.text }] : []
  const outcome = await tree.recorder.call(place, running.model, request, tree.signal, (result) => [
    {
      table: 'turns',
      row: {
        id: turnId,
        invocationId: running.id,
        index,
        callId: place.id,
        promptStart: from,
        promptMessages: to,
        forced: ask.forced ?? false,
        compaction: ask.compaction ?? false,
      },
    },
    ...messageEntries(running.id, to, replyOf(result)),
  ])
  if (!tree.timedOut()) tree.signal.throwIfAborted()
  if (!outcome.ok) return outcome
  const { text, usage } = outcome.response
  history.reply({ role: 'assistant', content: text }, usage && tokensOf(usage))
  return { ok: true, text, turnId, index }
}

/** Tokens that the call's prompt and reply take in the prompt after it: reasoning is not sent again. */
function tokensOf(call: {
  inputTokens?: number | null
  outputTokens?: number | null
  reasoningTokens?: number | null
}): number | null {
  const { inputTokens, outputTokens, reasoningTokens } = call
  if (typeof inputTokens !== 'number' || typeof outputTokens !== 'number') return null
  return inputTokens + Math.max(0, outputTokens - (reasoningTokens ?? 0))
}

/** The id of a turn's policy call; a call that failed in an earlier attempt keeps its own. */
function freeCallId(tree: Tree, turnId: string): string {
  let id = deriveId(turnId, 'policy')
  while (tree.replay?.hasCall(id)) id = deriveId(id, 'again')
  return id
}

function policySampling(tree: Tree): Sampling {
  const { sampling } = tree.config
  // A fixed seed would make all rollouts of a group the same.
  return sampling.seed === undefined ? sampling : { ...sampling, seed: (sampling.seed + tree.seed) % 2 ** 31 }
}
