// `regex`: a pattern occurs in the answer, whose quotes, dashes and spaces were made plain. The pattern is
// an option, or else the gold answer.
import { z } from 'zod'
import { DescentError } from '../../src/errors.ts'
import { defineReward } from '../../src/reward.ts'
import { alternatives, goldOf, notAnswered } from '../gold.ts'
import { normalizeSpace } from '../normalize.ts'

const flagLetters = z.string().regex(/^[imsu]*$/, 'letters of i, m, s, u')

export const regex = defineReward({
  name: 'regex',
  version: '1',
  description: 'A pattern (an option, or the gold answer) occurs in the answer, or is the whole of it.',
  sees: 'answer',
  options: z
    .strictObject({
      pattern: z.string().min(1).optional(),
      flags: flagLetters.default('iu'),
      whole: z.boolean().default(false).meta({ description: 'The answer must be nothing but the match.' }),
      maxCharacters: z.number().int().positive().default(2000).meta({
        description: 'A longer answer scores 0, so that no pattern can run for ever on it.',
      }),
    })
    .refine(({ pattern, flags }) => pattern === undefined || compile(pattern, flags) !== null, {
      message: 'is not a regular expression',
      path: ['pattern'],
    }),
  score: (context) => {
    const { task, trajectory, options } = context
    const patterns =
      options.pattern === undefined ? alternatives(goldOf(context), task.id) : [options.pattern]
    if (trajectory.answer === null) return notAnswered
    const answer = normalizeSpace(trajectory.answer)
    if (answer.length > options.maxCharacters) return { value: 0, details: { tooLong: answer.length } }
    for (const pattern of patterns) {
      const compiled = compile(options.whole ? `^(?:${pattern})$` : pattern, options.flags)
      if (compiled === null) {
        throw new DescentError(
          'reward',
          'bad_gold',
          `the gold answer of task ${task.id} is not a regular expression`,
        )
      }
      const found = compiled.exec(answer)
      if (found) return { value: 1, details: { matched: found[0].slice(0, 200) } }
    }
    return { value: 0 }
  },
})

function compile(pattern: string, flags: string): RegExp | null {
  try {
    return new RegExp(pattern, flags)
  } catch {
    return null
  }
}
