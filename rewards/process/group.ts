// Rewards that compare the rollouts of one task. `length_penalty`: prime-rl's linear penalty. For output
// tokens, input tokens and turns, each: used / the group's most; times its weight, summed; times the mean
// reward of the group, so that nothing is punished while nothing is solved. The value is the penalty with a
// minus sign: added to the reward with weight 1, it gives prime-rl's shaped reward.
// `group_efficiency`: for turns, sub-calls, tokens and dollars, each: the least that a rollout which reached
// `solvedAt` used, over what this one used; the mean of them. Rollouts that did not reach it score 0.
// Source: PrimeIntellect-ai/prime-rl, docs/algorithms.md ("length penalty") and its grpo algorithm.
import { z } from 'zod'
import { defineGroupReward } from '../../src/reward.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { subCalls } from './tree.ts'

const own = new Set(['length_penalty', 'group_efficiency', 'group_judge'])

/** The weighted sum of the scores that compare nothing; null when there is none, or one has no value. */
export function rewardOf({ scores }: Trajectory, names?: readonly string[]): number | null {
  const counted = scores.filter(({ reward }) => (names ? names.includes(reward) : !own.has(reward)))
  const newest = new Map(counted.map((score) => [score.reward, score]))
  if (newest.size === 0) return null
  let sum = 0
  for (const { value, weight } of newest.values()) {
    if (value === null) return null
    sum += weight * value
  }
  return sum
}

function turnsOf({ invocations }: Trajectory): number {
  return invocations.reduce((sum, { turns }) => sum + turns.length, 0)
}

const rewardNames = z
  .array(z.string())
  .min(1)
  .optional()
  .meta({ description: 'Which scores are the reward; default: all that compare no group.' })

export const lengthPenalty = defineGroupReward({
  name: 'length_penalty',
  version: '1',
  description: "prime-rl's linear length penalty over a group, as a value to be added to the reward.",
  options: z.strictObject({
    outputTokens: z.number().min(0).default(0.25),
    inputTokens: z.number().min(0).default(0.1),
    turns: z.number().min(0).default(0.1),
    of: rewardNames,
  }),
  scoreGroup: ({ trajectories, options }) => {
    const rewards = trajectories.map((one) => rewardOf(one, options.of))
    const known = rewards.filter((value) => value !== null)
    if (known.length === 0) return trajectories.map(() => null)
    const passRate = known.reduce((sum, value) => sum + value, 0) / known.length
    const used = trajectories.map((one) => ({
      outputTokens: one.usage.outputTokens,
      inputTokens: one.usage.inputTokens,
      turns: turnsOf(one),
    }))
    const names = ['outputTokens', 'inputTokens', 'turns'] as const
    // Only rollouts that have a reward are in the group that prime-rl sees.
    const counted = used.filter((_, index) => rewards[index] !== null)
    const most = Object.fromEntries(
      names.map((name) => [name, Math.max(1, ...counted.map((one) => one[name]))]),
    )
    return used.map((one, index) => {
      if (rewards[index] === null) return null
      const share = names.reduce((sum, name) => sum + (options[name] * one[name]) / (most[name] ?? 1), 0)
      return { value: -passRate * share || 0, details: { passRate, share, ...one } }
    })
  },
})

export const groupEfficiency = defineGroupReward({
  name: 'group_efficiency',
  version: '1',
  description: "The thrift of a rollout against the group's best that solved the task.",
  options: z.strictObject({ solvedAt: z.number().default(1), of: rewardNames }),
  scoreGroup: ({ trajectories, options }) => {
    const used = trajectories.map((one) => ({
      turns: turnsOf(one),
      subCalls: subCalls(one).length,
      tokens: one.usage.inputTokens + one.usage.outputTokens,
      dollars: one.usage.costUsd,
    }))
    const rewards = trajectories.map((one) => rewardOf(one, options.of))
    const solved = used.filter((_, index) => (rewards[index] ?? -Infinity) >= options.solvedAt)
    return used.map((one, index) => {
      const reward = rewards[index] ?? null
      if (reward === null) return null
      if (reward < options.solvedAt) return { value: 0, details: { solved: false, ...one } }
      const shares = (['turns', 'subCalls', 'tokens', 'dollars'] as const).flatMap((name) => {
        const mine = one[name]
        if (mine === null) return []
        const least = Math.min(...solved.map((other) => other[name] ?? Infinity))
        return [mine <= least ? 1 : least / mine]
      })
      const value = shares.reduce((sum, share) => sum + share, 0) / shares.length
      return { value, details: { solved: true, ...one } }
    })
  },
})
