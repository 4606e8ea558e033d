// The limits of a tree, and of a child within it: every call counts once, whoever made it, for the
// invocation it belongs to and all above. Checked before each call and after each turn; a limit is reached
// when its value is exceeded (as in the reference, "40 of 40 tokens" is still allowed), calls and time
// when they are used up.
import type { Limits } from '../src/run-file.ts'
import type { StopReason } from '../src/trajectory.ts'

export type SpendingLimits = Pick<Limits, 'maxCalls' | 'maxTokens' | 'maxCostUsd'>

export interface Budget {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly calls: number
  /** Null while no call had a known price. */
  readonly costUsd: number | null
  /** Books a call before it is made, so that concurrent calls cannot pass `maxCalls` together. */
  reserveCall(): void
  spend(tokens: { inputTokens: number; outputTokens: number } | null, costUsd: number | null): void
  /** Books a call of an earlier attempt here only: whoever is above books it too. */
  takeUp(call: { inputTokens: number; outputTokens: number; costUsd: number | null }): void
  /** The limit that has been reached, if any. */
  reached(): StopReason | null
  /** Why a further call may not be made, for the model to read; null when it may. */
  refusal(): string | null
}

/** `above`: the budget of the invocation that started this one. */
export function createBudget(limits: SpendingLimits, above: Budget | null = null): Budget {
  let inputTokens = 0
  let outputTokens = 0
  let calls = 0
  let costUsd: number | null = null

  const overTokens = () => limits.maxTokens !== undefined && inputTokens + outputTokens > limits.maxTokens
  const overCost = () => limits.maxCostUsd !== undefined && costUsd !== null && costUsd > limits.maxCostUsd
  const overCalls = () => limits.maxCalls !== undefined && calls >= limits.maxCalls

  function book(tokens: Parameters<Budget['spend']>[0], dollars: number | null): void {
    inputTokens += tokens?.inputTokens ?? 0
    outputTokens += tokens?.outputTokens ?? 0
    if (dollars !== null) costUsd = (costUsd ?? 0) + dollars
  }

  return {
    get inputTokens() {
      return inputTokens
    },
    get outputTokens() {
      return outputTokens
    },
    get calls() {
      return calls
    },
    get costUsd() {
      return costUsd
    },
    reserveCall() {
      calls += 1
      above?.reserveCall()
    },
    spend(tokens, dollars) {
      book(tokens, dollars)
      above?.spend(tokens, dollars)
    },
    takeUp(call) {
      calls += 1
      book(call, call.costUsd)
    },
    reached() {
      if (overCost()) return 'max_cost'
      if (overTokens()) return 'max_tokens'
      if (overCalls()) return 'max_calls'
      return above?.reached() ?? null
    },
    refusal() {
      if (overCost()) return `Budget exhausted (spent $${(costUsd ?? 0).toFixed(4)} of $${limits.maxCostUsd})`
      if (overTokens()) return `Token limit reached (${inputTokens + outputTokens} of ${limits.maxTokens})`
      if (overCalls()) return `Call limit reached (${calls} of ${limits.maxCalls})`
      return above?.refusal() ?? null
    },
  }
}
