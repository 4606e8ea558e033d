// `browsecomp_plus_judge`: BrowseComp-Plus as it is graded officially, by a language model whose verdict has the
// fields that `parseJudgeResponse` reads. The wording of the request is our own; a person who wants the official
// one byte for byte gives its text as `template`. A judge that fails or gives no verdict is an error.
import { z } from 'zod'
import { DescentError } from '../../src/errors.ts'
import type { Json } from '../../src/json.ts'
import { samplingSchema } from '../../src/models/model.ts'
import { defineReward } from '../../src/reward.ts'
import type { RewardTask } from '../../src/reward.ts'
import { modelConfigSchema } from '../../src/run-file.ts'
import { alternatives, goldOf, notAnswered } from '../gold.ts'
import { openJudge, recorded } from '../judge/judge.ts'
import { parseJudgeResponse } from './browsecomp-plus.ts'

const places = ['{question}', '{response}', '{correct_answer}'] as const

const ownTemplate = `A question was put to a research assistant. Compare its response with the correct answer and with nothing else: do not answer the question yourself, and do not defend another answer.

[question]: {question}

[response]: {response}

[correct_answer]: {correct_answer}

Reply with these four lines, each beginning with its name:

extracted_final_answer: the one final answer that the response commits itself to, or None when there is none
reasoning: whether that answer means the same as the correct answer, and what differs if it does not; other wording and more detail are no difference, a contradiction or a missing part is
correct: yes or no; a number may differ by a rounding error
confidence: the confidence that the response states, as a percentage; 100 when it states none`

const templateSchema = z
  .string()
  .refine(
    (text) => places.every((place) => text.includes(place)),
    `must have the places ${places.join(', ')}`,
  )

export const browsecompPlusJudge = defineReward({
  name: 'browsecomp_plus_judge',
  version: '1',
  description: 'BrowseComp-Plus by a judge model: 1 when its verdict says that the answer is correct.',
  options: z.strictObject({
    model: modelConfigSchema,
    sampling: samplingSchema
      .default({ temperature: 0.7, topP: 0.8, topK: 20, maxTokens: 4096 })
      .meta({ description: 'That of the official evaluation (Qwen3-32B) by default.' }),
    template: templateSchema.default(ownTemplate),
  }),
  async score(context) {
    const { task, trajectory, options, tools } = context
    const gold = alternatives(goldOf(context), task.id).join('; ')
    const { answer } = trajectory
    if (answer === null) return notAnswered
    const content = fill(options.template, {
      question: questionOf(task),
      response: answer,
      correct_answer: gold,
    })
    const call = await openJudge(tools, options.model).ask([{ role: 'user', content }], options.sampling, 0)
    const verdict = parseJudgeResponse(withoutThoughts(call.text))
    if (verdict.correct === null) {
      const shown = JSON.stringify(call.text.slice(0, 200))
      throw new DescentError(
        'reward',
        'judge_reply',
        `the judge replied ${shown}; expected "correct: yes" or "no"`,
      )
    }
    return {
      value: verdict.correct ? 1 : 0,
      details: {
        verdict: { ...verdict },
        citations: citationFigures(answer, task.metadata['evidence_docids']),
        ...recorded([call]),
      },
    }
  },
})

/** All places at once: what is put in is not looked at again. */
function fill(template: string, values: Record<string, string>): string {
  return template.replaceAll(
    /\{(question|response|correct_answer)\}/g,
    (place, name: string) => values[name] ?? place,
  )
}

/** The query without the form of the answer that its prompt asks for. */
function questionOf({ prompt, metadata }: RewardTask): string {
  const { question } = metadata
  return typeof question === 'string' ? question : prompt
}

/** What stands before the end of a reasoning block is no verdict. */
function withoutThoughts(text: string): string {
  return text.split('</think>').at(-1) ?? text
}

/** The numbers in square brackets, ASCII or fullwidth, each once. */
export function citedIds(answer: string): string[] {
  const groups = [...answer.matchAll(/\[([^[\]]*)\]|【([^【】]*)】/g)]
  return [...new Set(groups.flatMap(([, square, wide]) => (square ?? wide ?? '').match(/\d+/g) ?? []))]
}

/** Precision and recall of the cited ids against those that the benchmark holds relevant; null when unknown. */
export function citationFigures(answer: string, relevant: Json | undefined): Json {
  if (!Array.isArray(relevant)) return null
  const [cited, wanted] = [citedIds(answer), new Set(relevant.map(String))]
  const common = cited.filter((id) => wanted.has(id)).length
  return {
    cited: cited.length,
    relevant: relevant.length,
    precision: cited.length === 0 ? 0 : common / cited.length,
    recall: cited.length === 0 || relevant.length === 0 ? 0 : common / relevant.length,
  }
}
