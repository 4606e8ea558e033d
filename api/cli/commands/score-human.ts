// `descent score --human ID`: a person's score is a row like any other, with an author and a reason. It does
// not count in the reward of the trajectory unless a weight is given. A later one of the same author takes
// its place, and both stay in the store.
import { UsageError } from '../../../src/errors.ts'
import { hashOf } from '../../../src/hash.ts'
import { newId } from '../../../src/ids.ts'
import type { Store } from '../../../src/store/contract.ts'
import { decimal } from '../numbers.ts'
import { printJson, say } from '../store-option.ts'

export interface HumanOptions {
  value?: string
  reason?: string
  author?: string
  weight?: string
  reward?: string[]
  json?: boolean
}

/** Errors raised: UsageError when a value or a reason is missing. */
export async function scoreByHand(
  store: Store,
  reference: string,
  given: HumanOptions,
  user: string,
): Promise<void> {
  if (given.value === undefined) throw new UsageError('score --human: give the score with --value')
  const reason = given.reason?.trim() ?? ''
  if (reason === '') throw new UsageError('score --human: say why with --reason')
  const value = decimal(given.value, '--value')
  const weight = given.weight === undefined ? 0 : decimal(given.weight, '--weight')
  const trajectoryId = await store.findTrajectory(reference)
  const { runId } = await store.readTrajectory(trajectoryId)
  const name = given.author ?? user
  const reward = given.reward?.[0] ?? 'human'
  const options = { author: name }
  const row = {
    id: newId(),
    runId,
    trajectoryId,
    reward,
    version: '1',
    options,
    optionsHash: hashOf(options),
    weight,
    value,
    details: { reason },
    author: `human:${name}`,
  }
  await store.addScores([row])
  if (given.json) printJson({ trajectoryId, reward, value, weight, author: row.author, reason })
  else say(`${row.author} gave trajectory ${trajectoryId} ${value} as "${reward}"`)
}
