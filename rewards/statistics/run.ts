// What a run amounts to: means and passes over its tasks, with intervals; costs and times by percentile; how
// its turns, calls and depths are spread. "Never scored" is counted beside the values and is in none of them.
import type { Figures, StoredScore } from '../../src/store/contract.ts'
import { mean } from '../credit/method.ts'
import { leastOfK, passAtK, passHatK } from './passes.ts'
import { bootstrapInterval, quantile, type Interval } from './resample.ts'

/** A rollout as statistics see it. */
export interface Sample {
  taskId: string
  /** Null when it was never scored, or a score is an error. */
  reward: number | null
  costUsd: number | null
  seconds: number | null
  tokens: number
  turns: number
  calls: number
  depth: number
  stopReason: string | null
}

export interface Percentiles {
  count: number
  mean: number | null
  p25: number | null
  p50: number | null
  p75: number | null
  p95: number | null
}

export interface RunStatistics {
  tasks: number
  rollouts: number
  scored: number
  unscored: number
  /** The mean over tasks of the mean of their rollouts, with its bootstrap interval over tasks. */
  mean: number | null
  interval: Interval | null
  /** By k: means over the tasks that have k scored rollouts. */
  passAt: Record<string, number>
  passHat: Record<string, number>
  /** At least half of k, rounded up. */
  majorityOf: Record<string, number>
  /** Of the n rollouts that every scored task has: the chance that at least k are right, by k. */
  kOfN: { n: number; atLeast: Record<string, number> }
  /** Tasks by their mean reward: 0, between, 1. */
  bands: { none: number; some: number; all: number; unscored: number }
  cost: Percentiles
  seconds: Percentiles
  tokens: Percentiles
  turns: Record<string, number>
  calls: Record<string, number>
  depth: Record<string, number>
  stopReasons: Record<string, number>
}

export interface StatisticsOptions {
  /** A reward from which on a rollout counts as right. */
  passFrom: number
  seed: number
}

/** The weighted sum of the newest score of each reward, or the value of one reward; null as said above. */
export function sampleOf(figures: Figures, reward?: string): Sample {
  const { taskId, costUsd, seconds, turns, calls, stopReason } = figures
  const tokens = figures.inputTokens + figures.outputTokens
  const value = reward === undefined ? weightedSum(figures.scores) : (valueOf(figures.scores, reward) ?? null)
  return {
    taskId,
    reward: value,
    costUsd,
    seconds,
    tokens,
    turns,
    calls,
    depth: figures.maxDepth,
    stopReason,
  }
}

function valueOf(scores: readonly StoredScore[], reward: string): number | null | undefined {
  return scores.findLast((score) => score.reward === reward)?.value
}

function weightedSum(scores: readonly StoredScore[]): number | null {
  const newest = new Map(scores.map((score) => [score.reward, score]))
  if (newest.size === 0) return null
  let sum = 0
  for (const { value, weight } of newest.values()) {
    if (value === null) return null
    sum += weight * value
  }
  return sum
}

/** The mean reward of each task, over its scored rollouts; tasks without one are left out. */
export function taskMeans(samples: readonly Sample[]): Map<string, number> {
  const means = new Map<string, number>()
  for (const [taskId, list] of Map.groupBy(samples, (sample) => sample.taskId)) {
    const values = scoredValues(list)
    if (values.length > 0) means.set(taskId, mean(values))
  }
  return means
}

function scoredValues(samples: readonly Sample[]): number[] {
  return samples.flatMap(({ reward }) => (reward === null ? [] : [reward]))
}

export function runStatistics(samples: readonly Sample[], options: StatisticsOptions): RunStatistics {
  const groups = [...Map.groupBy(samples, (sample) => sample.taskId).values()]
  const means = [...taskMeans(samples).values()]
  const scored = scoredValues(samples).length
  // Rewards are sums of floats: a mean that is 1 but for the last bit is 1.
  const none = means.filter((value) => value <= 1e-9).length
  const all = means.filter((value) => value >= 1 - 1e-9).length
  return {
    tasks: groups.length,
    rollouts: samples.length,
    scored,
    unscored: samples.length - scored,
    mean: means.length === 0 ? null : mean(means),
    interval: bootstrapInterval(means, { seed: options.seed }),
    ...passes(groups, options.passFrom),
    bands: { none, some: means.length - none - all, all, unscored: groups.length - means.length },
    cost: percentiles(samples.map(({ costUsd }) => costUsd)),
    seconds: percentiles(samples.map(({ seconds }) => seconds)),
    tokens: percentiles(samples.map(({ tokens }) => tokens)),
    turns: distribution(samples.map(({ turns }) => turns)),
    calls: distribution(samples.map(({ calls }) => calls)),
    depth: distribution(samples.map(({ depth }) => depth)),
    stopReasons: count(samples.map(({ stopReason }) => stopReason ?? 'none')),
  }
}

/** k = 1, 2, 4, … and the largest number of rollouts that every scored task has. */
function passes(groups: Sample[][], passFrom: number) {
  const counts = groups
    .map(scoredValues)
    .filter((values) => values.length > 0)
    .map((values) => ({ n: values.length, c: values.filter((value) => value >= passFrom - 1e-9).length }))
  const most = Math.max(0, ...counts.map(({ n }) => n))
  const least = Math.min(most, ...counts.map(({ n }) => n))
  const ks = new Set([least])
  for (let k = 1; k <= most; k *= 2) ks.add(k)
  const table: Pick<RunStatistics, 'passAt' | 'passHat' | 'majorityOf' | 'kOfN'> = {
    passAt: {},
    passHat: {},
    majorityOf: {},
    kOfN: { n: least, atLeast: {} },
  }
  for (let k = 1; k <= least; k += 1)
    table.kOfN.atLeast[k] = mean(counts.map(({ n, c }) => leastOfK(n, c, least, k) ?? 0))
  for (const k of [...ks].filter((one) => one > 0).toSorted((a, b) => a - b)) {
    const fit = counts.filter(({ n }) => n >= k)
    if (fit.length === 0) continue
    table.passAt[k] = mean(fit.map(({ n, c }) => passAtK(n, c, k) ?? 0))
    table.passHat[k] = mean(fit.map(({ n, c }) => passHatK(n, c, k) ?? 0))
    table.majorityOf[k] = mean(fit.map(({ n, c }) => leastOfK(n, c, k, Math.ceil(k / 2)) ?? 0))
  }
  return table
}

export function percentiles(values: readonly (number | null)[]): Percentiles {
  const known = values.filter((value) => value !== null)
  const [p25, p50, p75, p95] = [0.25, 0.5, 0.75, 0.95].map((share) => quantile(known, share))
  return {
    count: known.length,
    mean: known.length === 0 ? null : mean(known),
    p25: p25 ?? null,
    p50: p50 ?? null,
    p75: p75 ?? null,
    p95: p95 ?? null,
  }
}

/** Counts by value; from 16 on by ranges that double (`16-31`, `32-63`, …). */
function distribution(values: readonly number[]): Record<string, number> {
  const sorted = values.toSorted((a, b) => a - b)
  return count(
    sorted.map((value) => {
      if (value < 16) return String(value)
      const low = 2 ** Math.floor(Math.log2(value))
      return `${low}-${2 * low - 1}`
    }),
  )
}

function count(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1
  return counts
}

export interface RewardFigures {
  /** Rollouts that the reward gave a value. */
  scored: number
  errors: number
  mean: number | null
}

/** What each reward gave, by name: the newest score of each rollout. */
export function rewardFigures(figures: readonly Pick<Figures, 'scores'>[]): Record<string, RewardFigures> {
  const values = new Map<string, (number | null)[]>()
  for (const { scores } of figures) {
    for (const [name, { value }] of new Map(scores.map((score) => [score.reward, score]))) {
      const list = values.get(name)
      if (list) list.push(value)
      else values.set(name, [value])
    }
  }
  const rows = [...values].map(([name, all]): [string, RewardFigures] => {
    const known = all.filter((value) => value !== null)
    const errors = all.length - known.length
    return [name, { scored: known.length, errors, mean: known.length === 0 ? null : mean(known) }]
  })
  return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
