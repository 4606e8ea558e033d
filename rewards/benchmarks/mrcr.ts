// MRCR: the wanted passage said again, compared by difflib's ratio. `mrcr` (OpenAI): the answer must begin
// with the prefix. `mrcr_v2` (Google DeepMind): what follows the last occurrence of the 12-character hash
// counts. The two pass their texts to difflib in opposite orders, which matters since it is not symmetric.
import { z } from 'zod'
import { defineReward } from '../../src/reward.ts'
import { sequenceRatio } from '../difflib.ts'
import { badGold, goldOf, notAnswered } from '../gold.ts'
import { strip } from '../python/text.ts'

const hashCharacters = 12

export function scoreMrcr(response: string, answer: string, prefix: string): number {
  if (!response.startsWith(prefix)) return 0
  const wanted = answer.startsWith(prefix) ? answer.slice(prefix.length) : answer
  return sequenceRatio(response.slice(prefix.length), wanted)
}

export function scoreMrcrV2(prediction: string, target: string): number {
  const characters = Array.from(strip(target))
  if (prediction === '' || characters.length < hashCharacters) return 0
  const hash = characters.slice(0, hashCharacters).join('')
  const wanted = strip(characters.slice(hashCharacters).join(''))
  const given = strip(prediction)
  const at = given.lastIndexOf(hash)
  return at < 0 ? 0 : sequenceRatio(wanted, strip(given.slice(at + hash.length)))
}

export const mrcr = defineReward({
  name: 'mrcr',
  version: '1',
  description: 'MRCR (OpenAI): the ratio to the wanted text; 0 unless it begins with the prefix.',
  sees: 'answer',
  options: z.strictObject({}),
  score: (context) => {
    const gold = goldOf(context)
    const { metadata, id } = context.task
    const prefix = metadata['random_string_to_prepend']
    if (typeof gold !== 'string') throw badGold(id, 'a text')
    if (typeof prefix !== 'string')
      throw badGold(id, 'complete: metadata.random_string_to_prepend is missing')
    const { answer } = context.trajectory
    return answer === null ? notAnswered : { value: scoreMrcr(answer, gold, prefix) }
  },
})

export const mrcrV2 = defineReward({
  name: 'mrcr_v2',
  version: '1',
  description: 'MRCR v2 (Google DeepMind): the ratio of what follows the last hash in the answer.',
  sees: 'answer',
  options: z.strictObject({}),
  score: (context) => {
    const gold = goldOf(context)
    if (typeof gold !== 'string') throw badGold(context.task.id, 'a text')
    const { answer } = context.trajectory
    return answer === null ? notAnswered : { value: scoreMrcrV2(answer, gold) }
  },
})
