// Reads a chat completion as servers really send it: only `choices` is required, unknown fields are
// kept, and an answer without text is told apart by why it has none.
import { z } from 'zod'
import { ModelError } from '../errors.ts'
import type { Json } from '../json.ts'
import { choiceTokenSchema, readTokens } from './engine-tokens.ts'
import type { ModelResponse, Usage } from './model.ts'

const messageSchema = z.looseObject({
  content: z
    .union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))])
    .nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
  refusal: z.string().nullish(),
  tool_calls: z.array(z.unknown()).nullish(),
})

const choiceSchema = z.looseObject({
  message: messageSchema.nullish(),
  finish_reason: z.string().nullish(),
  ...choiceTokenSchema,
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
  prompt_token_ids: choiceTokenSchema.prompt_token_ids,
})

export type ParsedResponse = Omit<ModelResponse, 'attempts' | 'costSource'> & {
  costSource: 'provider' | 'none'
}

/** Errors raised: ModelError `bad_response` when there is no choice in it. */
export function parseCompletion(body: unknown, requestedModel: string): ParsedResponse {
  const parsed = completionSchema.safeParse(body)
  const choice = parsed.data?.choices[0]
  if (!parsed.success || !choice)
    throw new ModelError('bad_response', problemOf(body, parsed.error), { retryable: true, status: 200 })
  const { id, model, choices: _c, usage, prompt_token_ids: promptIds, ...rest } = parsed.data
  const { message, finish_reason, token_ids, prompt_token_ids, logprobs, meta_info, ...choiceRest } = choice
  const { content, reasoning_content, reasoning, ...messageRest } = message ?? {}
  const { output_token_logprobs: _o, input_token_ids: _i, ...metaRest } = meta_info ?? {}
  const { tokens, problem } = readTokens({ token_ids, prompt_token_ids, logprobs, meta_info }, promptIds)
  const cost = usage?.cost ?? null
  const text = typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('')
  return {
    text,
    reasoning: reasoning_content ?? reasoning ?? null,
    finishReason: finish_reason ?? null,
    usage: usage ? readUsage(usage) : null,
    costUsd: cost,
    costSource: cost === null ? 'none' : 'provider',
    tokens,
    requestId: id ?? null,
    model: model ?? requestedModel,
    policyVersion: meta_info?.weight_version?.toString() ?? null,
    raw: withoutEmpty({
      ...rest,
      ...(usage ? { usage } : {}),
      choice: withoutEmpty({ ...choiceRest, meta_info: withoutEmpty(metaRest) }),
      message: withoutEmpty(messageRest),
      tokenProblem: problem,
      noText: text === '' ? whyNoText(message) : null,
    }),
  }
}

/** Why an answer has no text; stored as `noText`. */
function whyNoText(message: z.infer<typeof messageSchema> | null | undefined): string {
  if (message?.tool_calls?.length) return 'tool_calls'
  if (message?.refusal) return 'refusal'
  if (message?.reasoning_content || message?.reasoning) return 'reasoning_only'
  return message?.content === null || message?.content === undefined ? 'null_content' : 'empty'
}

function problemOf(body: unknown, error: z.ZodError | undefined): string {
  const isObject = typeof body === 'object' && body !== null
  if (!isObject || !('choices' in body)) return 'the answer is not a chat completion (no "choices")'
  const issue = error?.issues[0]
  return issue
    ? `the answer is not a chat completion (${issue.path.join('.')}: ${issue.message})`
    : 'the answer has no choice'
}

function readUsage(usage: z.infer<typeof usageSchema>): Usage {
  return {
    inputTokens: usage.prompt_tokens ?? 0,
    outputTokens: usage.completion_tokens ?? 0,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  }
}

function withoutEmpty(fields: Record<string, unknown>): Record<string, Json> {
  const kept = Object.entries(fields).filter(([key, value]) => {
    if (value === null || value === undefined || key === 'object' || key === 'role') return false
    return typeof value !== 'object' || Object.keys(value).length > 0
  })
  return Object.fromEntries(kept) as Record<string, Json>
}
