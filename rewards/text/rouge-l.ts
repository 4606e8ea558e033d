// `rouge_l`: the F of the longest common subsequence of words, best over the golds. (LongBench's own
// variant is the reward `longbench`.) `edit_similarity`: one minus the edit distance over the longer
// length. Both cost the product of the two lengths, so only the first part of a very long answer counts.
import { z } from 'zod'
import { defineReward } from '../../src/reward.ts'
import { alternatives, goldOf, notAnswered } from '../gold.ts'
import { normalize } from '../normalize.ts'
import { tokens } from './tokens.ts'

export function commonLength(a: readonly string[], b: readonly string[]): number {
  const row = new Uint32Array(b.length + 1)
  for (const word of a) {
    let diagonal = 0
    for (let j = 1; j <= b.length; j += 1) {
      const above = row[j] ?? 0
      row[j] = word === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1] ?? 0)
      diagonal = above
    }
  }
  return row[b.length] ?? 0
}

/** Insertions, deletions and substitutions of code points, each one. */
export function editDistance(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)]
  const row = Uint32Array.from({ length: right.length + 1 }, (_, index) => index)
  for (const [i, character] of left.entries()) {
    let diagonal = row[0] ?? 0
    row[0] = i + 1
    for (let j = 1; j <= right.length; j += 1) {
      const above = row[j] ?? 0
      const change = diagonal + (character === right[j - 1] ? 0 : 1)
      row[j] = Math.min(change, above + 1, (row[j - 1] ?? 0) + 1)
      diagonal = above
    }
  }
  return row[right.length] ?? 0
}

export const rougeLReward = defineReward({
  name: 'rouge_l',
  version: '1',
  description: 'ROUGE-L F over normalised words, best over a list of golds.',
  sees: 'answer',
  options: z.strictObject({ maxWords: z.number().int().positive().default(4000) }),
  score: (context) => {
    const golds = alternatives(goldOf(context), context.task.id)
    const { answer } = context.trajectory
    if (answer === null) return notAnswered
    const given = tokens(answer).slice(0, context.options.maxWords)
    const values = golds.map((gold) => {
      const wanted = tokens(gold)
      return given.length + wanted.length === 0
        ? 1
        : (2 * commonLength(given, wanted)) / (given.length + wanted.length)
    })
    return { value: Math.max(...values), details: { words: given.length } }
  },
})

export const editSimilarity = defineReward({
  name: 'edit_similarity',
  version: '1',
  description: 'One minus the edit distance over the longer length, best over a list of golds.',
  sees: 'answer',
  options: z.strictObject({ maxCharacters: z.number().int().positive().default(8000) }),
  score: (context) => {
    const golds = alternatives(goldOf(context), context.task.id)
    const { answer } = context.trajectory
    if (answer === null) return notAnswered
    const given = normalize(answer).slice(0, context.options.maxCharacters)
    const values = golds.map((gold) => {
      const wanted = normalize(gold)
      const longer = Math.max(Array.from(given).length, Array.from(wanted).length)
      return longer === 0 ? 1 : 1 - editDistance(given, wanted) / longer
    })
    return { value: Math.max(...values) }
  },
})
