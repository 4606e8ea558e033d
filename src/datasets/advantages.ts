// Advantages of the rollouts of one task. The methods live with the rewards and are given by who
// composes both; the plain one is here, so that an export needs nothing else.
import { UsageError } from '../errors.ts'
import type { Advantage, Trajectory } from '../trajectory.ts'

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

const storedPrefix = 'stored:'

/** The method of `stored:METHOD`, whose advantages are read with the trajectories; null for another name. */
export function storedMethod(name: string): string | null {
  return name.startsWith(storedPrefix) ? name.slice(storedPrefix.length) : null
}

/** Errors raised: UsageError that lists what exists. */
export function findCreditMethod(methods: CreditMethod[], name: string): CreditMethod {
  if (storedMethod(name) !== null) {
    return { name, version: '1', compute: (rewards) => rewards.map(() => null) }
  }
  const method = methods.find((candidate) => candidate.name === name)
  if (method) return method
  throw new UsageError(
    `Recipe option advantage: there is no method "${name}". The methods are: ${methods.map((one) => one.name).join(', ')}; stored:METHOD takes what descent advantages stored.`,
  )
}

export interface TurnCredit {
  value: number
  weight: number
}

/**
 * What `descent advantages` stored of a method, the newest of several options: of the turn, else of its
 * invocation, else of the whole trajectory, which then weighs what its place in the tree gives. Errors raised:
 * UsageError for a scored trajectory of which nothing is stored.
 */
export function storedCredit(
  { id, reward, advantages = [] }: Pick<Trajectory, 'id' | 'reward' | 'advantages'>,
  method: string,
) {
  const own = advantages.filter((row) => row.method === method)
  if (own.length === 0 && reward !== null) {
    throw new UsageError(
      `Recipe option advantage: trajectory ${id} has no stored advantage by "${method}". Run descent advantages RUN --method ${method} first.`,
    )
  }
  const options = JSON.stringify(own.at(-1)?.options)
  const rows = own.filter((row) => JSON.stringify(row.options) === options)
  const key = (invocationId: string | null, turnId: string | null) => `${invocationId} ${turnId}`
  const byPlace = new Map<string, Advantage>(
    rows.map((row) => [key(row.invocationId, row.turnId), row] as const),
  )
  return (invocationId: string, turnId: string, weight: number): TurnCredit | null => {
    const found = byPlace.get(key(invocationId, turnId)) ?? byPlace.get(key(invocationId, null))
    if (found) return { value: found.value, weight: found.weight }
    const whole = byPlace.get(key(null, null))
    return whole ? { value: whole.value, weight } : null
  }
}
