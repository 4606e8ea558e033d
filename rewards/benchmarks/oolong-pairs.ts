// OOLONG-Pairs (`oolong_pairs`): F1 over unordered pairs of user ids, written `(1, 2)`, or bare `1, 2`
// when there is no bracketed pair at all. What stands in <think> does not count.
import { z } from 'zod'
import type { Json } from '../../src/json.ts'
import { defineReward } from '../../src/reward.ts'
import { badGold, goldOf, notAnswered } from '../gold.ts'
import type { Gold } from '../gold.ts'

export interface PairScore {
  precision: number
  recall: number
  f1: number
}

export function readPairs(text: string): Set<string> {
  const visible = text.replaceAll(/<think>.*?<\/think>/gs, '')
  const bracketed = [...visible.matchAll(/\(\s*(\d+)\s*,\s*(\d+)\s*\)/g)]
  const found = bracketed.length > 0 ? bracketed : [...visible.matchAll(/(\d+)\s*,\s*(\d+)/g)]
  return new Set(found.map(([, a = '', b = '']) => pair(a, b)))
}

function pair(a: string, b: string): string {
  const [low, high] = [BigInt(a), BigInt(b)].toSorted((x, y) => (x < y ? -1 : 1))
  return `(${low}, ${high})`
}

export function scorePairs(predicted: string, gold: Set<string>): PairScore {
  const given = readPairs(predicted)
  if (given.size === 0) return { precision: 0, recall: 0, f1: gold.size === 0 ? 1 : 0 }
  const hits = [...given].filter((one) => gold.has(one)).length
  const precision = hits / given.size
  const recall = gold.size === 0 ? 0 : hits / gold.size
  return { precision, recall, f1: hits === 0 ? 0 : (2 * precision * recall) / (precision + recall) }
}

/** A list of texts `(1, 2)` or of number pairs, or one text of them. */
export function goldPairs(gold: Gold, taskId: string): Set<string> {
  if (typeof gold === 'string') return readPairs(gold)
  if (!Array.isArray(gold)) throw badGold(taskId, 'a list of pairs such as "(1, 2)"')
  const texts = gold.map((item) => pairText(item))
  if (texts.includes(null)) throw badGold(taskId, 'a list of pairs such as "(1, 2)"')
  return new Set(texts.flatMap((text) => [...readPairs(text ?? '')]))
}

function pairText(item: Json): string | null {
  if (typeof item === 'string') return item
  return Array.isArray(item) && item.length === 2
    ? `(${item.map((id) => JSON.stringify(id).replaceAll('"', '')).join(', ')})`
    : null
}

export const oolongPairs = defineReward({
  name: 'oolong_pairs',
  version: '1',
  description: 'F1 over unordered pairs of user ids, as OOLONG-Pairs is scored.',
  sees: 'answer',
  options: z.strictObject({}),
  score: (context) => {
    const wanted = goldPairs(goldOf(context), context.task.id)
    const { answer } = context.trajectory
    if (answer === null) return notAnswered
    const { precision, recall, f1 } = scorePairs(answer, wanted)
    return { value: f1, details: { precision, recall, pairs: wanted.size } }
  },
})
