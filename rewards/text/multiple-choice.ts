// `multiple_choice`: the letter that the answer chooses. Read in this order: the answer is the letter alone
// (brackets and marks around it do not count); the last "answer is X", "answer: X", "option X"; the only
// letter in brackets; the text of exactly one choice, when the task names them in metadata.choices.
import { z } from 'zod'
import { defineReward } from '../../src/reward.ts'
import type { RewardTask } from '../../src/reward.ts'
import { badGold, goldOf, notAnswered } from '../gold.ts'
import { normalize, normalizeSpace } from '../normalize.ts'

export function readChoice(answer: string, letters: string, choices: readonly string[] = []): string | null {
  const alone = normalize(answer).toUpperCase()
  if (alone.length === 1 && letters.includes(alone)) return alone
  const plain = normalizeSpace(answer).replaceAll('*', '')
  const stated = new RegExp(
    String.raw`\b(?:answer|choice|option)\b(?: is| ?[:=])? ?["'(\[]*([${letters}])(?![\p{L}\p{N}'])`,
    'giu',
  )
  const said = [...plain.matchAll(stated)].at(-1)?.[1]
  if (said !== undefined) return said.toUpperCase()
  const bracketed = new Set(
    [...plain.matchAll(new RegExp(String.raw`\(([${letters}])\)`, 'g'))].map(([, one]) => one),
  )
  const [only] = bracketed
  if (bracketed.size === 1 && only !== undefined) return only
  const leading = new RegExp(String.raw`^([${letters}])[.):] `).exec(plain)?.[1]
  if (leading !== undefined) return leading
  const given = normalize(answer)
  const equal = choices.flatMap((text, index) => (normalize(text) === given ? [letters[index]] : []))
  return equal.length === 1 ? (equal[0] ?? null) : null
}

function choicesOf({ metadata }: RewardTask): string[] {
  const { choices } = metadata
  return Array.isArray(choices) ? choices.map(String) : []
}

export const multipleChoice = defineReward({
  name: 'multiple_choice',
  version: '1',
  description: 'The letter that the answer chooses is the gold letter.',
  sees: 'answer',
  options: z.strictObject({
    letters: z
      .string()
      .regex(/^[A-Z]{2,26}$/, 'capital letters, such as ABCD')
      .default('ABCD'),
  }),
  score: (context) => {
    const { task, trajectory, options } = context
    const gold = goldOf(context)
    const wanted = typeof gold === 'string' ? readChoice(gold, options.letters, choicesOf(task)) : null
    if (wanted === null) throw badGold(task.id, `one of the letters ${options.letters}`)
    if (trajectory.answer === null) return notAnswered
    const read = readChoice(trajectory.answer, options.letters, choicesOf(task))
    return { value: read === wanted ? 1 : 0, details: { read } }
  },
})
