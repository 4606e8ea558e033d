// The contract of a credit method: rewards of a group in, advantages out, in the same order. "Never scored"
// is null and stays null: it gets no advantage and is in no mean. "Scored zero" is a number like any other.

/** The reward of one rollout of a group; null when it was never scored. */
export type GroupRewards = readonly (number | null)[]
export type Advantages = (number | null)[]

export interface CreditMethod {
  name: string
  /** Raised whenever the same rewards may give other advantages. */
  version: string
  description: string
  /** Where the formula stands. */
  source: string
  compute: (rewards: GroupRewards) => Advantages
}

/** Applies `formula` to the scored ones and leaves the others null. */
export function onScored(rewards: GroupRewards, formula: (scored: number[]) => number[]): Advantages {
  const scored = rewards.filter((reward) => reward !== null)
  const advantages = formula(scored)
  let next = 0
  return rewards.map((reward) => {
    if (reward === null) return null
    const advantage = advantages[next] ?? 0
    next += 1
    return advantage
  })
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
