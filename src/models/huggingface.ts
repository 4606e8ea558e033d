// The adapter for Hugging Face: its router of inference providers, or an endpoint of one's own. The
// library finds the provider's address and writes the request; the answer is read as from any server.
import type { InferenceClient } from '@huggingface/inference'
import { UsageError } from '../errors.ts'
import { environmentValue } from '../env.ts'
import type { ModelConfig } from '../run-file.ts'
import { redactor, type Adapter } from './adapter.ts'
import { classifyFailure } from './classify.ts'

/** Carries the answer past the library, which would read it in ways of its own. */
class Answered extends Error {
  readonly response: Response
  constructor(response: Response) {
    super('answered')
    this.response = response
  }
}

/**
 * `name` is a model id; `name:provider` picks the provider as the Hub writes it. Without `apiKeyEnv`
 * the key is `HF_TOKEN`. Errors raised: UsageError when the key's variable is not set.
 */
export function createHuggingFaceAdapter(config: ModelConfig): Adapter {
  const variable = config.apiKeyEnv ?? 'HF_TOKEN'
  const token = environmentValue(variable)
  if (!token && !(config.baseUrl && !config.apiKeyEnv)) {
    throw new UsageError(
      `model ${config.name}: the environment variable ${variable} is not set; set it to a Hugging Face token`,
    )
  }
  const endpoint = config.baseUrl?.replace(/\/+$/, '') ?? 'the Hugging Face router'
  const key = token ?? ''

  // Loaded with the first request: most commands make none.
  let opened: Promise<InferenceClient> | null = null
  async function open(): Promise<InferenceClient> {
    const { InferenceClient: Client } = await import('@huggingface/inference')
    return new Client(token, config.baseUrl ? { endpointUrl: config.baseUrl } : {})
  }

  async function capture(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const { patientFetch } = await import('./patient-fetch.ts')
    const response = await patientFetch(input, init)
    // The library also asks the Hub where a model is served; that answer is its own.
    if (init?.method === 'POST') throw new Answered(response)
    return response
  }

  return {
    provider: 'huggingface',
    endpoint,
    key,
    async send(body, signal) {
      // The library's argument type is a closed list; unknown fields pass through it all the same.
      const args = body as unknown as Parameters<InferenceClient['chatCompletion']>[0]
      const client = await (opened ??= open())
      try {
        await client.chatCompletion(args, { signal, retry_on_error: false, fetch: capture })
      } catch (thrown) {
        if (thrown instanceof Answered) return thrown.response
        throw thrown
      }
      throw new Error('the Hugging Face library made no request')
    },
    async check(signal) {
      signal.throwIfAborted()
      if (!config.baseUrl) return
      const failure = await fetch(config.baseUrl, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]),
      })
        .then(() => null)
        .catch((thrown: unknown) => classifyFailure(thrown, endpoint, redactor(key)))
      if (failure) throw failure
    },
  }
}
