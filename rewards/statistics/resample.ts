// Intervals and tests by resampling, seeded: the same numbers give the same answer. The unit that is drawn is
// the task and not the rollout, since rollouts of one task are alike.
import { mean } from '../credit/method.ts'

/** mulberry32: a small seeded generator of numbers in [0, 1). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Linear between the two nearest, as numpy's default. Null for no values. */
export function quantile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const [low, high] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0]
  return low + (high - low) * (place - Math.floor(place))
}

export interface Interval {
  low: number
  high: number
}

/** The percentile bootstrap of the mean of `values` (one per task). Null for fewer than two. */
export function bootstrapInterval(
  values: readonly number[],
  { seed = 0, resamples = 2000, level = 0.95 } = {},
): Interval | null {
  if (values.length < 2) return null
  const random = createRandom(seed)
  const means = Array.from({ length: resamples }, () => {
    let sum = 0
    for (let i = 0; i < values.length; i += 1) sum += values[Math.floor(random() * values.length)] ?? 0
    return sum / values.length
  })
  const tail = (1 - level) / 2
  return { low: quantile(means, tail) ?? 0, high: quantile(means, 1 - tail) ?? 0 }
}

export interface PairedTest {
  pairs: number
  meanA: number
  meanB: number
  /** Mean of b − a. */
  difference: number
  interval: Interval | null
  /** Two-sided: how often random signs give a mean difference as far from 0. */
  pValue: number
  /** Every assignment of signs was counted, and none drawn. */
  exact: boolean
}

const exactPairs = 14

/**
 * The paired sign-flip permutation test of b − a on the same tasks. Up to 14 tasks all 2^n flips are counted;
 * above, `resamples` are drawn and p = (1 + hits) / (1 + draws), which is never 0. Null without a pair.
 */
export function pairedTest(
  pairs: readonly { a: number; b: number }[],
  { seed = 0, resamples = 10_000 } = {},
): PairedTest | null {
  if (pairs.length === 0) return null
  const differences = pairs.map(({ a, b }) => b - a)
  const difference = mean(differences)
  // Sums that are equal but for the last bits are as far from 0.
  const limit = Math.abs(difference) * pairs.length * (1 - 1e-12) - 1e-15
  const exact = pairs.length <= exactPairs
  const pValue = exact ? countFlips(differences, limit) : drawFlips(differences, limit, seed, resamples)
  return {
    pairs: pairs.length,
    meanA: mean(pairs.map(({ a }) => a)),
    meanB: mean(pairs.map(({ b }) => b)),
    difference,
    interval: bootstrapInterval(differences, { seed }),
    pValue,
    exact,
  }
}

function countFlips(differences: number[], limit: number): number {
  const total = 2 ** differences.length
  let hits = 0
  for (let signs = 0; signs < total; signs += 1) {
    const sum = differences.reduce((all, value, bit) => all + ((signs >> bit) & 1 ? value : -value), 0)
    if (Math.abs(sum) >= limit) hits += 1
  }
  return hits / total
}

function drawFlips(differences: number[], limit: number, seed: number, resamples: number): number {
  const random = createRandom(seed)
  let hits = 0
  for (let draw = 0; draw < resamples; draw += 1) {
    let sum = 0
    for (const value of differences) sum += random() < 0.5 ? value : -value
    if (Math.abs(sum) >= limit) hits += 1
  }
  return (1 + hits) / (1 + resamples)
}
