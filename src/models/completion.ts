// Reads a chat completion as servers really send it: only `choices` is required, unknown fields are
// kept, token ids and logprobs are taken where an engine gives them (vLLM, SGLang).
import { z } from 'zod'
import { ModelError } from '../errors.ts'
import type { Json } from '../json.ts'
import type { ModelResponse, TokenData, Usage } from './model.ts'

const integers = z.array(z.number().int()).nullish()

const choiceSchema = z.looseObject({
  message: z
    .looseObject({
      content: z
        .union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))])
        .nullish(),
      reasoning_content: z.string().nullish(),
      reasoning: z.string().nullish(),
      refusal: z.string().nullish(),
    })
    .nullish(),
  finish_reason: z.string().nullish(),
  token_ids: integers,
  prompt_token_ids: integers,
  logprobs: z.looseObject({ content: z.array(z.looseObject({ logprob: z.number() })).nullish() }).nullish(),
})

const usageSchema = z.looseObject({
  prompt_tokens: z.number().nullish(),
  completion_tokens: z.number().nullish(),
  prompt_tokens_details: z.looseObject({ cached_tokens: z.number().nullish() }).nullish(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: z.number().nullish() }).nullish(),
  cost: z.number().nullish(),
})

const completionSchema = z.looseObject({
  id: z.string().nullish(),
  model: z.string().nullish(),
  choices: z.array(choiceSchema).min(1),
  usage: usageSchema.nullish(),
  prompt_token_ids: integers,
})

type ParsedResponse = Omit<ModelResponse, 'attempts' | 'costSource'> & { costSource: 'provider' | 'none' }

/** Errors raised: ModelError `bad_response` when there is no choice in it. */
export function parseCompletion(body: unknown, requestedModel: string): ParsedResponse {
  const parsed = completionSchema.safeParse(body)
  if (!parsed.success) {
    const message = errorMessageIn(body) ?? 'the answer is not a chat completion (no "choices")'
    throw new ModelError('bad_response', message, { retryable: true })
  }
  const { id, model, choices, usage, prompt_token_ids: promptIds, ...rest } = parsed.data
  const choice = choices[0]
  if (!choice) throw new ModelError('bad_response', 'the answer has no choice', { retryable: true })
  const { message, finish_reason, token_ids, prompt_token_ids, logprobs, ...choiceRest } = choice
  const { content, reasoning_content, reasoning, ...messageRest } = message ?? {}
  const cost = usage?.cost ?? null
  return {
    text: typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join(''),
    reasoning: reasoning_content ?? reasoning ?? null,
    finishReason: finish_reason ?? null,
    usage: usage ? readUsage(usage) : null,
    costUsd: cost,
    costSource: cost === null ? 'none' : 'provider',
    tokens: readTokens(
      prompt_token_ids ?? promptIds,
      token_ids,
      logprobs?.content?.map((entry) => entry.logprob),
    ),
    requestId: id ?? null,
    model: model ?? requestedModel,
    raw: withoutEmpty({
      ...rest,
      ...(usage ? { usage } : {}),
      choice: withoutEmpty(choiceRest),
      message: withoutEmpty(messageRest),
    }),
  }
}

function readUsage(usage: z.infer<typeof usageSchema>): Usage {
  return {
    inputTokens: usage.prompt_tokens ?? 0,
    outputTokens: usage.completion_tokens ?? 0,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  }
}

function readTokens(
  prompt: number[] | null | undefined,
  completion: number[] | null | undefined,
  logprobs: number[] | null | undefined,
): TokenData | null {
  if (!completion && !prompt) return null
  return {
    source: 'engine',
    prompt: prompt ? Int32Array.from(prompt) : null,
    completion: completion ? Int32Array.from(completion) : null,
    logprobs: logprobs ? Float32Array.from(logprobs) : null,
  }
}

function withoutEmpty(fields: Record<string, unknown>): Record<string, Json> {
  const kept = Object.entries(fields).filter(([key, value]) => {
    if (value === null || value === undefined || key === 'object' || key === 'role') return false
    return typeof value !== 'object' || Object.keys(value).length > 0
  })
  return Object.fromEntries(kept) as Record<string, Json>
}

function errorMessageIn(body: unknown): string | null {
  const shape = z
    .looseObject({ error: z.union([z.string(), z.looseObject({ message: z.string() })]) })
    .safeParse(body)
  if (!shape.success) return null
  return typeof shape.data.error === 'string' ? shape.data.error : shape.data.error.message
}
