// The contract of a model: one request in, one response out. Adapters parse what servers send
// leniently and lose nothing of it: what has no field of its own stays in `raw`.
import { z } from 'zod'
import type { Json } from '../json.ts'

export const messageSchema = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string(),
})
export type Message = z.infer<typeof messageSchema>

export const samplingSchema = z
  .strictObject({
    temperature: z.number().min(0).max(2).optional(),
    topP: z.number().gt(0).max(1).optional(),
    topK: z.number().int().optional(),
    maxTokens: z.number().int().positive().optional(),
    stop: z.array(z.string()).optional(),
    seed: z.number().int().optional(),
    presencePenalty: z.number().optional(),
    frequencyPenalty: z.number().optional(),
    /** Fields sent to the server as they are (`{"top_k": 20}`, `{"chat_template_kwargs": {…}}`). */
    extra: z.record(z.string(), z.json()).optional(),
  })
  .meta({ id: 'Sampling', description: 'Sampling parameters of a model call.' })
export type Sampling = z.infer<typeof samplingSchema>

/** Tokens and dollars of one call, or of many when summed. */
export interface Usage {
  inputTokens: number
  outputTokens: number
  /** Input tokens read from the server's cache; included in `inputTokens`. */
  cachedTokens: number
  /** Output tokens spent on reasoning; included in `outputTokens`. */
  reasoningTokens: number
}

export const noUsage: Usage = { inputTokens: 0, outputTokens: 0, cachedTokens: 0, reasoningTokens: 0 }

/**
 * Token data as the engine sampled it. Arrays: `prompt` int32[P], `completion` int32[C], `logprobs`
 * float32[C], where NaN stands for a logprob that the engine did not give.
 */
export interface TokenData {
  source: 'engine' | 'none'
  prompt: Int32Array | null
  completion: Int32Array | null
  logprobs: Float32Array | null
}

export interface ModelRequest {
  messages: Message[]
  sampling: Sampling
  /** Whether token ids and logprobs are of use; they are asked for where the model's `tokens` is set. */
  wantTokens: boolean
  /** For deterministic models: differs between rollouts, equal when a rollout is repeated. */
  seed: number
}

export interface ModelResponse {
  text: string
  reasoning: string | null
  finishReason: string | null
  /** `null` when the server reported none. */
  usage: Usage | null
  /** Dollars as the provider reported them, or computed from the prices of the run file. */
  costUsd: number | null
  /** `cache`: the answer came out of the response cache and cost nothing. */
  costSource: 'provider' | 'prices' | 'cache' | 'none'
  tokens: TokenData | null
  requestId: string | null
  /** The model name that the server says answered. */
  model: string
  /** Requests made, retries included; 0 when the answer came out of the response cache. */
  attempts: number
  /** Which weights answered, as the run file, its `policyVersionUrl` or the engine tells; null when none does. */
  policyVersion?: string | null
  /** Fields of the response that have no place above. */
  raw: Record<string, Json>
}

export interface Model {
  /** The name as the run file gives it; stored with every call. */
  readonly name: string
  readonly provider: string
  /** True when no language model is behind it; every row it makes is marked. */
  readonly scripted: boolean
  /** Errors raised: `ModelError` (classified, attempts counted); the signal's reason when aborted. */
  complete(request: ModelRequest, signal: AbortSignal): Promise<ModelResponse>
  /** Proves that the server answers and accepts the key; throws `ModelError` otherwise. */
  check(signal: AbortSignal): Promise<void>
}
