// Token ids and logprobs as each engine is asked for them and sends them. Nothing is made up: what an
// engine did not send is null, a logprob that it did not have is NaN.
//   vllm      return_token_ids: `token_ids` of the choice, `prompt_token_ids` of the root or the choice
//   sglang    return_meta_info: `meta_info.output_token_logprobs` = [[logprob, id, text], …] of the choice
//   llamacpp  logprobs: every entry of `logprobs.content` has an `id`; no prompt ids
import { z } from 'zod'
import type { ModelConfig, TokenStyle } from '../run-file.ts'
import type { TokenData } from './model.ts'

export function tokenStyle(tokens: ModelConfig['tokens']): TokenStyle | null {
  if (tokens === true) return 'vllm'
  return tokens === undefined || tokens === false ? null : tokens
}

/** The request fields that make an engine send its token data. */
export const tokenFields: Record<TokenStyle, Record<string, unknown>> = {
  vllm: { logprobs: true, top_logprobs: 0, return_token_ids: true },
  sglang: {
    logprobs: true,
    return_token_ids: true,
    return_prompt_token_ids: true,
    return_meta_info: true,
  },
  llamacpp: { logprobs: true, top_logprobs: 0 },
}

const ids = z.array(z.number().int()).nullish()

/** The fields of a choice that hold token data; they are taken out of what is kept as extras. */
export const choiceTokenSchema = {
  token_ids: ids,
  prompt_token_ids: ids,
  logprobs: z
    .looseObject({
      content: z.array(z.looseObject({ logprob: z.number().nullish(), id: z.number().nullish() })).nullish(),
    })
    .nullish(),
  meta_info: z
    .looseObject({
      output_token_logprobs: z
        .array(z.tuple([z.number().nullable(), z.number().int()]).rest(z.unknown()))
        .nullish(),
      input_token_ids: ids,
      weight_version: z.union([z.string(), z.number()]).nullish(),
    })
    .nullish(),
}

const choice = z.object(choiceTokenSchema)
export type ChoiceTokens = z.infer<typeof choice>

/** What vLLM writes for a logprob that it does not have. */
const missingLogprob = -9999

export interface ReadTokens {
  tokens: TokenData | null
  /** Why logprobs that came were not taken. */
  problem: string | null
}

export function readTokens(from: ChoiceTokens, promptOfRoot: number[] | null | undefined): ReadTokens {
  const sampled = from.meta_info?.output_token_logprobs
  const entries = from.logprobs?.content
  const withIds = entries?.length && entries.every((entry) => typeof entry.id === 'number') ? entries : null
  const completion =
    from.token_ids ?? sampled?.map(([, id]) => id) ?? withIds?.map((entry) => entry.id ?? 0) ?? null
  const logprobs =
    sampled?.map(([logprob]) => logprob) ?? entries?.map((entry) => entry.logprob ?? null) ?? null
  const prompt = from.prompt_token_ids ?? promptOfRoot ?? from.meta_info?.input_token_ids ?? null
  if (!completion && !prompt) return { tokens: null, problem: null }
  const fits = logprobs !== null && completion !== null && logprobs.length === completion.length
  return {
    tokens: {
      source: 'engine',
      prompt: prompt ? Int32Array.from(prompt) : null,
      completion: completion ? Int32Array.from(completion) : null,
      logprobs: fits ? Float32Array.from(logprobs, realLogprob) : null,
    },
    problem:
      logprobs && completion && !fits
        ? `${logprobs.length} logprobs came with ${completion.length} token ids; the logprobs were dropped`
        : null,
  }
}

function realLogprob(value: number | null): number {
  return value === null || value <= missingLogprob ? Number.NaN : value
}
