// OOLONG-real (`oolong_real`): what stands in the first `\boxed{}` against the gold, by its type: whole
// numbers lose a quarter per step of distance, texts must be equal without case, of lists the share of
// the gold that was named counts (extras cost nothing). Without a box the answer stays a text.
import { z } from 'zod'
import { defineReward } from '../../src/reward.ts'
import { badGold, goldOf, notAnswered } from '../gold.ts'
import { powerOfDistance, readInt, strip } from '../python/text.ts'

type Parsed = bigint | string | string[]

function readAnswer(text: string): Parsed {
  const whole = readInt(text)
  if (whole !== null) return whole
  if (!text.includes(',')) return text
  return text
    .split(',')
    .map(strip)
    .filter((item) => item !== '')
}

export interface RealScore {
  score: number
  attemptedParse: Parsed
  confidence: 'low' | 'high'
}

export function scoreOolongReal(answer: string, output: string): RealScore {
  const gold = readAnswer(answer)
  const boxed = /\\boxed\{\\text\{([^}]*)\}\}/.exec(output) ?? /\\boxed\{+([^}]*)\}+/.exec(output)
  const given = boxed ? readAnswer(boxed[1] ?? '') : output
  const result = { attemptedParse: given, confidence: boxed ? ('high' as const) : ('low' as const) }
  return { ...result, score: compare(gold, given) }
}

function compare(gold: Parsed, given: Parsed): number {
  if (typeof gold === 'bigint') return typeof given === 'bigint' ? powerOfDistance(gold, given) : 0
  if (typeof gold === 'string') {
    return typeof given === 'string' && strip(gold).toLowerCase() === strip(given).toLowerCase() ? 1 : 0
  }
  if (!Array.isArray(given) || gold.length === 0) return 0
  const named = new Set(given)
  return [...new Set(gold)].filter((item) => named.has(item)).length / gold.length
}

export const oolongReal = defineReward({
  name: 'oolong_real',
  version: '1',
  description: 'OOLONG-real: the first \\boxed{} answer against the gold number, text or list.',
  sees: 'answer',
  options: z.strictObject({}),
  score: (context) => {
    const gold = goldOf(context)
    const { answer } = context.trajectory
    if (typeof gold === 'object') throw badGold(context.task.id, 'a text or a number')
    if (answer === null) return notAnswered
    const { score, attemptedParse, confidence } = scoreOolongReal(String(gold), answer)
    const parse = Array.isArray(attemptedParse) ? attemptedParse.join(', ') : String(attemptedParse)
    return { value: score, details: { attemptedParse: parse.slice(0, 200), confidence } }
  },
})
