// `numeric`: the number in the answer equals the gold number, within a tolerance.
//
// How a number is read, in this order:
// 1. The whole answer is a number: sign, digits (thousands commas only in their places), decimal point,
//    exponent; a currency sign before and a percent sign or thousand|million|billion|trillion after it
//    are allowed. A percent sign changes nothing: 45% is 45.
// 2. Else the answer may be a sentence, but all numbers in it must be the same one. Digits that touch
//    letters (H2O, Q3) or sit in dates and versions (2015-07-01, 1.2.3) make it unreadable or do not count.
// Nothing else is read: several different numbers, number words and roman numerals score 0.
import { z } from 'zod'
import { defineReward } from '../src/reward.ts'
import type { RewardResult } from '../src/reward.ts'
import { badGold, goldOf, notAnswered } from './gold.ts'
import type { Gold } from './gold.ts'
import { normalizeSpace } from './normalize.ts'

const digits = String.raw`[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?`
const scale = String.raw`(?: (thousand|million|billion|trillion))?`
const whole = new RegExp(String.raw`^["'*_\`(\[]*[$€£¥]?(${digits}) ?%?${scale}["'*_\`)\]]*[.]?$`, 'i')
const inside = new RegExp(String.raw`(?<![\p{L}\p{N}.,_])(${digits})${scale}(?![\p{L}\p{N}_]|[.,]\d)`, 'giu')

const scales: Record<string, number> = { thousand: 1e3, million: 1e6, billion: 1e9, trillion: 1e12 }

function valueOf(text: string, scaleName: string | undefined): number {
  return Number(text.replaceAll(',', '')) * (scales[scaleName?.toLowerCase() ?? ''] ?? 1)
}

/** The number that a text states, or null when it states none or several. */
export function readNumber(text: string, wholeOnly = false): number | null {
  const plain = normalizeSpace(text)
  const alone = whole.exec(plain)
  if (alone) return valueOf(alone[1] ?? '', alone[2])
  if (wholeOnly) return null
  const values = new Set([...plain.matchAll(inside)].map((found) => valueOf(found[1] ?? '', found[2])))
  const [value] = values
  return values.size === 1 && value !== undefined ? value : null
}

export const toleranceShape = {
  absolute: z.number().min(0).default(0).meta({ description: 'Allowed difference.' }),
  relative: z.number().min(0).default(0).meta({ description: 'Allowed difference as a share of the gold.' }),
}

export function scoreNumeric(
  gold: Gold,
  answer: string,
  taskId: string,
  options: { absolute: number; relative: number; wholeOnly: boolean },
): RewardResult {
  const wanted = typeof gold === 'number' ? gold : typeof gold === 'string' ? readNumber(gold, true) : null
  if (wanted === null) throw badGold(taskId, 'a number')
  const given = readNumber(answer, options.wholeOnly)
  if (given === null) return { value: 0, details: { read: null } }
  const difference = Math.abs(given - wanted)
  // A rounding error of the comparison itself (1.1 - 1.0 > 0.1) must not decide.
  const slack = 1e-12 * Math.max(Math.abs(wanted), Math.abs(given))
  const allowed = Math.max(options.absolute, options.relative * Math.abs(wanted)) + slack
  return { value: difference <= allowed ? 1 : 0, details: { read: given, difference } }
}

export const numeric = defineReward({
  name: 'numeric',
  version: '1',
  description: 'The one number in the answer equals the gold number within the tolerance.',
  sees: 'answer',
  options: z.strictObject({
    ...toleranceShape,
    wholeOnly: z.boolean().default(false).meta({ description: 'The answer must be the number alone.' }),
  }),
  score: (context) => {
    const gold = goldOf(context)
    const { answer } = context.trajectory
    return answer === null ? notAnswered : scoreNumeric(gold, answer, context.task.id, context.options)
  },
})
