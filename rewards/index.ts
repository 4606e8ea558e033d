// The built-in rewards: an explicit list.
import { z } from 'zod'
import { UsageError } from '../src/errors.ts'
import type { BoundReward, Reward, RewardEntry } from '../src/reward.ts'
import type { RewardConfig } from '../src/run-file.ts'
import { auto } from './auto.ts'
import { browsecompPlusJudge } from './benchmarks/browsecomp-plus-judge.ts'
import { browsecompPlus } from './benchmarks/browsecomp-plus.ts'
import { longbenchPro } from './benchmarks/longbench-pro.ts'
import { longbenchV2 } from './benchmarks/longbench-v2.ts'
import { longbench } from './benchmarks/longbench.ts'
import { mrcr, mrcrV2 } from './benchmarks/mrcr.ts'
import { oolongPairs } from './benchmarks/oolong-pairs.ts'
import { oolongReal } from './benchmarks/oolong-real.ts'
import { oolong, oolongTraining } from './benchmarks/oolong.ts'
import { ruler } from './benchmarks/ruler.ts'
import { byTask, clip, gate, product, sum } from './compose/index.ts'
import { efficiency } from './efficiency.ts'
import { contains, exact } from './exact.ts'
import { format } from './format.ts'
import { groupJudge, judge } from './judge/judge.ts'
import { subtaskJudge } from './judge/subtasks.ts'
import { numeric } from './numeric.ts'
import { cellErrors } from './process/cell-errors.ts'
import { grounded } from './process/grounded.ts'
import { groupEfficiency, lengthPenalty } from './process/group.ts'
import { recursionShape } from './process/recursion-shape.ts'
import { pythonCheck } from './python-check.ts'
import { setF1 } from './set-f1.ts'
import { jsonPath } from './text/json-path.ts'
import { multipleChoice } from './text/multiple-choice.ts'
import { regex } from './text/regex.ts'
import { editSimilarity, rougeLReward } from './text/rouge-l.ts'
import { tokenF1 } from './text/token-f1.ts'

const general = [
  auto,
  exact,
  contains,
  regex,
  numeric,
  tokenF1,
  setF1,
  multipleChoice,
  jsonPath,
  rougeLReward,
  editSimilarity,
]
const benchmarks = [
  oolong,
  oolongTraining,
  oolongReal,
  oolongPairs,
  ruler,
  longbench,
  longbenchV2,
  longbenchPro,
  mrcr,
  mrcrV2,
  browsecompPlus,
]
const composed = [sum, product, gate, clip, byTask]
const process = [format, efficiency, cellErrors, recursionShape, grounded, lengthPenalty, groupEfficiency]
const outside = [judge, groupJudge, subtaskJudge, browsecompPlusJudge, pythonCheck]

export const rewards: readonly Reward[] = [...general, ...benchmarks, ...composed, ...process, ...outside]

/** Errors raised: UsageError that lists the names there are. */
export function findReward(name: string): Reward {
  const reward = rewards.find((candidate) => candidate.name === name)
  if (reward) return reward
  const names = rewards.map((candidate) => candidate.name).join(', ')
  throw new UsageError(`rewards: unknown reward ${JSON.stringify(name)}; there are ${names}`)
}

/**
 * A reward with its options parsed and the rewards inside it bound. `modules`: rewards of one's own, by the
 * names that the entries use. Errors raised: UsageError for an unknown name or a bad option.
 */
export function bindReward(
  entry: RewardEntry,
  modules: ReadonlyMap<string, Reward> = new Map(),
): BoundReward {
  const { name, options } = entry
  const reward = modules.get(name) ?? findReward(name)
  try {
    return reward.bind(options, (inner) => bindReward(inner, modules))
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error
    const problems = error.issues.map(({ path, message }) => `${['options', ...path].join('.')}: ${message}`)
    throw new UsageError(`rewards: ${name}: ${problems.join('; ')}`, { cause: error })
  }
}

export interface WeightedReward {
  bound: BoundReward
  weight: number
}

/** The rewards of a run file. Errors raised: as `bindReward`. */
export function bindRewards(
  configs: readonly RewardConfig[],
  modules: ReadonlyMap<string, Reward> = new Map(),
): WeightedReward[] {
  return configs.map((config) => ({ bound: bindReward(config, modules), weight: config.weight }))
}
