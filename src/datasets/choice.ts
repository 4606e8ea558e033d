// What is kept of each task once the conditions have been applied. Ties go to the earlier one.
import { UsageError } from '../errors.ts'
import type { Selected } from './selection.ts'

export interface Choice {
  kind: 'all' | 'correct' | 'best' | 'shortest' | 'cheapest'
  /** How many of each task; not for `all` and `correct`. */
  count: number
  /** As it was written. */
  text: string
}

/** From `all`, `correct`, `best`, `best-N`, `shortest` or `cheapest`. Throws a UsageError otherwise. */
export function parseChoice(text: string): Choice {
  const found = /^(?:(all|correct|best|shortest|cheapest)|best-([1-9]\d{0,8}))$/.exec(text)
  if (!found) {
    throw new UsageError(
      `select: "${text}" is not known; allowed: all, correct, best, best-N (such as best-3), shortest, cheapest.`,
    )
  }
  return { kind: (found[1] ?? 'best') as Choice['kind'], count: Number(found[2] ?? 1), text }
}

/**
 * `members` are what is left of one task. `correct` and `best` never take one without a reward;
 * `cheapest` goes by cost, and by tokens where a cost is unknown.
 */
export function choose(members: Selected[], { kind, count }: Choice, threshold: number): Selected[] {
  if (kind === 'all') return members
  const scored = members.filter(({ reward }) => reward !== null)
  if (kind === 'correct') return scored.filter(({ reward }) => (reward ?? 0) >= threshold)
  if (kind === 'best') return scored.toSorted((a, b) => (b.reward ?? 0) - (a.reward ?? 0)).slice(0, count)
  if (kind === 'shortest') {
    return members.toSorted((a, b) => a.turns - b.turns || a.tokens - b.tokens).slice(0, count)
  }
  const priced = members.every(({ costUsd }) => costUsd !== null)
  return members
    .toSorted((a, b) => (priced ? (a.costUsd ?? 0) - (b.costUsd ?? 0) : 0) || a.tokens - b.tokens)
    .slice(0, count)
}
