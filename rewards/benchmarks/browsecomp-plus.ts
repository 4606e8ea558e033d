// BrowseComp-Plus: reading the verdict of its judge, and `browsecomp_plus`, a stand-in without a judge:
// the text after "Exact Answer:" and the gold, letters and digits only, equal or one within the other.
import { z } from 'zod'
import { defineReward } from '../../src/reward.ts'
import { alternatives, goldOf, notAnswered } from '../gold.ts'
import { strip } from '../python/text.ts'

export interface Verdict {
  extracted_final_answer: string | null
  reasoning: string | null
  correct: boolean | null
  /** Percent, at most 100. */
  confidence: number | null
  parse_error: boolean
}

/** The first of `**name:** x`, `**name**: x` and `name: x` that fits. */
function field(text: string, name: string, value: string, plainValue = value): string | null {
  const forms: [string, string][] = [
    [String.raw`\*\*${name}:\*\*\s*`, value],
    [String.raw`\*\*${name}\*\*:\s*`, value],
    [String.raw`${name}:\s*`, plainValue],
  ]
  for (const [head, tail] of forms) {
    const found = new RegExp(head + tail, 'is').exec(text)
    if (found) return found[1] ?? ''
  }
  return null
}

/** Errors raised: none; `parse_error` when there is no verdict. */
export function parseJudgeResponse(text: string): Verdict {
  const line = String.raw`(.*?)(?=\n|$)`
  const toBold = String.raw`(.*?)(?=\n\*\*correct:\*\*|\n\*\*correct\*\*:|\ncorrect:|$)`
  const toPlain = String.raw`(.*?)(?=\ncorrect:|$)`
  const answer = field(text, 'extracted_final_answer', line)
  const reasoning = field(text, 'reasoning', toBold, toPlain)
  const correct = field(text, 'correct', '(yes|no)')
  const confidence = field(text, 'confidence', String.raw`(\d+(?:\.\d+)?)\s*%?`)
  return {
    extracted_final_answer: answer === null ? null : strip(answer),
    reasoning: reasoning === null ? null : strip(reasoning),
    correct: correct === null ? null : correct.toLowerCase() === 'yes',
    confidence: confidence === null ? null : Math.min(100, Number(confidence)),
    parse_error: correct === null,
  }
}

const plain = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()

/** What stands after the last "Exact Answer:", else the whole answer. */
export function exactAnswer(answer: string): string {
  return [...answer.matchAll(/exact answer\W*:\W*(.*)/gi)].at(-1)?.[1] ?? answer
}

export const browsecompPlus = defineReward({
  name: 'browsecomp_plus',
  version: '1',
  description:
    'BrowseComp-Plus without its judge: the "Exact Answer:" line equals or contains the gold, or the reverse.',
  sees: 'answer',
  options: z.strictObject({}),
  score: (context) => {
    const golds = alternatives(goldOf(context), context.task.id).map(plain)
    const { answer } = context.trajectory
    if (answer === null) return notAnswered
    const given = plain(exactAnswer(answer))
    const isRight = given !== '' && golds.some((gold) => hasWords(given, gold) || hasWords(gold, given))
    return { value: isRight ? 1 : 0, details: { read: given.slice(0, 200) } }
  },
})

const hasWords = (text: string, part: string): boolean => part !== '' && ` ${text} `.includes(` ${part} `)
