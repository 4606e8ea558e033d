// `grounded`: the share of the words of the answer that the rollout had read before it answered: in the
// output of a cell or in the answer of a sub-call. Words that the same cell spells out in its own code do
// not count as read from its output, so that printing a guess does not ground it. Words of the question,
// and words under three letters that are no number, are left out of the count.
import { z } from 'zod'
import { defineReward } from '../../src/reward.ts'
import { notAnswered } from '../gold.ts'
import { tokens } from '../text/tokens.ts'
import { allCells } from './tree.ts'

const isContent = (word: string): boolean => word.length >= 3 || /\p{N}/u.test(word)

export const grounded = defineReward({
  name: 'grounded',
  version: '1',
  description: 'The share of the words of the answer that stood in something the rollout read.',
  options: z.strictObject({}),
  score: ({ task, trajectory }) => {
    if (trajectory.answer === null) return notAnswered
    const asked = new Set(tokens(task.prompt))
    const wanted = new Set(tokens(trajectory.answer).filter((word) => isContent(word) && !asked.has(word)))
    if (wanted.size === 0) return { value: 1, details: { words: 0 } }
    const missing = new Set(wanted)
    for (const { code, stdout, calls } of allCells(trajectory)) {
      const said = new Set(tokens(code))
      for (const word of tokens(stdout)) if (!said.has(word)) missing.delete(word)
      for (const { response } of calls) for (const word of tokens(response.text ?? '')) missing.delete(word)
      if (missing.size === 0) break
    }
    const value = 1 - missing.size / wanted.size
    return { value, details: { words: wanted.size, missing: [...missing].slice(0, 20) } }
  },
})
