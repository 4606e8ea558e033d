// `auto`: the reward that fits the task: by `metadata.answerType` (`numeric`, `set`, `text`) when it is
// given, else by the gold answer (a number, a list, anything else).
import { z } from 'zod'
import { defineReward } from '../src/reward.ts'
import type { RewardTask } from '../src/reward.ts'
import { scoreExact } from './exact.ts'
import { goldOf, notAnswered } from './gold.ts'
import type { Gold } from './gold.ts'
import { scoreNumeric, toleranceShape } from './numeric.ts'
import { scoreSetF1 } from './set-f1.ts'

type Choice = 'exact' | 'numeric' | 'set_f1'

const byType = new Map<unknown, Choice>([
  ['numeric', 'numeric'],
  ['set', 'set_f1'],
  ['text', 'exact'],
])

function choose(task: RewardTask, gold: Gold): Choice {
  const stated = byType.get(task.metadata['answerType'])
  if (stated) return stated
  if (typeof gold === 'number') return 'numeric'
  return Array.isArray(gold) ? 'set_f1' : 'exact'
}

export const auto = defineReward({
  name: 'auto',
  version: '1',
  description: 'exact, numeric or set_f1, by the answer type of the task.',
  options: z.strictObject(toleranceShape),
  score: (context) => {
    const { task, trajectory, options } = context
    const gold = goldOf(context)
    const choice = choose(task, gold)
    const { answer } = trajectory
    if (answer === null) return { ...notAnswered, details: { ...notAnswered.details, by: choice } }
    const { value, details } =
      choice === 'numeric'
        ? scoreNumeric(gold, answer, task.id, { ...options, wholeOnly: false })
        : choice === 'set_f1'
          ? scoreSetF1(gold, answer, task.id, 1)
          : scoreExact(gold, answer, task.id)
    return { value, details: { by: choice, ...details } }
  },
})
