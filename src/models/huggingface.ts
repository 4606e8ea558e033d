// The adapter for Hugging Face: its router of inference providers, or an endpoint of one's own.
import { InferenceClient } from '@huggingface/inference'
import { UsageError } from '../errors.ts'
import { environmentValue } from '../env.ts'
import type { ModelConfig } from '../run-file.ts'
import { classifyFailure } from './classify.ts'
import { parseCompletion } from './completion.ts'
import type { Model, ModelResponse } from './model.ts'
import { requestBody } from './openai.ts'
import { costOf } from './prices.ts'
import { withRetries } from './retry.ts'
import { assembleStream } from './stream.ts'

/**
 * `name` is a model id; `name:provider` picks the provider as the Hub writes it. Without `apiKeyEnv`
 * the key is `HF_TOKEN`. Errors raised: UsageError when the key's variable is not set.
 */
export function createHuggingFaceModel(config: ModelConfig): Model {
  const variable = config.apiKeyEnv ?? 'HF_TOKEN'
  const token = environmentValue(variable)
  if (!token && !(config.baseUrl && !config.apiKeyEnv)) {
    throw new UsageError(
      `model ${config.name}: the environment variable ${variable} is not set; set it to a Hugging Face token`,
    )
  }
  const client = new InferenceClient(token, config.baseUrl ? { endpointUrl: config.baseUrl } : {})
  const endpoint = config.baseUrl ?? 'the Hugging Face router'
  const timeoutMs = (config.timeoutSeconds ?? 600) * 1000

  async function request(body: Record<string, unknown>, signal: AbortSignal): Promise<unknown> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    // The library's argument type is a closed list; unknown fields pass through it all the same.
    const args = body as unknown as Parameters<typeof client.chatCompletion>[0]
    if (!config.stream) return await client.chatCompletion(args, { signal: bounded, retry_on_error: false })
    const stream = client.chatCompletionStream(
      { ...args, stream_options: { include_usage: true } },
      { signal: bounded, retry_on_error: false },
    )
    return await assembleStream(stream)
  }

  return {
    name: config.name,
    provider: 'huggingface',
    scripted: false,
    async complete(modelRequest, signal): Promise<ModelResponse> {
      const body = requestBody(config, modelRequest)
      const { value, attempts } = await withRetries(
        async () => parseCompletion(await request(body, signal), config.name),
        (thrown) => classifyFailure(thrown, endpoint),
        signal,
        { maxAttempts: config.maxAttempts ?? 6 },
      )
      return { ...value, ...costOf(value, config.prices), attempts }
    },
    async check(signal) {
      signal.throwIfAborted()
      if (!config.baseUrl) return
      const failure = await fetch(config.baseUrl, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]),
      })
        .then(() => null)
        .catch((thrown: unknown) => classifyFailure(thrown, endpoint).error)
      if (failure) throw failure
    },
  }
}
