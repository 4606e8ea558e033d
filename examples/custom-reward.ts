// A reward of one's own: name it in a run file by its path, `rewards: [./custom-reward.ts]`.
import { z } from 'zod'
import { defineReward } from 'descent'

export default defineReward({
  name: 'short_answer',
  version: '1',
  description: 'One for an answer of at most `words` words, falling to zero at twice as many.',
  options: z.strictObject({ words: z.number().int().positive().default(10) }),
  score({ trajectory, options }) {
    const words = (trajectory.answer ?? '').split(/\s+/).filter(Boolean).length
    return { value: Math.min(1, Math.max(0, 2 - words / options.words)), details: { words } }
  },
})
