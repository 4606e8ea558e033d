// The built-in rewards: an explicit list.
import { z } from 'zod'
import { UsageError } from '../src/errors.ts'
import type { BoundReward, Reward } from '../src/reward.ts'
import type { RewardConfig } from '../src/run-file.ts'
import { auto } from './auto.ts'
import { efficiency } from './efficiency.ts'
import { contains, exact } from './exact.ts'
import { format } from './format.ts'
import { numeric } from './numeric.ts'
import { setF1 } from './set-f1.ts'

export const rewards: readonly Reward[] = [auto, exact, contains, numeric, setF1, format, efficiency]

/** Errors raised: UsageError that lists the names there are. */
export function findReward(name: string): Reward {
  const reward = rewards.find((candidate) => candidate.name === name)
  if (reward) return reward
  const names = rewards.map((candidate) => candidate.name).join(', ')
  throw new UsageError(`rewards: unknown reward ${JSON.stringify(name)}; there are ${names}`)
}

export interface WeightedReward {
  bound: BoundReward
  weight: number
}

/** The rewards of a run file with their options parsed. Errors raised: UsageError for a bad option. */
export function bindRewards(configs: readonly RewardConfig[]): WeightedReward[] {
  return configs.map(({ name, weight, options }) => {
    const reward = findReward(name)
    try {
      return { bound: reward.bind(options), weight }
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error
      const problems = error.issues.map(
        ({ path, message }) => `${['options', ...path].join('.')}: ${message}`,
      )
      throw new UsageError(`rewards: ${name}: ${problems.join('; ')}`, { cause: error })
    }
  })
}
