// LongBench-v2 and its CodeQA subset (`longbench_v2`): the letter of "The correct answer is (X)". With
// `lenient`, as ports to RLMs do, an answer in other words is read too: "answer: X", else the first letter
// A to D that stands alone.
import { z } from 'zod'
import { defineReward } from '../../src/reward.ts'
import { badGold, goldOf, notAnswered } from '../gold.ts'

/** The official extraction; null when the sentence is not there. */
export function extractChoice(response: string): string | null {
  const plain = response.replaceAll('*', '')
  const found = /The correct answer is \(([A-D])\)/.exec(plain) ?? /The correct answer is ([A-D])/.exec(plain)
  return found?.[1] ?? null
}

export function extractChoiceLenient(response: string): string | null {
  const official = extractChoice(response)
  if (official !== null) return official
  const found =
    /answer\s*[:=]?\s*\(?([ABCD])\)?(?![A-Za-z])/i.exec(response) ??
    /(?<![\p{L}\p{N}])([A-D])(?![\p{L}\p{N}])/u.exec(response)
  return found?.[1]?.toUpperCase() ?? null
}

export const longbenchV2 = defineReward({
  name: 'longbench_v2',
  version: '1',
  description: 'LongBench-v2 and CodeQA: the letter of "The correct answer is (X)".',
  sees: 'answer',
  options: z.strictObject({
    lenient: z.boolean().default(true).meta({ description: 'Also read a bare letter, as ports to RLMs do.' }),
  }),
  score: (context) => {
    const gold = goldOf(context)
    if (typeof gold !== 'string' || !/^[A-D]$/.test(gold)) throw badGold(context.task.id, 'one of A, B, C, D')
    const { answer } = context.trajectory
    if (answer === null) return notAnswered
    const choice = context.options.lenient ? extractChoiceLenient(answer) : extractChoice(answer)
    return { value: choice === gold ? 1 : 0, details: { choice } }
  },
})
