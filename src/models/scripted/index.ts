// Scripted models: deterministic programs that talk as models do, well or badly. No language model is
// behind them and none sees a gold answer; every row they make is marked scripted.
import { UsageError } from '../../errors.ts'
import { seededRandom } from '../../tasks/random.ts'
import type { Model, ModelRequest } from '../model.ts'
import { careful } from './careful.ts'
import { readConversation } from './conversation.ts'
import type { Conversation } from './conversation.ts'
import { crasher, hasty, looper, misuser, spender } from './flawed.ts'
import { readPrompt } from './reader.ts'
import { scriptedModel } from './respond.ts'
import type { ScriptedOptions } from './respond.ts'

export { createTableModel } from './table.ts'

type Policy = (conversation: Conversation) => string

const policies: Record<string, Policy> = { careful, hasty, misuser, looper, crasher, spender, mixed, reader }

/** The names that `createScriptedModel` knows. */
export const scriptedNames: readonly string[] = Object.keys(policies)

/** Shares of `mixed`, in percent. */
const shares: readonly [Policy, number][] = [
  [careful, 62],
  [misuser, 12],
  [hasty, 8],
  [crasher, 7],
  [spender, 7],
  [looper, 4],
]

/** One policy per rollout, chosen by the request's seed. */
function mixed(conversation: Conversation): string {
  let left = seededRandom('mixed', conversation.seed).next() * 100
  const chosen = shares.find(([, share]) => (left -= share) < 0)
  return (chosen?.[0] ?? careful)(conversation)
}

/** As a root, the reader reads nothing but its messages: it works as the careful policy does. */
function reader(conversation: Conversation): string {
  return careful(conversation)
}

/**
 * A scripted model by the name of its policy. Plain prompts (sub-calls) are answered by reading
 * them, whatever the policy. Errors raised: UsageError for an unknown name.
 */
export function createScriptedModel(name: string, options: ScriptedOptions = {}): Model {
  const policy = policies[name]
  if (!policy || !Object.hasOwn(policies, name)) {
    throw new UsageError(
      `model: unknown scripted policy ${JSON.stringify(name)}; there are ${scriptedNames.join(', ')}`,
    )
  }
  function reply(request: ModelRequest): string {
    const conversation = readConversation(request)
    return conversation.hasRepl
      ? (policy?.(conversation) ?? '')
      : readPrompt(conversation.prompt, request.seed)
  }
  return scriptedModel(name, reply, options)
}
