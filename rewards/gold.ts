// Gold answers: what a task says is right. A task without one cannot be scored, which is an error and
// not a 0; a trajectory without an answer is simply wrong.
import { DescentError } from '../src/errors.ts'
import type { Json } from '../src/json.ts'
import type { RewardContext, RewardResult } from '../src/reward.ts'

export type Gold = Exclude<Json, null>

/** Errors raised: DescentError `missing_gold`. */
export function goldOf({ task }: Pick<RewardContext<unknown>, 'task'>): Gold {
  if (task.answer === null || task.answer === undefined) {
    throw new DescentError('reward', 'missing_gold', `task ${task.id} has no gold answer to compare with`)
  }
  return task.answer
}

export function badGold(taskId: string, wanted: string): DescentError {
  return new DescentError('reward', 'bad_gold', `the gold answer of task ${taskId} is not ${wanted}`)
}

/** The texts of which any is right: a list of scalars means alternatives. Errors raised: `bad_gold`. */
export function alternatives(gold: Gold, taskId: string): string[] {
  const items = Array.isArray(gold) ? gold : [gold]
  const texts = items.filter((item) => ['string', 'number', 'boolean'].includes(typeof item)).map(String)
  if (texts.length === 0 || texts.length !== items.length) {
    throw badGold(taskId, 'a text, a number, true or false, or a list of these')
  }
  return texts
}

/** The score of a trajectory that gave no answer. */
export const notAnswered: RewardResult = { value: 0, details: { answered: false } }
