// `efficiency`: how little of an allowance a rollout used, in [0, 1]. For turns, sub-calls and tokens of
// the whole tree, each: saved = 1 - min(1, used / allowance). The value is the mean of the three. It
// says nothing of the answer, so it belongs beside another reward with a small weight; without an
// answer it is 0, or doing nothing would be best.
import { z } from 'zod'
import { defineReward } from '../src/reward.ts'
import type { Trajectory } from '../src/trajectory.ts'

function used({ invocations, usage }: Trajectory) {
  const turns = invocations.flatMap((invocation) => invocation.turns)
  return {
    turns: turns.length,
    subCalls: turns.flatMap(({ cells }) => cells).reduce((sum, { calls }) => sum + calls.length, 0),
    tokens: usage.inputTokens + usage.outputTokens,
  }
}

export const efficiency = defineReward({
  name: 'efficiency',
  version: '1',
  description: 'The mean share of an allowance of turns, sub-calls and tokens that was left unused.',
  options: z.strictObject({
    turns: z.number().int().positive().default(20),
    subCalls: z.number().int().positive().default(100),
    tokens: z.number().int().positive().default(500_000),
  }),
  score: ({ trajectory, options }) => {
    const spent = used(trajectory)
    if (trajectory.answer === null) return { value: 0, details: { answered: false, ...spent } }
    const saved = (['turns', 'subCalls', 'tokens'] as const).map(
      (name) => 1 - Math.min(1, spent[name] / options[name]),
    )
    return { value: saved.reduce((sum, share) => sum + share, 0) / saved.length, details: spent }
  },
})
