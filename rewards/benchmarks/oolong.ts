// OOLONG-synth, as its evaluation scores it (`oolong`, abertsch72/oolong, eval_helpers.py) and as the
// RLM repository's training environment does (`oolong_training`). The two disagree on purpose: the
// official one takes what stands after the last colon and compares it case for case; the training one
// also finds a comparison anywhere, ignores case, and accepts any text that contains the gold. The
// latter can be gamed by reciting every label, so a run that trains on it should log both.
import { z } from 'zod'
import type { Json } from '../../src/json.ts'
import { defineReward } from '../../src/reward.ts'
import type { RewardTask } from '../../src/reward.ts'
import { badGold, goldOf, notAnswered } from '../gold.ts'
import type { Gold } from '../gold.ts'
import { parseDate } from '../python/dates.ts'
import type { ParsedDate } from '../python/dates.ts'
import { readLiteral } from '../python/literal.ts'
import { length, powerOfDistance, readInt, strip, words } from '../python/text.ts'

export type ParseConfidence = 'low' | 'med' | 'high' | 'vhigh'

export interface SynthScore {
  score: number
  attemptedParse: string
  confidence: ParseConfidence
}

/** A gold answer: what `str()` gives of it, its whole number if it is one, and its date. */
interface SynthGold {
  text: string
  int: bigint | null
  date: { year: number; month: number; day: number } | null
}

const dateGold = /^\[datetime\.date\((\d{4}),\s*(\d{1,2}),\s*(\d{1,2})\)\]$/
const noDate = { int: null, date: null }

function readGold(answer: string): SynthGold | null {
  if (answer.includes('datetime')) {
    const found = dateGold.exec(answer)
    if (!found) return null
    const [year = 0, month = 0, day = 0] = found.slice(1).map(Number)
    const pad = (value: number) => String(value).padStart(2, '0')
    return { text: `${year}-${pad(month)}-${pad(day)} 00:00:00`, int: null, date: { year, month, day } }
  }
  const literal = readLiteral(answer)
  const first = literal?.kind === 'list' ? literal.items[0] : undefined
  if (first === undefined) return null
  if (first.kind === 'int') return { text: first.text, int: first.value, date: null }
  if (first.kind === 'float') return { ...noDate, text: first.text, int: BigInt(Math.trunc(first.value)) }
  if (first.kind === 'text') return { ...noDate, text: first.value, int: readInt(first.value) }
  return { ...noDate, text: first.text }
}

function parseAnswer(output: string): { parse: string; confidence: ParseConfidence } {
  if (!output.includes(':')) return { parse: withoutColon(output), confidence: 'low' }
  const candidate = afterColon(output)
  const marked = ['User:', 'Answer:', 'Date:', 'Label'].some((mark) => output.includes(mark))
  if (length(candidate) < 20) return { parse: candidate, confidence: 'vhigh' }
  const phrase = phrases.find((one) => candidate.includes(one))
  return { parse: phrase ?? candidate, confidence: marked ? 'high' : 'med' }
}

const phrases = ['more common', 'less common', 'same frequency']

function withoutColon(output: string): string {
  return length(output) < 20 ? output : (words(output).at(-1) ?? '')
}

function afterColon(output: string): string {
  return strip(output.slice(output.lastIndexOf(':') + 1)).replaceAll(/[*[\]]/g, '')
}

/** The official score. `answer` is the data set's text, as `"['entity']"`. Null when that is malformed. */
export function scoreOolongSynth(answer: string, answerType: string, output: string): SynthScore | null {
  const gold = readGold(answer)
  if (gold === null) return null
  const { parse, confidence } = parseAnswer(output)
  const result = { score: 0, attemptedParse: parse, confidence }
  if (parse === gold.text) return { ...result, score: 1 }
  if (phrases.includes(parse)) return { ...result, score: gold.text.includes(parse) ? 1 : 0 }
  if (answerType === 'ANSWER_TYPE.NUMERIC') {
    const given = readInt(parse)
    if (given === null) return { ...result, confidence: 'low' }
    // The gold is read after the answer, so that a gold that is no number still shows what was parsed.
    if (gold.int === null) return { ...result, attemptedParse: String(given), confidence: 'low' }
    return { ...result, score: powerOfDistance(gold.int, given), attemptedParse: String(given) }
  }
  if (answerType === 'ANSWER_TYPE.DATE') {
    const given = parseDate(parse)
    if (given === null) return { ...result, confidence: 'low' }
    return { ...result, score: isDay(given, gold.date) ? 1 : 0, attemptedParse: dateText(given) ?? parse }
  }
  return result
}

function isDay(given: ParsedDate, gold: SynthGold['date']): boolean {
  const midnight = given.hour + given.minute + given.second + given.microsecond === 0 && !given.zoned
  return (
    midnight &&
    gold !== null &&
    given.year === gold.year &&
    given.month === gold.month &&
    given.day === gold.day
  )
}

/** Null for an incomplete date: the original would show the rest of the day on which it ran. */
function dateText(given: ParsedDate): string | null {
  const { year, month, day, hour, minute, second, microsecond } = given
  if (year === null || month === null || day === null || given.zoned) return null
  const pad = (value: number, size = 2) => String(value).padStart(size, '0')
  const fraction = microsecond === 0 ? '' : `.${pad(microsecond, 6)}`
  return `${pad(year, 4)}-${pad(month)}-${pad(day)} ${pad(hour)}:${pad(minute)}:${pad(second)}${fraction}`
}

const trainingPhrases = ['more common than', 'less common than', 'same frequency as']

/** The training environment's score; a gold that is no Python list counts as it is written. */
export function scoreOolongTraining(answer: string, answerType: string, output: string): number {
  const gold = readGold(answer) ?? { ...noDate, text: answer, int: readInt(answer) }
  const parse = parseForTraining(output)
  if (parse === gold.text || parse.toLowerCase() === gold.text.toLowerCase()) return 1
  if (answerType === 'ANSWER_TYPE.NUMERIC') {
    const given = readInt(parse)
    return given === null || gold.int === null ? 0 : powerOfDistance(gold.int, given)
  }
  if (answerType === 'ANSWER_TYPE.DATE') {
    const given = parseDate(parse)
    return given !== null && isDay(given, gold.date) ? 1 : 0
  }
  const wanted = gold.text.toLowerCase()
  if (wanted === '' || trainingPhrases.includes(wanted)) return 0
  return output.toLowerCase().includes(wanted) ? 1 : 0
}

function parseForTraining(output: string): string {
  const lower = output.toLowerCase()
  const found = trainingPhrases
    .map((phrase) => ({ phrase, at: lower.lastIndexOf(phrase) }))
    .filter(({ at }) => at >= 0)
    .toSorted((a, b) => b.at - a.at)
  if (found[0]) return found[0].phrase
  return output.includes(':') ? afterColon(output) : withoutColon(output)
}

/** The gold as the data set writes it; a task whose gold was already unpacked is written back. */
export function synthGoldText(gold: Gold, answerType: string, taskId: string): string {
  const value: Json = Array.isArray(gold) ? (gold[0] ?? null) : gold
  if (typeof value === 'number') return Number.isInteger(value) ? `[${value}]` : `['${value}']`
  if (typeof value !== 'string') throw badGold(taskId, 'a text or a number, alone or first in a list')
  if (!Array.isArray(gold) && value.startsWith('[')) return value
  const day = /^(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00:00)?$/.exec(value)
  if (answerType === 'ANSWER_TYPE.DATE' && day) {
    return `[datetime.date(${Number(day[1])}, ${Number(day[2])}, ${Number(day[3])})]`
  }
  return `[${JSON.stringify(value)}]`
}

/** `metadata.answer_type` (or `answerType`), with or without its `ANSWER_TYPE.`. */
export function answerTypeOf({ metadata }: RewardTask): string {
  const given = metadata['answer_type'] ?? metadata['answerType']
  const name = typeof given === 'string' ? given.toUpperCase() : ''
  return name === '' || name.startsWith('ANSWER_TYPE.') ? name : `ANSWER_TYPE.${name}`
}

export const oolong = defineReward({
  name: 'oolong',
  version: '1',
  description: 'OOLONG-synth as its official evaluation scores it; reads metadata.answer_type.',
  sees: 'answer',
  options: z.strictObject({}),
  score: (context) => {
    const { task, trajectory } = context
    const answerType = answerTypeOf(task)
    const gold = synthGoldText(goldOf(context), answerType, task.id)
    if (trajectory.answer === null) return notAnswered
    const scored = scoreOolongSynth(gold, answerType, trajectory.answer)
    if (scored === null) throw badGold(task.id, 'a Python list such as "[\'entity\']"')
    const { score, attemptedParse, confidence } = scored
    return { value: score, details: { attemptedParse: attemptedParse.slice(0, 200), confidence } }
  },
})

export const oolongTraining = defineReward({
  name: 'oolong_training',
  version: '1',
  description:
    "OOLONG-synth as the RLM repository's training scores it: looser; reciting all labels scores 1.",
  sees: 'answer',
  options: z.strictObject({}),
  score: (context) => {
    const { task, trajectory } = context
    const answerType = answerTypeOf(task)
    const gold = synthGoldText(goldOf(context), answerType, task.id)
    if (trajectory.answer === null) return notAnswered
    return { value: scoreOolongTraining(gold, answerType, trajectory.answer) }
  },
})
