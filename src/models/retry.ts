// Retries of model requests: exponential back-off with jitter; a server's Retry-After goes first.
import { setTimeout as sleep } from 'node:timers/promises'
import { ModelError } from '../errors.ts'

export interface RetryOptions {
  maxAttempts: number
  /** Milliseconds of the first wait; doubles up to a minute. */
  baseDelayMs?: number
  random?: () => number
}

const longestWaitMs = 60_000

/**
 * Runs `attempt` until it succeeds, fails for good, or `maxAttempts` were made. `classify` turns what
 * was thrown into a ModelError and the server's wish for a delay, in milliseconds.
 * Errors raised: ModelError with its `attempts` counted; the signal's reason when aborted.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  classify: (error: unknown) => { error: ModelError; retryAfterMs: number | null },
  signal: AbortSignal,
  options: RetryOptions,
): Promise<{ value: T; attempts: number }> {
  const random = options.random ?? Math.random
  for (let attempts = 1; ; attempts += 1) {
    signal.throwIfAborted()
    try {
      return { value: await attempt(), attempts }
    } catch (thrown) {
      signal.throwIfAborted()
      const { error, retryAfterMs } = classify(thrown)
      if (!error.retryable || attempts >= options.maxAttempts) {
        throw new ModelError(error.code, error.message, {
          status: error.status,
          attempts,
          retryable: error.retryable,
          cause: thrown,
        })
      }
      const backoff = (options.baseDelayMs ?? 500) * 2 ** (attempts - 1) * (0.75 + random() / 2)
      const wait = Math.min(longestWaitMs, Math.max(backoff, retryAfterMs ?? 0))
      await sleep(wait, undefined, { signal })
    }
  }
}

/** Milliseconds that `Retry-After` (RFC 9110, 10.2.3) or `retry-after-ms` asks to wait; null when absent. */
export function retryAfter(
  headers: { get(name: string): string | null } | undefined,
  now: number,
): number | null {
  const milliseconds = Number(headers?.get('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(milliseconds)) return milliseconds
  const value = headers?.get('retry-after')
  if (!value) return null
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}
