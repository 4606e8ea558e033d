// What the card and the manifest tell about the rows, gathered while they pass: counts and tallies, small
// whatever the number of trajectories.
import type { ReadTrajectory } from '../store/contract.ts'
import type { Call, Trajectory } from '../trajectory.ts'
import type { Selected } from './selection.ts'
import { type Split, splits } from './split.ts'
import { createTallier, type Tally } from './tally.ts'

export interface SplitCount {
  tasks: number
  trajectories: number
  rows: number
}

/** Of each trajectory that gave rows; all but the reward of the whole tree, as it was collected. */
export const measures = ['reward', 'turns', 'tokens', 'depth', 'cost'] as const
export type Measure = (typeof measures)[number]

/** Rewards, turns and depths are kept as they are; of the others there could be one for each trajectory. */
const digits: Partial<Record<Measure, number>> = { tokens: 3, cost: 3 }

/** What a model did: as the root, as a child invocation, or answering a sub-call. */
export const modelRoles = ['root', 'child', 'sub-call'] as const
export type ModelRole = (typeof modelRoles)[number]

export interface CalledModel {
  name: string
  provider: string
  role: ModelRole
}

export interface Statistics {
  splits: Record<Split, SplitCount>
  tallies: Record<Measure, Tally>
  stopReasons: Record<string, number>
  /** Models that were called, by name and provider. */
  models: CalledModel[]
  /** A script answered in at least one call. */
  scripted: boolean
  /** What gave no row: reason, how often, in how many trajectories. */
  leftOut: { reason: string; count: number; trajectories: number }[]
}

/** What is counted of a trajectory that gave rows. */
export interface Outcome {
  values: Record<Measure, number | null>
  stopReason: string | null
  /** A script answered in at least one call. */
  scripted: boolean
  /** Models that were called; none when the tree was not read. */
  models: CalledModel[]
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
  tallies: Record<Measure, Tally>
  stopReasons: [string, number][]
  models: CalledModel[]
  reasons: [string, { count: number; trajectories: number }][]
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
  const talliers = byMeasure((name) => createTallier(from?.tallies[name], digits[name]))
  const stopReasons = new Map<string, number>(from?.stopReasons)
  const models: CalledModel[] = [...(from?.models ?? [])]
  const reasons = new Map(from?.reasons.map(([reason, entry]) => [reason, { ...entry }]))
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
        for (const name of measures) talliers[name].add(outcome.values[name])
        const stop = outcome.stopReason ?? 'none'
        stopReasons.set(stop, (stopReasons.get(stop) ?? 0) + 1)
        scripted ||= outcome.scripted
        for (const { name, provider, role } of outcome.models) addModel(models, name, provider, role)
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
        tallies: byMeasure((name) => talliers[name].tally()),
        stopReasons: Object.fromEntries([...stopReasons].toSorted(([, a], [, b]) => b - a)),
        models: [...models],
        scripted,
        leftOut: [...reasons].map(([reason, entry]) => ({ reason, ...entry })),
      }
    },
    snapshot: () => ({
      counts: [...counts].map(([split, count]) => [split, { ...count, tasks: [...count.tasks] }]),
      tallies: byMeasure((name) => talliers[name].tally()),
      stopReasons: [...stopReasons],
      models: [...models],
      reasons: [...reasons].map(([reason, entry]) => [reason, { ...entry }]),
      scripted,
    }),
  }
}

function byMeasure<Value>(of: (name: Measure) => Value): Record<Measure, Value> {
  return {
    reward: of('reward'),
    turns: of('turns'),
    tokens: of('tokens'),
    depth: of('depth'),
    cost: of('cost'),
  }
}

/** Of a trajectory whose tree may not have been read: then nothing is known of its models. */
export function outcomeOf(member: Selected, trajectory: ReadTrajectory | null): Outcome {
  const { reward, turns, tokens, depth, costUsd } = member
  const models: CalledModel[] = []
  let { scripted } = member
  for (const { call, role } of trajectory ? callsOf(trajectory) : []) {
    addModel(models, call.model, call.provider, role)
    scripted ||= call.scripted
  }
  for (const one of trajectory?.subCallModels ?? []) {
    addModel(models, one.model, one.provider, 'sub-call')
    scripted ||= one.scripted
  }
  const values = { reward, turns, tokens, depth, cost: costUsd }
  const stopReason = trajectory ? trajectory.stopReason : member.stopReason
  return { values, stopReason, scripted, models }
}

/** Few models are called, so a look through those that are known costs less than a key for each call. */
function addModel(models: CalledModel[], name: string, provider: string, role: ModelRole): void {
  const known = models.some((one) => one.name === name && one.role === role && one.provider === provider)
  if (!known) models.push({ name, provider, role })
}

function* callsOf(trajectory: Trajectory): Generator<{ call: Call; role: ModelRole }> {
  for (const { depth, turns } of trajectory.invocations) {
    const role = depth === 0 ? 'root' : 'child'
    for (const { call, cells } of turns) {
      yield { call, role }
      for (const cell of cells) {
        // A call that started a child is that child's own turns.
        for (const sub of cell.calls) if (sub.invocationId === null) yield { call: sub, role: 'sub-call' }
      }
    }
  }
}
