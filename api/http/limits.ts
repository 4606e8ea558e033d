// Limits of time and number of requests, so that one client cannot take the server from the others.
import type { Context, MiddlewareHandler } from 'hono'
import { HttpProblem, problemResponse } from './problem.ts'

export interface RateLimiter {
  /** Takes one request of this client; false when it has none left. */
  take(client: string): boolean
  /** Whether it has one left. */
  has(client: string): boolean
}

const mostClients = 10_000

/** `burst` requests at once, then `perSecond` (a token bucket each). Clients that are long idle are forgotten. */
export function createRateLimiter(burst: number, perSecond: number, now = Date.now): RateLimiter {
  const clients = new Map<string, { left: number; at: number }>()
  function bucketOf(client: string) {
    const time = now()
    const bucket = clients.get(client) ?? { left: burst, at: time }
    bucket.left = Math.min(burst, bucket.left + ((time - bucket.at) / 1000) * perSecond)
    bucket.at = time
    // The one used last is the last to be forgotten.
    clients.delete(client)
    clients.set(client, bucket)
    const oldest = clients.size > mostClients ? clients.keys().next().value : undefined
    if (oldest !== undefined) clients.delete(oldest)
    return bucket
  }
  return {
    take(client) {
      const bucket = bucketOf(client)
      if (bucket.left < 1) return false
      bucket.left -= 1
      return true
    },
    has: (client) => bucketOf(client).left >= 1,
  }
}

/** The address that a request came from; `local` when it did not come over a socket. */
export function clientOf(context: Context): string {
  const env = context.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined
  return env?.incoming?.socket?.remoteAddress ?? 'local'
}

export function limitRate(limiter: RateLimiter): MiddlewareHandler {
  return async (context, next) => (limiter.take(clientOf(context)) ? await next() : tooMany())
}

/** Answers with a problem when an answer has not begun in time; what streams may then go on. */
export function limitTime(milliseconds: number): MiddlewareHandler {
  return async (context, next) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), milliseconds)
    })
    try {
      const outcome = await Promise.race([next(), late])
      if (outcome !== 'late') return undefined
      const detail = `The answer took longer than ${milliseconds / 1000} s: ask for less, or narrow the selection.`
      return problemResponse(new HttpProblem(504, 'timeout', detail))
    } finally {
      clearTimeout(timer)
    }
  }
}

export function tooMany(): Response {
  const detail = 'Too many requests: wait a moment and try again.'
  return problemResponse(new HttpProblem(429, 'rate_limit', detail, { 'retry-after': '1' }))
}
