// Embeddings of texts by any server that speaks the OpenAI protocol (vLLM, llama.cpp, text-embeddings-inference,
// OpenAI): what a scorer compares texts by meaning with.
import { z } from 'zod'
import { ModelError, UsageError } from '../errors.ts'
import type { ModelConfig } from '../run-file.ts'
import { redactor } from './adapter.ts'
import { classifyFailure } from './classify.ts'
import { apiKeyFor, defaultBaseUrl, openClient } from './openai.ts'
import { costOf } from './prices.ts'
import { withRetries } from './retry.ts'

export interface Embeddings {
  model: string
  /** One for each text, in their order, all of one length. */
  vectors: number[][]
  inputTokens: number | null
  costUsd: number | null
  latencyMs: number
  attempts: number
}

const answerSchema = z.object({
  model: z.string().optional(),
  data: z.array(z.object({ index: z.number().int(), embedding: z.array(z.number()) })),
  usage: z.object({ prompt_tokens: z.number() }).nullish(),
})

/**
 * One request for all texts. Errors raised: UsageError when the provider is not `openai` or its key is not set;
 * ModelError when the server fails or its answer is not one vector for each text.
 */
export async function embed(config: ModelConfig, texts: string[], signal: AbortSignal): Promise<Embeddings> {
  if (config.provider !== 'openai') {
    throw new UsageError(
      `model ${config.name}: embeddings come from provider openai (any server with /v1/embeddings), not ${config.provider}`,
    )
  }
  const baseURL = config.baseUrl ?? defaultBaseUrl
  const key = apiKeyFor(config)
  const { patientFetch } = await import('./patient-fetch.ts')
  const timeout = (config.timeoutSeconds ?? 600) * 1000
  const client = await openClient({ baseURL, apiKey: key, fetch: patientFetch, timeout })
  const started = performance.now()
  async function ask(): Promise<z.output<typeof answerSchema>> {
    const body = { model: config.name, input: texts, encoding_format: 'float' }
    const answer: unknown = await client
      .post('/embeddings', { body, signal })
      .catch((thrown: unknown) => Promise.reject(classifyFailure(thrown, baseURL, redactor(key))))
    const parsed = answerSchema.safeParse(answer)
    const indexes = new Set(parsed.data?.data.map(({ index }) => index))
    const lengths = new Set(parsed.data?.data.map(({ embedding }) => embedding.length))
    if (parsed.success && indexes.size === texts.length && lengths.size === 1 && !lengths.has(0))
      return parsed.data
    const message = `${baseURL} did not answer with one embedding for each of ${texts.length} texts`
    throw new ModelError('bad_response', message)
  }
  const { value, attempts } = await withRetries(ask, signal, { maxAttempts: config.maxAttempts ?? 4 })
  const inputTokens = value.usage?.prompt_tokens ?? null
  const usage =
    inputTokens === null ? null : { inputTokens, outputTokens: 0, cachedTokens: 0, reasoningTokens: 0 }
  return {
    model: value.model ?? config.name,
    vectors: value.data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => embedding),
    inputTokens,
    costUsd: costOf({ usage, costUsd: null, costSource: 'none' }, config.prices).costUsd,
    latencyMs: performance.now() - started,
    attempts,
  }
}
