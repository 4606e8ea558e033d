// What the card and the manifest tell about the rows, gathered while they pass: one number kept per
// trajectory (its reward), counts for the rest.
import type { Call, Trajectory } from '../trajectory.ts'
import { type Split, splits } from './split.ts'

export interface SplitCount {
  tasks: number
  trajectories: number
  rows: number
}

export interface RewardSummary {
  scored: number
  unscored: number
  mean: number
  minimum: number
  maximum: number
  /** Ten bins of equal width from minimum to maximum; one bin when all are equal. */
  bins: { from: number; to: number; trajectories: number }[]
}

export interface Statistics {
  splits: Record<Split, SplitCount>
  rewards: RewardSummary | null
  stopReasons: Record<string, number>
  /** Models that answered, the sub-calls' included. */
  models: string[]
  /** A script answered in at least one call. */
  scripted: boolean
  /** What gave no row: reason, how often, in how many trajectories. */
  leftOut: { reason: string; count: number; trajectories: number }[]
}

/** What is counted of a trajectory that gave rows. */
export interface Outcome {
  reward: number | null
  stopReason: string | null
  /** A script answered in at least one call. */
  scripted: boolean
  /** Models that answered; none when the tree was not read. */
  models: string[]
}

/** Something that gave no row, and the trajectories it is about. */
export interface LeftOut {
  reason: string
  ids: string[]
}

export interface Collector {
  /** The trajectories that gave `rows` rows, and what gave none. */
  add(split: Split, taskHash: string, used: Outcome[], rows: number, leftOut: LeftOut[]): void
  summarize(): Statistics
  /** All that was counted so far, as JSON can hold it: give it to `createCollector` to go on. */
  snapshot(): CollectorState
}

export interface CollectorState {
  counts: [Split, { tasks: string[]; trajectories: number; rows: number }][]
  rewards: number[]
  stopReasons: [string, number][]
  models: string[]
  reasons: [string, { count: number; trajectories: number }][]
  unscored: number
  scripted: boolean
}

export function createCollector(from?: CollectorState): Collector {
  const before = new Map(from?.counts)
  const counts = new Map(
    splits.map((split) => {
      const { tasks = [], trajectories = 0, rows = 0 } = before.get(split) ?? {}
      return [split, { tasks: new Set<string>(tasks), trajectories, rows }]
    }),
  )
  const rewards: number[] = [...(from?.rewards ?? [])]
  const stopReasons = new Map<string, number>(from?.stopReasons)
  const models = new Set<string>(from?.models)
  const reasons = new Map(from?.reasons.map(([reason, entry]) => [reason, { ...entry }]))
  let unscored = from?.unscored ?? 0
  let scripted = from?.scripted ?? false
  return {
    add(split, taskHash, used, rows, leftOut) {
      for (const [reason, entries] of Map.groupBy(leftOut, (entry) => entry.reason)) {
        const entry = reasons.get(reason) ?? { count: 0, trajectories: 0 }
        entry.count += entries.length
        entry.trajectories += new Set(entries.flatMap(({ ids }) => ids)).size
        reasons.set(reason, entry)
      }
      const count = counts.get(split)
      if (rows === 0 || !count) return
      count.tasks.add(taskHash)
      count.trajectories += used.length
      count.rows += rows
      for (const outcome of used) {
        if (outcome.reward === null) unscored += 1
        else rewards.push(outcome.reward)
        const stop = outcome.stopReason ?? 'none'
        stopReasons.set(stop, (stopReasons.get(stop) ?? 0) + 1)
        scripted ||= outcome.scripted
        for (const model of outcome.models) models.add(model)
      }
    },
    summarize() {
      const summary = (split: Split): SplitCount => {
        const count = counts.get(split)
        return {
          tasks: count?.tasks.size ?? 0,
          trajectories: count?.trajectories ?? 0,
          rows: count?.rows ?? 0,
        }
      }
      return {
        splits: { train: summary('train'), validation: summary('validation'), test: summary('test') },
        rewards: summarizeRewards(rewards, unscored),
        stopReasons: Object.fromEntries([...stopReasons].toSorted(([, a], [, b]) => b - a)),
        models: [...models].toSorted(),
        scripted,
        leftOut: [...reasons].map(([reason, entry]) => ({ reason, ...entry })),
      }
    },
    snapshot: () => ({
      counts: [...counts].map(([split, count]) => [split, { ...count, tasks: [...count.tasks] }]),
      rewards: [...rewards],
      stopReasons: [...stopReasons],
      models: [...models],
      reasons: [...reasons].map(([reason, entry]) => [reason, { ...entry }]),
      unscored,
      scripted,
    }),
  }
}

/** Small, whatever the size of the tree. */
export function outcomeOf(trajectory: Trajectory): Outcome {
  const models = new Set<string>()
  let { scripted } = trajectory
  for (const call of callsOf(trajectory)) {
    models.add(call.model)
    scripted ||= call.scripted
  }
  return { reward: trajectory.reward, stopReason: trajectory.stopReason, scripted, models: [...models] }
}

function* callsOf(trajectory: Trajectory): Generator<Call> {
  for (const { turns } of trajectory.invocations) {
    for (const { call, cells } of turns) {
      yield call
      for (const cell of cells) yield* cell.calls
    }
  }
}

export function summarizeRewards(rewards: number[], unscored: number): RewardSummary | null {
  if (rewards.length === 0) return null
  let sum = 0
  let minimum = Number.POSITIVE_INFINITY
  let maximum = Number.NEGATIVE_INFINITY
  for (const reward of rewards) {
    sum += reward
    minimum = Math.min(minimum, reward)
    maximum = Math.max(maximum, reward)
  }
  const size = maximum > minimum ? 10 : 1
  const width = (maximum - minimum) / size
  const bins = Array.from({ length: size }, (_, index) => ({
    from: minimum + width * index,
    to: index === size - 1 ? maximum : minimum + width * (index + 1),
    trajectories: 0,
  }))
  for (const reward of rewards) {
    const bin = bins[width === 0 ? 0 : Math.min(size - 1, Math.floor((reward - minimum) / width))]
    if (bin) bin.trajectories += 1
  }
  return { scored: rewards.length, unscored, mean: sum / rewards.length, minimum, maximum, bins }
}
