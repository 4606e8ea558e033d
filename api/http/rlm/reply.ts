// The end of a rollout as an OpenAI client expects it: a chat completion, whole or as chunks, with the usage
// of the whole tree. Source of the shapes: the OpenAI API reference, "Chat completions".
import { z } from 'zod'
import type { Asked } from '../../../collectors/open-run.ts'
import type { RolloutEnd } from '../../../collectors/rollout.ts'
import { stopReasonSchema } from '../../../src/trajectory.ts'
import { HttpProblem } from '../problem.ts'
import type { RlmRequest } from './request.ts'

export const trajectoryHeader = 'x-descent-trajectory'

const placeSchema = z
  .object({
    runId: z.string(),
    trajectoryId: z.string(),
    stopReason: stopReasonSchema.optional(),
    costUsd: z.number().nullable().optional(),
    ignored: z.array(z.string()).optional().meta({
      description:
        'Fields of the request that have no effect: sampling and limits are those of the run file.',
    }),
  })
  .meta({ id: 'RlmPlace', description: 'Where the rollout is recorded; absent from proxied answers.' })

/** Loose: an answer that is passed on is that of the server behind, as it is. */
export const completionSchema = z
  .looseObject({
    id: z.string().optional(),
    object: z.string().optional(),
    created: z.number().optional(),
    model: z.string().optional(),
    choices: z.array(z.looseObject({})).optional(),
    usage: z.looseObject({}).nullish(),
    descent: placeSchema.optional(),
  })
  .meta({ id: 'ChatCompletion', description: 'As OpenAI has it.' })

export interface Exchange {
  model: string
  request: RlmRequest
  asked: Asked & { runId: string }
  /** Seconds of Unix time. */
  created: number
}

type FinishReason = 'stop' | 'length'

/** Errors raised: HttpProblem for a rollout that a server or the sandbox has failed. */
export function completionOf(exchange: Exchange, end: RolloutEnd) {
  throwFailure(end)
  const message = { role: 'assistant', content: end.answer ?? '', refusal: null }
  return {
    ...headOf(exchange, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(end) }],
    usage: usageOf(end),
    descent: placeOf(exchange, end),
  }
}

/** The chunks of an answer, without the `[DONE]` after them. */
export function* endChunks(exchange: Exchange, end: RolloutEnd): Generator<object> {
  throwFailure(end)
  const head = headOf(exchange, 'chat.completion.chunk')
  const chunk = (delta: object, finish: FinishReason | null) => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  })
  if (end.answer) yield chunk({ content: end.answer }, null)
  yield { ...chunk({}, finishReason(end)), descent: placeOf(exchange, end) }
  if (exchange.request.includeUsage) yield { ...head, choices: [], usage: usageOf(end) }
}

export function firstChunk(exchange: Exchange): object {
  const { runId, trajectoryId } = exchange.asked
  return {
    ...headOf(exchange, 'chat.completion.chunk'),
    choices: [{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }],
    descent: { runId, trajectoryId },
  }
}

function headOf({ model, asked, created }: Exchange, object: string) {
  return { id: `chatcmpl-${asked.trajectoryId}`, object, created, model }
}

function placeOf(
  { asked, request }: Exchange,
  { stopReason, usage }: RolloutEnd,
): z.output<typeof placeSchema> {
  const { runId, trajectoryId } = asked
  return { runId, trajectoryId, stopReason, costUsd: usage.costUsd, ignored: request.ignored }
}

/** A limit cuts an answer short, or leaves none. */
function finishReason({ stopReason }: RolloutEnd): FinishReason {
  return stopReason === 'answered' ? 'stop' : 'length'
}

function usageOf({ usage: { inputTokens, outputTokens } }: RolloutEnd) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  }
}

/** A client that tried again by itself would pay for another rollout. */
const noRetry = { 'x-should-retry': 'false' }

function throwFailure({ stopReason, error }: RolloutEnd): void {
  if (stopReason === 'cancelled')
    throw new HttpProblem(503, 'cancelled', 'The server is stopping: the rollout was cancelled.', noRetry)
  if (stopReason !== 'model_error' && stopReason !== 'sandbox_error') return
  const status = stopReason === 'model_error' ? 502 : 500
  const message = error?.message ?? 'no reason was given'
  throw new HttpProblem(
    status,
    error?.code ?? stopReason,
    `The rollout failed (${stopReason}): ${message}`,
    noRetry,
  )
}
