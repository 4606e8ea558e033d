import { describe, expect, it } from 'vitest'
import { ModelError } from '../../src/errors.ts'
import { retryAfter } from '../../src/models/retry-after.ts'
import { withRetries } from '../../src/models/retry.ts'

const signal = new AbortController().signal
const failure = (code: string, retryAfterMs: number | null = null) =>
  new ModelError(code, code, { retryable: true, retryAfterMs })

/** Fails with each of `codes`, then succeeds. */
async function run(codes: string[], maxAttempts: number) {
  let made = 0
  const attempt = async () => {
    const code = codes[made++]
    if (code) throw failure(code)
    return 'ok'
  }
  return await withRetries(attempt, signal, { maxAttempts, baseDelayMs: 1e-4 })
}

const times = (count: number, code: string) => Array.from({ length: count }, () => code)

describe('retries', () => {
  it('bear refusals without using up the attempts, up to a bound', async () => {
    const mixed = ['rate_limit', 'timeout', 'rate_limit', 'rate_limit']
    const { attempts, failed } = await run(mixed, 2)
    expect({ attempts, failed: failed.map(({ code }) => code) }).toEqual({ attempts: 5, failed: mixed })
    await expect(run(['timeout', ...times(9, 'rate_limit'), 'timeout'], 2)).rejects.toMatchObject({
      code: 'timeout',
      attempts: 11,
    })
    await expect(run(times(30, 'rate_limit'), 2)).rejects.toMatchObject({ code: 'rate_limit', attempts: 20 })
    await expect(run(['rate_limit'], 1)).rejects.toMatchObject({ attempts: 1 })
  })

  it('wait at least as long as the server asks, and not at all when it asks for too long', async () => {
    let made = 0
    const start = performance.now()
    const asks = (milliseconds: number) => async () => {
      made += 1
      if (made === 1) throw failure('rate_limit', milliseconds)
      return 'ok'
    }
    await withRetries(asks(120), signal, { maxAttempts: 3, baseDelayMs: 1 })
    expect(performance.now() - start).toBeGreaterThan(115)
    made = 0
    await expect(withRetries(asks(3_600_000), signal, { maxAttempts: 3 })).rejects.toMatchObject({
      attempts: 1,
    })
  })

  it('end at once when aborted, with the reason', async () => {
    const controller = new AbortController()
    const waiting = withRetries(async () => Promise.reject(failure('timeout')), controller.signal, {
      maxAttempts: 3,
      baseDelayMs: 60_000,
    })
    setTimeout(() => controller.abort(new Error('enough')), 20)
    await expect(waiting).rejects.toThrow('enough')
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  it.each<[Record<string, string>, number | null]>([
    [{}, null],
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:07 GMT' }, 7000],
    [{ 'retry-after': 'Thu, 01 Jan 2025 00:00:07 GMT' }, 0],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after-ms': '150', 'retry-after': '1' }, 150],
  ])('%o', (headers, expected) => {
    expect(retryAfter(new Headers(headers), now)).toBe(expected)
  })
})
