// `token_f1`: F1 over the words of answer and gold, each as often as it is said; best over the golds.
import { z } from 'zod'
import { defineReward } from '../../src/reward.ts'
import { bagF1 } from '../benchmarks/longbench.ts'
import { alternatives, goldOf, notAnswered } from '../gold.ts'
import { tokens } from './tokens.ts'

export const tokenF1 = defineReward({
  name: 'token_f1',
  version: '1',
  description: 'F1 over the words of the answer and of the gold, best over a list of golds.',
  sees: 'answer',
  options: z.strictObject({}),
  score: (context) => {
    const golds = alternatives(goldOf(context), context.task.id)
    const { answer } = context.trajectory
    if (answer === null) return notAnswered
    const given = tokens(answer)
    return { value: Math.max(...golds.map((gold) => bagF1(given, tokens(gold)))) }
  },
})
