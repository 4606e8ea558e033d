// Bounds one request: the longest that it may take, and the longest silence of a stream. Either ends it
// as an abort does: the connection is closed.
import { ModelError } from '../errors.ts'

export interface TimeLimits {
  signal: AbortSignal
  timeoutMs: number
  /** Null: silence is not looked at. */
  stallMs: number | null
  endpoint: string
}

/**
 * Runs `work`, which must obey the signal that it is given and call `heard` when bytes arrive. Errors
 * raised: ModelError `timeout` or `stalled`; the outer signal's reason; those of `work`.
 */
export async function withTimeLimits<T>(
  limits: TimeLimits,
  work: (signal: AbortSignal, heard: () => void) => Promise<T>,
): Promise<T> {
  const { signal, timeoutMs, stallMs, endpoint } = limits
  signal.throwIfAborted()
  const controller = new AbortController()
  const giveUp = (): void => controller.abort(signal.reason)
  const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 100) / 10} s`
  const timeout = setTimeout(() => {
    const message = `${endpoint} did not end its answer in time (${seconds(timeoutMs)})`
    controller.abort(new ModelError('timeout', message, { retryable: true }))
  }, timeoutMs)
  const stall =
    stallMs === null
      ? null
      : setTimeout(() => {
          const message = `${endpoint} sent nothing for ${seconds(stallMs)}`
          controller.abort(new ModelError('stalled', message, { retryable: true }))
        }, stallMs)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await work(controller.signal, () => stall?.refresh())
  } catch (thrown) {
    // Libraries wrap the reason of an abort each in a way of their own.
    controller.signal.throwIfAborted()
    throw thrown
  } finally {
    clearTimeout(timeout)
    if (stall) clearTimeout(stall)
    signal.removeEventListener('abort', giveUp)
  }
}
