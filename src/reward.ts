// The contract of a reward: a trajectory in, a value out. A score names reward, version and options,
// so that it can be computed again. An exception is an error row, never a 0.
import type { z } from 'zod'
import { UsageError } from './errors.ts'
import { hashOf } from './hash.ts'
import type { Json } from './json.ts'
import { callerOf, checkDefinition, type Place } from './reward-definition.ts'
import type { RewardTools } from './reward-tools.ts'
import type { Trajectory } from './trajectory.ts'

/** The task as rewards see it: without its context. */
export interface RewardTask {
  id: string
  prompt: string
  answer: Json
  metadata: Record<string, Json>
  /** Length of the context; rewards do not see the context itself. */
  contextCharacters?: number
}

/** A reward named inside the options of another one, as in a run file. */
export interface RewardEntry {
  name: string
  options?: unknown
}

/** Finds and binds a reward by its name. Errors raised: UsageError. */
export type ResolveReward = (entry: RewardEntry) => BoundReward

export interface RewardContext<Options> {
  task: RewardTask
  trajectory: Trajectory
  options: Options
  tools: RewardTools
  /** The rewards that `inner` of the definition named, bound. */
  inner: BoundReward[]
  /** For a reward that only the task names. */
  resolve: ResolveReward
}

export interface RewardResult {
  value: number
  details?: Record<string, Json>
  /** What each of these invocations is worth by itself; stored as scores of theirs. */
  invocations?: { id: string; value: number; details?: Record<string, Json> }[]
}

interface CommonDefinition<Options> {
  name: string
  /** Raised whenever the same inputs may give another value. */
  version: string
  description: string
  options: z.ZodType<Options>
}

export interface RewardDefinition<Options> extends CommonDefinition<Options> {
  /**
   * `answer`: of the trajectory it looks at the answer, the stop reason and the figures, not at the turns,
   * which are then not read from the store: scoring is several times faster.
   */
  sees?: 'answer'
  /** The rewards that this one is made of; their versions become part of its own. */
  inner?(options: Options): RewardEntry[]
  score(context: RewardContext<Options>): RewardResult | Promise<RewardResult>
}

export interface GroupContext<Options> {
  task: RewardTask
  /** The rollouts of one task in one run that have ended, with the scores that they have so far. */
  trajectories: Trajectory[]
  options: Options
  tools: RewardTools
}

/** Null leaves a rollout without a score. */
export type GroupResult = (RewardResult | null)[]

export interface GroupRewardDefinition<Options> extends CommonDefinition<Options> {
  /** One result per trajectory, in their order. */
  scoreGroup(context: GroupContext<Options>): GroupResult | Promise<GroupResult>
}

/** A reward of unknown options, as the registry and custom modules hold it. */
export interface Reward {
  name: string
  version: string
  description: string
  /** Where it was defined, for messages about it. */
  place: Place | null
  /** It compares the rollouts of a task, so it is scored when they have all ended. */
  isGroup: boolean
  /** Parses options; throws a ZodError on bad ones, a UsageError for an unknown inner reward. */
  bind(options: unknown, resolve?: ResolveReward): BoundReward
}

export interface BoundReward {
  name: string
  version: string
  options: Json
  optionsHash: string
  place: Place | null
  /** Whether it looks at the invocations of a trajectory, and at what is in them. */
  seesTurns: boolean
  score(task: RewardTask, trajectory: Trajectory, tools?: RewardTools): Promise<RewardResult>
  /** In place of `score` for a group reward. */
  scoreGroup?: (task: RewardTask, trajectories: Trajectory[], tools?: RewardTools) => Promise<GroupResult>
}

/** Errors raised: UsageError, naming file and line, when a field is missing or of another type. */
export function defineReward<Options>(definition: RewardDefinition<Options>): Reward {
  const place = callerOf(defineReward)
  checkDefinition(definition, 'defineReward', 'score', place)
  const { name, version, description } = definition
  function bind(options: unknown, resolve: ResolveReward = noRegistry): BoundReward {
    const parsed = definition.options.parse(options ?? {})
    const inner = (definition.inner?.(parsed) ?? []).map((entry) => resolve(entry))
    const group = inner.find((one) => one.scoreGroup)
    if (group)
      throw new UsageError(`reward ${name}: ${group.name} compares a group and cannot be part of another`)
    const seesTurns = definition.sees !== 'answer' || inner.some((one) => one.seesTurns)
    const parts = inner.map((one) => `${one.name}@${one.version}`).join(',')
    return {
      name,
      version: parts === '' ? version : `${version}(${parts})`,
      options: parsed as Json,
      optionsHash: hashOf(parsed),
      place,
      seesTurns,
      async score(task, trajectory, tools = {}) {
        const seen = seesTurns ? trajectory : withoutTurns(trajectory, name)
        return await definition.score({ task, trajectory: seen, options: parsed, tools, inner, resolve })
      },
    }
  }
  return { name, version, description, place, isGroup: false, bind }
}

/** A reward that compares the rollouts of a task. Errors raised: as `defineReward`. */
export function defineGroupReward<Options>(definition: GroupRewardDefinition<Options>): Reward {
  const place = callerOf(defineGroupReward)
  checkDefinition(definition, 'defineGroupReward', 'scoreGroup', place)
  const { name, version, description } = definition
  function bind(options: unknown): BoundReward {
    const parsed = definition.options.parse(options ?? {})
    return {
      name,
      version,
      options: parsed as Json,
      optionsHash: hashOf(parsed),
      place,
      seesTurns: true,
      async score() {
        throw new UsageError(
          `reward ${name} compares a group: it is scored when all rollouts of a task have ended`,
        )
      },
      async scoreGroup(task, trajectories, tools = {}) {
        return await definition.scoreGroup({ task, trajectories, options: parsed, tools })
      },
    }
  }
  return { name, version, description, place, isGroup: true, bind }
}

/** The same without its tree; who looks for it all the same is told. */
function withoutTurns(trajectory: Trajectory, name: string): Trajectory {
  const get = (): never => {
    throw new TypeError(`reward ${name} says sees: 'answer' but looks at the turns; leave "sees" out`)
  }
  // Not enumerable: a composed reward hands the copy on, and it is copied again.
  const hidden = { get, enumerable: false }
  return Object.defineProperties({ ...trajectory }, { invocations: hidden, lostCalls: hidden })
}

function noRegistry({ name }: RewardEntry): never {
  throw new UsageError(`reward ${name} is part of another: bind that one with bindReward`)
}
