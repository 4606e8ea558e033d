// `set_f1`: the answer as a set of items against the gold set.
//
// How an answer becomes a set: a JSON list is taken as it is; else the text is split at line breaks when
// it has several lines with items, else at semicolons, else at commas. Bullets, numbering and a leading
// "and" are taken off, items are normalised, empty ones dropped, and order and repetition do not count.
// "none", "[]" and an empty text are the empty set.
import { z } from 'zod'
import { defineReward } from '../src/reward.ts'
import type { RewardResult } from '../src/reward.ts'
import { alternatives, badGold, goldOf, notAnswered } from './gold.ts'
import type { Gold } from './gold.ts'
import { normalize } from './normalize.ts'

const shownItems = 50

export function readSet(text: string): Set<string> {
  const items = jsonItems(text) ?? splitItems(text)
  const normal = items.map(normalize).filter((item) => /[\p{L}\p{N}]/u.test(item))
  return new Set(normal.length === 1 && normal[0] === 'none' ? [] : normal)
}

function jsonItems(text: string): string[] | null {
  if (!text.trimStart().startsWith('[')) return null
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.map(itemText) : null
  } catch {
    return null
  }
}

function itemText(item: unknown): string {
  return typeof item === 'string' ? item : JSON.stringify(item)
}

function splitItems(text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const separator = lines.length > 1 ? null : text.includes(';') ? ';' : ','
  const items = separator === null ? lines : text.replace(/^\s*\[|\]\s*$/g, '').split(separator)
  return items.map((item) => item.replace(/^\s*(?:[-*•]\s+|\d+[.)]\s+)?(?:and\s+)?/i, ''))
}

export function scoreSetF1(gold: Gold, answer: string, taskId: string, beta: number): RewardResult {
  if (typeof gold === 'object' && !Array.isArray(gold)) throw badGold(taskId, 'a list of texts or numbers')
  const wanted = Array.isArray(gold)
    ? new Set(gold.length === 0 ? [] : alternatives(gold, taskId).map(normalize))
    : readSet(String(gold))
  const given = readSet(answer)
  const hits = [...given].filter((item) => wanted.has(item)).length
  const precision = given.size === 0 ? Number(wanted.size === 0) : hits / given.size
  const recall = wanted.size === 0 ? Number(given.size === 0) : hits / wanted.size
  const weighted = beta * beta * precision + recall
  const value = weighted === 0 ? 0 : ((1 + beta * beta) * precision * recall) / weighted
  return {
    value,
    details: {
      precision,
      recall,
      missing: [...wanted].filter((item) => !given.has(item)).slice(0, shownItems),
      extra: [...given].filter((item) => !wanted.has(item)).slice(0, shownItems),
    },
  }
}

export const setF1 = defineReward({
  name: 'set_f1',
  version: '1',
  description: 'F1 of the items of the answer (comma or newline separated) against the gold set.',
  sees: 'answer',
  options: z.strictObject({
    beta: z.number().positive().default(1).meta({ description: 'Above 1, recall weighs more.' }),
  }),
  score: (context) => {
    const gold = goldOf(context)
    const { answer } = context.trajectory
    return answer === null ? notAnswered : scoreSetF1(gold, answer, context.task.id, context.options.beta)
  },
})
