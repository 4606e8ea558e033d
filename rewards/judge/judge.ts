// `judge`: a language model grades the answer by a rubric, several times when several votes are asked for.
// `group_judge`: one request grades all rollouts of a task against each other, as RULER of OpenPipe's ART
// does. The model is part of the options, so another judge is another score. Every request is kept in the
// details with its usage and cost. A judge that fails, or whose reply cannot be read, is an error.
import { z } from 'zod'
import { DescentError } from '../../src/errors.ts'
import type { Json } from '../../src/json.ts'
import { samplingSchema } from '../../src/models/model.ts'
import type { Sampling } from '../../src/models/model.ts'
import { defineGroupReward, defineReward } from '../../src/reward.ts'
import type { RewardTools, Judge, JudgeCall } from '../../src/reward-tools.ts'
import { modelConfigSchema } from '../../src/run-file.ts'
import type { ModelConfig } from '../../src/run-file.ts'
import { notAnswered } from '../gold.ts'
import { groupReplyFormat, readGroupVerdict, readVerdict, replyFormat } from './reply.ts'
import { groupMessages, isRubricName, judgeMessages, rubrics } from './rubrics.ts'

const rubricSchema = z
  .string()
  .min(1)
  .meta({ description: `One of ${Object.keys(rubrics).join(', ')}, or a rubric in your own words.` })

const shared = {
  model: modelConfigSchema,
  sampling: samplingSchema.default({ temperature: 0 }),
  structured: z.boolean().optional().meta({
    description: 'Have the server hold the reply to a JSON Schema (response_format); not every server can.',
  }),
}

/** What is asked of the server: the form of the reply, too, where it is to keep it. */
function samplingWith(
  { sampling, structured }: { sampling: Sampling; structured?: boolean | undefined },
  format: Json,
): Sampling {
  return structured ? { ...sampling, extra: { ...sampling.extra, response_format: format } } : sampling
}

function rubricText(rubric: string): string {
  return isRubricName(rubric) ? rubrics[rubric] : rubric
}

/** Errors raised: DescentError `no_judge`. */
export function openJudge(tools: RewardTools, config: ModelConfig): Judge {
  if (tools.judge) return tools.judge(config)
  throw new DescentError('reward', 'no_judge', 'this place offers no models to judge with; use descent score')
}

/** What is kept of the requests: who was asked, what it said, what it cost. */
export function recorded(calls: JudgeCall[]): Record<string, Json> {
  const costs = calls.map(({ costUsd, cached }) => (cached ? 0 : costUsd))
  return {
    costUsd: costs.every((cost) => cost !== null) ? costs.reduce((sum, cost) => sum + cost, 0) : null,
    calls: calls.map((call) => JSON.parse(JSON.stringify(call)) as Json),
  }
}

/** `mean`, `median` or `majority` (the commoner side of one half; a tie is a half). */
export function combineVotes(votes: number[], how: 'mean' | 'median' | 'majority'): number {
  const mean = votes.reduce((sum, vote) => sum + vote, 0) / votes.length
  if (how === 'mean') return mean
  if (how === 'majority') {
    const ayes = votes.filter((vote) => vote >= 0.5).length
    return ayes * 2 === votes.length ? 0.5 : Number(ayes * 2 > votes.length)
  }
  const sorted = votes.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2
}

export const judge = defineReward({
  name: 'judge',
  version: '1',
  description: 'A language model grades the answer by a rubric, with one vote or several.',
  options: z.strictObject({
    ...shared,
    rubric: rubricSchema.default('correct'),
    votes: z.number().int().min(1).max(25).default(1),
    combine: z.enum(['mean', 'median', 'majority']).default('mean'),
  }),
  async score({ task, trajectory, options, tools }) {
    const { answer } = trajectory
    if (answer === null) return notAnswered
    const model = openJudge(tools, options.model)
    const messages = judgeMessages(
      rubricText(options.rubric),
      { prompt: task.prompt, gold: task.answer },
      answer,
    )
    const asked = Array.from(
      { length: options.votes },
      async (_, seed) => await model.ask(messages, samplingWith(options, replyFormat), seed),
    )
    const calls = await Promise.all(asked)
    const verdicts = calls.map(({ text }) => readVerdict(text))
    const votes = verdicts.map(({ score }) => score)
    const reasons = verdicts.map(({ reason }) => reason ?? '')
    return { value: combineVotes(votes, options.combine), details: { votes, reasons, ...recorded(calls) } }
  },
})

export const groupJudge = defineGroupReward({
  name: 'group_judge',
  version: '1',
  description: 'A language model grades the rollouts of a task against each other.',
  options: z.strictObject({
    ...shared,
    rubric: rubricSchema.default('quality'),
    maxCharacters: z.number().int().positive().default(20_000).meta({
      description: 'What of each answer is shown; more is cut in the middle.',
    }),
  }),
  async scoreGroup({ task, trajectories, options, tools }) {
    const answered = trajectories.filter(({ answer }) => answer !== null)
    // Nothing to compare: a place in a group of one says nothing.
    if (answered.length < 2) return trajectories.map(({ answer }) => (answer === null ? notAnswered : null))
    const model = openJudge(tools, options.model)
    const texts = answered.map(({ answer }) => cut(answer ?? '', options.maxCharacters))
    const messages = groupMessages(
      rubricText(options.rubric),
      { prompt: task.prompt, gold: task.answer },
      texts,
    )
    const call = await model.ask(messages, samplingWith(options, groupReplyFormat), 0)
    const verdicts = readGroupVerdict(call.text, answered.length)
    // The one request is kept with the first rollout only, so that its cost is counted once.
    return trajectories.map((trajectory) => {
      const place = answered.indexOf(trajectory)
      const verdict = verdicts[place]
      if (!verdict) return notAnswered
      const kept = place === 0 ? recorded([call]) : { judgedWith: answered[0]?.id ?? '' }
      return { value: verdict.score, details: { reason: verdict.reason ?? '', ...kept } }
    })
  },
})

function cut(text: string, most: number): string {
  if (text.length <= most) return text
  const half = Math.floor(most / 2)
  return `${text.slice(0, half)}\n[… ${text.length - 2 * half} characters left out …]\n${text.slice(-half)}`
}
