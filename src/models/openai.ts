// The adapter for everything that speaks the OpenAI chat protocol: vLLM, SGLang, llama.cpp, Ollama,
// OpenRouter, OpenAI. Unknown request fields pass through `sampling.extra`.
import OpenAI from 'openai'
import { UsageError } from '../errors.ts'
import { environmentValue } from '../env.ts'
import type { ModelConfig } from '../run-file.ts'
import { classifyFailure } from './classify.ts'
import { parseCompletion } from './completion.ts'
import type { Model, ModelRequest, ModelResponse } from './model.ts'
import { costOf } from './prices.ts'
import { withRetries } from './retry.ts'
import { assembleStream } from './stream.ts'

const defaultBaseUrl = 'https://api.openai.com/v1'

/** Errors raised: UsageError when the key's variable is not set. */
export function createOpenAIModel(config: ModelConfig): Model {
  const baseURL = config.baseUrl ?? defaultBaseUrl
  const endpoint = new URL(baseURL).origin + new URL(baseURL).pathname
  const client = new OpenAI({
    baseURL,
    apiKey: apiKeyFor(config),
    organization: null,
    project: null,
    maxRetries: 0,
    timeout: (config.timeoutSeconds ?? 600) * 1000,
    logLevel: 'off',
  })
  const maxAttempts = config.maxAttempts ?? 6

  async function request(body: Record<string, unknown>, signal: AbortSignal): Promise<unknown> {
    if (!config.stream) {
      return await client.post('/chat/completions', { body, signal })
    }
    const stream = await client.chat.completions.create(
      {
        ...body,
        stream: true,
        stream_options: { include_usage: true },
      } as unknown as OpenAI.ChatCompletionCreateParamsStreaming,
      { signal },
    )
    return await assembleStream(stream)
  }

  return {
    name: config.name,
    provider: 'openai',
    scripted: false,
    async complete(modelRequest, signal): Promise<ModelResponse> {
      const body = requestBody(config, modelRequest)
      const { value, attempts } = await withRetries(
        async () => parseCompletion(await request(body, signal), config.name),
        (thrown) => classifyFailure(thrown, endpoint),
        signal,
        { maxAttempts },
      )
      return { ...value, ...costOf(value, config.prices), attempts }
    },
    async check(signal) {
      // Servers without a model list answer 404, which is answer enough.
      const { error } = await client
        .get('/models', { signal, timeout: 15_000 })
        .then(() => ({ error: null }))
        .catch((thrown: unknown) => classifyFailure(thrown, endpoint))
      signal.throwIfAborted()
      if (error && ['unauthorized', 'unreachable', 'timeout'].includes(error.code)) throw error
    },
  }
}

function apiKeyFor(config: ModelConfig): string {
  const variable = config.apiKeyEnv ?? (config.baseUrl ? null : 'OPENAI_API_KEY')
  // A local server needs no key; the client library insists on one.
  if (variable === null) return 'none'
  const key = environmentValue(variable)
  if (!key)
    throw new UsageError(
      `model ${config.name}: the environment variable ${variable} is not set; set it to the API key`,
    )
  return key
}

export function requestBody(config: ModelConfig, request: ModelRequest): Record<string, unknown> {
  const { sampling } = request
  const body: Record<string, unknown> = {
    model: config.name,
    messages: request.messages,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    max_tokens: sampling.maxTokens,
    stop: sampling.stop,
    seed: sampling.seed,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    ...(request.wantTokens ? { logprobs: true, return_token_ids: true } : {}),
    ...sampling.extra,
  }
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
}
