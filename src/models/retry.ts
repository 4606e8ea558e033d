// Retries of model requests: exponential back-off with jitter; a server's Retry-After goes first.
import { setTimeout as sleep } from 'node:timers/promises'
import { ModelError } from '../errors.ts'
import type { Json } from '../json.ts'

export interface RetryOptions {
  /** Of requests that failed. A server that says "later" (429) has refused, not failed: see below. */
  maxAttempts: number
  /** Milliseconds of the first wait; doubles up to a minute. */
  baseDelayMs?: number
  random?: () => number
}

/** An attempt that failed and was followed by another; stored with the call. */
export type FailedAttempt = { code: string; status: number | null; afterMs: number }

/** Refusals that are borne where attempts may be repeated at all; their waits add up to 15 minutes. */
const mostRefusals = 20
const longestBackoffMs = 60_000
/** A server that asks for more is not waited for: the call fails, and the rollout may be run again. */
const longestRetryAfterMs = 15 * 60_000

/**
 * Runs `attempt` until it succeeds, fails for good, or as many as the options allow were made; `attempt` throws
 * ModelErrors. Errors raised: the last ModelError, its attempts counted and those before it in `raw`;
 * the signal's reason when aborted.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  options: RetryOptions,
): Promise<{ value: T; attempts: number; failed: FailedAttempt[] }> {
  const random = options.random ?? Math.random
  const failed: FailedAttempt[] = []
  const refusalsOf = (): number => failed.filter(({ code }) => code === 'rate_limit').length
  for (let attempts = 1; ; attempts += 1) {
    signal.throwIfAborted()
    const start = performance.now()
    try {
      return { value: await attempt(), attempts, failed }
    } catch (thrown) {
      signal.throwIfAborted()
      if (!(thrown instanceof ModelError)) throw thrown
      const asked = thrown.retryAfterMs ?? 0
      const { code, status } = thrown
      const refusals = refusalsOf()
      const [before, most] =
        code === 'rate_limit' && options.maxAttempts > 1
          ? [refusals, mostRefusals]
          : [failed.length - refusals, options.maxAttempts]
      if (!thrown.retryable || before + 1 >= most || asked > longestRetryAfterMs)
        throw counted(thrown, attempts, failed)
      failed.push({ code, status, afterMs: Math.round(performance.now() - start) })
      const backoff = (options.baseDelayMs ?? 500) * 2 ** before * (0.75 + random() / 2)
      await sleep(Math.max(Math.min(longestBackoffMs, backoff), asked), undefined, { signal }).catch(() =>
        signal.throwIfAborted(),
      )
    }
  }
}

function counted(error: ModelError, attempts: number, failed: FailedAttempt[]): ModelError {
  const before: Record<string, Json> = failed.length > 0 ? { failedAttempts: failed } : {}
  const raw = { ...error.raw, ...before }
  return new ModelError(error.code, error.message, {
    status: error.status,
    attempts,
    retryable: error.retryable,
    retryAfterMs: error.retryAfterMs,
    raw: Object.keys(raw).length > 0 ? raw : null,
    cause: error.cause,
  })
}
