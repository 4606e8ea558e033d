// The adapter for everything that speaks the OpenAI chat protocol: vLLM, SGLang, llama.cpp, Ollama,
// OpenRouter, OpenAI. Unknown request fields pass through `sampling.extra`.
import OpenAI from 'openai'
import { UsageError } from '../errors.ts'
import { environmentValue } from '../env.ts'
import type { ModelConfig } from '../run-file.ts'
import { redactor, type Adapter } from './adapter.ts'
import { classifyFailure } from './classify.ts'
import { patientFetch, post } from './patient-fetch.ts'

export const defaultBaseUrl = 'https://api.openai.com/v1'

/** Errors raised: UsageError when the key's variable is not set. */
export function createOpenAIAdapter(config: ModelConfig): Adapter {
  const baseURL = config.baseUrl ?? defaultBaseUrl
  const { origin, pathname } = new URL(baseURL)
  const endpoint = `${origin}${pathname}`.replace(/\/+$/, '')
  const key = apiKeyFor(config)
  const client = new OpenAI({
    baseURL,
    // A local server needs no key; the client library insists on one.
    apiKey: key || 'none',
    organization: null,
    project: null,
    maxRetries: 0,
    fetch: patientFetch,
    // The time limit of a request is kept by its signal.
    timeout: 2 ** 31 - 1,
    logLevel: 'off',
  })

  // The library says where a request goes and with which headers, once: building each anew costs more
  // than sending it.
  let prepared: Promise<{ url: string; headers: Record<string, string> }> | null = null
  async function address() {
    prepared ??= client
      .buildRequest({ method: 'post', path: '/chat/completions', body: {} })
      .then(({ url, req }) => ({ url, headers: Object.fromEntries(new Headers(req.headers)) }))
    return await prepared
  }

  return {
    provider: 'openai',
    endpoint,
    key,
    async send(body, signal) {
      const { url, headers } = await address()
      return await post(url, { headers, body: JSON.stringify(body), signal })
    },
    async check(signal) {
      // Servers without a model list answer 404, which is answer enough.
      const error = await client
        .get('/models', { signal, timeout: 15_000 })
        .then(() => null)
        .catch((thrown: unknown) => classifyFailure(thrown, endpoint, redactor(key)))
      signal.throwIfAborted()
      if (error && ['unauthorized', 'unreachable', 'connection_lost', 'timeout'].includes(error.code))
        throw error
    },
  }
}

/** Errors raised: UsageError when the key's variable is not set. */
export function apiKeyFor(config: ModelConfig): string {
  const variable = config.apiKeyEnv ?? (config.baseUrl ? null : 'OPENAI_API_KEY')
  if (variable === null) return ''
  const key = environmentValue(variable)
  if (!key)
    throw new UsageError(
      `model ${config.name}: the environment variable ${variable} is not set; set it to the API key`,
    )
  return key
}
