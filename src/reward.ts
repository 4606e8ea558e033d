// The contract of a reward: a trajectory in, a value out. A score names reward, version and options,
// so that it can be computed again. An exception is an error row, never a 0.
import type { z } from 'zod'
import { hashOf } from './hash.ts'
import type { Json } from './json.ts'
import type { Trajectory } from './trajectory.ts'

/** The task as rewards see it: without its context. */
export interface RewardTask {
  id: string
  prompt: string
  answer: Json
  metadata: Record<string, Json>
}

export interface RewardContext<Options> {
  task: RewardTask
  trajectory: Trajectory
  options: Options
}

export interface RewardResult {
  value: number
  details?: Record<string, Json>
}

export interface RewardDefinition<Options> {
  name: string
  /** Raised whenever the same inputs may give another value. */
  version: string
  description: string
  options: z.ZodType<Options>
  score(context: RewardContext<Options>): RewardResult | Promise<RewardResult>
}

/** A reward of unknown options, as the registry and custom modules hold it. */
export interface Reward {
  name: string
  version: string
  description: string
  /** Parses options; throws a ZodError on bad ones. */
  bind(options: unknown): BoundReward
}

export interface BoundReward {
  name: string
  version: string
  options: Json
  optionsHash: string
  score(task: RewardTask, trajectory: Trajectory): Promise<RewardResult>
}

export function defineReward<Options>(definition: RewardDefinition<Options>): Reward {
  return {
    name: definition.name,
    version: definition.version,
    description: definition.description,
    bind(options) {
      const parsed = definition.options.parse(options ?? {})
      return {
        name: definition.name,
        version: definition.version,
        options: parsed as Json,
        optionsHash: hashOf(parsed),
        async score(task, trajectory) {
          return await definition.score({ task, trajectory, options: parsed })
        },
      }
    },
  }
}
