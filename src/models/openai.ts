// The adapter for everything that speaks the OpenAI chat protocol: vLLM, SGLang, llama.cpp, Ollama,
// OpenRouter, OpenAI. Unknown request fields pass through `sampling.extra`.
import type OpenAI from 'openai'
import { UsageError } from '../errors.ts'
import { environmentValue } from '../env.ts'
import type { ModelConfig } from '../run-file.ts'
import { redactor, type Adapter } from './adapter.ts'
import { classifyFailure } from './classify.ts'

export const defaultBaseUrl = 'https://api.openai.com/v1'

/** Errors raised: UsageError when the key's variable is not set. */
export function createOpenAIAdapter(config: ModelConfig): Adapter {
  const baseURL = config.baseUrl ?? defaultBaseUrl
  const { origin, pathname } = new URL(baseURL)
  const endpoint = `${origin}${pathname}`.replace(/\/+$/, '')
  const key = apiKeyFor(config)
  // The library says where a request goes and with which headers, once: building each anew costs more
  // than sending it. It is loaded with the first request: most commands make none.
  let prepared: ReturnType<typeof prepare> | null = null
  async function prepare() {
    const { patientFetch, post } = await import('./patient-fetch.ts')
    const client = await openClient({
      baseURL,
      apiKey: key,
      fetch: patientFetch,
      // The time limit of a request is kept by its signal.
      timeout: 2 ** 31 - 1,
    })
    const { url, req } = await client.buildRequest({ method: 'post', path: '/chat/completions', body: {} })
    return { client, post, url, headers: Object.fromEntries(new Headers(req.headers)) }
  }

  return {
    provider: 'openai',
    endpoint,
    key,
    async send(body, signal) {
      const { post, url, headers } = await (prepared ??= prepare())
      return await post(url, { headers, body: JSON.stringify(body), signal })
    },
    async check(signal) {
      const { client } = await (prepared ??= prepare())
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

/** A client that takes nothing from the environment, retries nothing and logs nothing. */
export async function openClient({
  apiKey,
  ...options
}: Pick<NonNullable<ConstructorParameters<typeof OpenAI>[0]>, 'baseURL' | 'fetch' | 'timeout'> & {
  apiKey: string
}): Promise<OpenAI> {
  const { default: Client } = await import('openai')
  return new Client({
    // A local server needs no key; the client library insists on one.
    apiKey: apiKey || 'none',
    organization: null,
    project: null,
    maxRetries: 0,
    logLevel: 'off',
    ...options,
  })
}
