// A model behind a server: an adapter, with the turns of its server's scheduler, retries, time limits,
// prices, the policy version and the response cache around it.
import { UsageError } from '../errors.ts'
import { hashOf } from '../hash.ts'
import type { ModelConfig } from '../run-file.ts'
import { redactor, requestBody, type Adapter } from './adapter.ts'
import { readAnswer } from './answer.ts'
import { asHit, createDirectoryCache, defaultCacheDirectory, type ResponseCache } from './cache.ts'
import { classifyFailure } from './classify.ts'
import { parseCompletion, type ParsedResponse } from './completion.ts'
import { tokenStyle } from './engine-tokens.ts'
import type { Model, ModelRequest, ModelResponse } from './model.ts'
import { createPolicyVersion } from './policy-version.ts'
import { costOf } from './prices.ts'
import { withRetries } from './retry.ts'
import { schedulerFor } from './scheduler.ts'
import { withTimeLimits } from './time-limits.ts'

/** What a model may be given in place of what its config names. */
export interface ModelServices {
  cache?: ResponseCache
}

/** Tokens of an answer whose length nothing tells, for pacing by tokens per minute. */
const expectedAnswerTokens = 500
const charactersPerToken = 4

/** Errors raised: UsageError when settings do not go together. */
export function createServedModel(
  config: ModelConfig,
  adapter: Adapter,
  services: ModelServices = {},
): Model {
  if (config.stream && tokenStyle(config.tokens) === 'sglang')
    throw new UsageError(
      `model ${config.name}: SGLang sends no token data with a streamed answer; set stream: false or leave out tokens`,
    )
  const { endpoint } = adapter
  const scheduler = schedulerFor(endpoint, config)
  const redact = redactor(adapter.key)
  const policyVersion = createPolicyVersion(config, adapter)
  const cache = services.cache ?? configuredCache(config)
  const timeoutMs = (config.timeoutSeconds ?? 600) * 1000
  const stallMs = config.stream ? (config.stallSeconds ?? 120) * 1000 : null

  async function send(body: Record<string, unknown>, outer: AbortSignal): Promise<ParsedResponse> {
    try {
      return await withTimeLimits({ signal: outer, timeoutMs, stallMs, endpoint }, async (signal, heard) => {
        const response = await adapter.send(body, signal)
        return parseCompletion(await readAnswer(response, { endpoint, redact, heard }), config.name)
      })
    } catch (thrown) {
      outer.throwIfAborted()
      throw classifyFailure(thrown, endpoint, redact)
    }
  }

  async function ask(body: Record<string, unknown>, request: ModelRequest, signal: AbortSignal) {
    const turn = { tokens: expectedTokens(request), tokensOf, signal }
    const { value, attempts, failed } = await withRetries(
      async () =>
        await scheduler.run(turn, async () => {
          // Asked when the request leaves: while it waited for its turn, the weights may have changed.
          const version = await policyVersion()
          const answer = await send(body, signal)
          return { ...answer, policyVersion: version ?? answer.policyVersion ?? null }
        }),
      signal,
      { maxAttempts: config.maxAttempts ?? 6 },
    )
    const raw = failed.length > 0 ? { ...value.raw, failedAttempts: failed } : value.raw
    return {
      ...value,
      ...costOf(value, config.prices),
      attempts,
      raw,
    }
  }

  return {
    name: config.name,
    provider: adapter.provider,
    scripted: false,
    async complete(request, signal): Promise<ModelResponse> {
      const body = requestBody(config, request)
      if (!cache || request.sampling.temperature !== 0) return await ask(body, request, signal)
      const key = hashOf({ endpoint, body })
      const stored = await cache.get(key)
      if (stored) return asHit(stored)
      const response = await ask(body, request, signal)
      // A cache that cannot be written costs the next request, not this answer.
      await cache.set(key, response).catch(() => {})
      return response
    },
    check: (signal) => adapter.check(signal),
  }
}

function configuredCache({ cache }: ModelConfig): ResponseCache | null {
  if (!cache) return null
  return createDirectoryCache(cache === true ? defaultCacheDirectory() : cache)
}

function expectedTokens(request: ModelRequest): number {
  const characters = request.messages.reduce((sum, message) => sum + message.content.length, 0)
  const answer = Math.min(request.sampling.maxTokens ?? expectedAnswerTokens, expectedAnswerTokens)
  return Math.ceil(characters / charactersPerToken) + answer
}

function tokensOf({ usage }: ParsedResponse): number | null {
  return usage ? usage.inputTokens + usage.outputTokens : null
}
