// Advantages of the rollouts of one task. The methods live with the rewards and are given by who
// composes both; the plain one is here, so that an export needs nothing else.
import { UsageError } from '../errors.ts'

/** "Never scored" is null and stays null: it gets no advantage and is in no mean. */
export interface CreditMethod {
  name: string
  version: string
  compute: (rewards: (number | null)[]) => (number | null)[]
}

/**
 * A_i = r_i − mean(r) over the rewards that are there. Source: prime-rl, docs/algorithms.md, "Default
 * Advantage".
 */
export const groupMean: CreditMethod = {
  name: 'grpo_centered',
  version: '1',
  compute(rewards) {
    const scored = rewards.filter((reward) => reward !== null)
    const mean = scored.reduce((sum, reward) => sum + reward, 0) / scored.length
    return rewards.map((reward) => (reward === null ? null : reward - mean))
  },
}

/** Errors raised: UsageError that lists what exists. */
export function findCreditMethod(methods: CreditMethod[], name: string): CreditMethod {
  const method = methods.find((candidate) => candidate.name === name)
  if (method) return method
  throw new UsageError(
    `Recipe option advantage: there is no method "${name}". The methods are: ${methods.map((one) => one.name).join(', ')}.`,
  )
}
