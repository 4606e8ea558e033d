// `exact`: the answer equals the gold answer after the shared normalisation. `contains`: the gold
// answer stands in it as whole words.
import { z } from 'zod'
import { defineReward } from '../src/reward.ts'
import type { RewardResult } from '../src/reward.ts'
import { alternatives, goldOf, notAnswered } from './gold.ts'
import type { Gold } from './gold.ts'
import { normalize } from './normalize.ts'

/** 1 when the answer equals the gold text, or one of a list of them; else 0. */
export function scoreExact(gold: Gold, answer: string, taskId: string): RewardResult {
  const given = normalize(answer)
  const isRight = alternatives(gold, taskId).some((text) => normalize(text) === given)
  return { value: isRight ? 1 : 0, details: { normalized: given.slice(0, 200) } }
}

export const exact = defineReward({
  name: 'exact',
  version: '1',
  description: 'The answer equals the gold answer (or one of a list) after normalisation.',
  sees: 'answer',
  options: z.strictObject({}),
  score: (context) => {
    const gold = goldOf(context)
    const { answer } = context.trajectory
    return answer === null ? notAnswered : scoreExact(gold, answer, context.task.id)
  },
})

export const contains = defineReward({
  name: 'contains',
  version: '1',
  description:
    'The gold answer occurs in the answer as whole words after normalisation. Of a list any one is enough, or with `all` the value is the share that occurs.',
  sees: 'answer',
  options: z.strictObject({
    all: z.boolean().default(false),
    maxCharacters: z.number().int().positive().default(2000).meta({
      description: 'A longer answer scores 0: reciting everything is no answer.',
    }),
  }),
  score: (context) => {
    const wanted = alternatives(goldOf(context), context.task.id).map(normalize)
    const { answer } = context.trajectory
    const { all, maxCharacters } = context.options
    if (answer === null) return notAnswered
    if (answer.length > maxCharacters) return { value: 0, details: { tooLong: answer.length } }
    const given = normalize(answer)
    const found = wanted.filter((text) => hasWords(given, text)).length
    return { value: all ? found / wanted.length : Math.min(1, found), details: { found, of: wanted.length } }
  },
})

/** Whether `words` stands in `text` without a letter or digit right before or after it. */
function hasWords(text: string, words: string): boolean {
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
    const before = text.slice(0, at)
    const after = text.slice(at + words.length)
    if (!/[\p{L}\p{N}]$/u.test(before) && !/^[\p{L}\p{N}]/u.test(after)) return true
  }
  return false
}
