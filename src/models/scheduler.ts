// One scheduler per server: all models with the same address share it. The number of requests in flight
// adapts (additive increase, multiplicative decrease), a Retry-After holds back the whole server, and
// optional rates per minute pace the starts. Queue libraries were weighed (p-queue, bottleneck,
// rate-limiter-flexible): none adapts, and the adapting is most of what is here.
import { ModelError } from '../errors.ts'
import { createAllowance, type Allowance } from './allowance.ts'

export interface SchedulerOptions {
  startConcurrency?: number
  maxConcurrency?: number
  requestsPerMinute?: number
  tokensPerMinute?: number
}

export interface EndpointStatistics {
  endpoint: string
  inFlight: number
  waiting: number
  /** Requests that may be in flight now. */
  limit: number
  /** Requests ended, failed ones included. */
  requests: number
  failures: number
  /** Answers with status 429. */
  rateLimited: number
  /** Answers with status 5xx. */
  serverErrors: number
  /** How often the limit fell. */
  falls: number
  /** Requests that had to wait for their turn, and for how long together. */
  waits: number
  waitedMs: number
  /** What is left of a Retry-After. */
  pausedMs: number
}

export interface Scheduler {
  /**
   * Runs `send` when its turn has come. `tokens`: the expected size of the request and its answer;
   * `tokensOf` reads the true one. Errors raised: those of `send`; the signal's reason when aborted
   * while waiting.
   */
  run<T>(
    request: { tokens: number; tokensOf: (value: T) => number | null; signal: AbortSignal },
    send: () => Promise<T>,
  ): Promise<T>
  statistics(): EndpointStatistics
  /** Takes over the narrower of the limits that it has and those given. */
  tighten(options: SchedulerOptions): void
}

interface Waiter {
  tokens: number
  start(): void
}

const defaultStart = 32
const defaultMost = 512
const fallOnRateLimit = 0.7
/** A server error may be the fault of one request: it weighs less than being told to slow down. */
const fallOnServerError = 0.9
/**
 * What a round of successes adds to the limit. After a server error the limit says little about what the
 * server bears, and now and then an error should not starve it: it is regained faster.
 */
const growthAfterRefusal = 1
const growthAfterError = 3

export function createScheduler(endpoint: string, given: SchedulerOptions = {}): Scheduler {
  let mostGiven = given.maxConcurrency
  let most = mostGiven ?? defaultMost
  let limit = Math.min(most, given.startConcurrency ?? defaultStart)
  /** Until the first fall every success adds one, so that the limit doubles with each round. */
  let climbing = true
  let growth = growthAfterRefusal
  let inFlight = 0
  let fellAt = -Infinity
  let pausedUntil = -Infinity
  let timer: NodeJS.Timeout | null = null
  const waiting = new Set<Waiter>()
  const counts = {
    requests: 0,
    failures: 0,
    rateLimited: 0,
    serverErrors: 0,
    falls: 0,
    waits: 0,
    waitedMs: 0,
  }
  let requestRate = createAllowance(given.requestsPerMinute)
  let tokenRate = createAllowance(given.tokensPerMinute)

  /** Starts what may start; sets a timer for what time alone holds back. */
  function dispatch(): void {
    for (const waiter of waiting) {
      if (inFlight >= Math.floor(limit)) return
      const now = performance.now()
      const wait = Math.max(
        pausedUntil - now,
        requestRate.waitFor(1, now),
        tokenRate.waitFor(waiter.tokens, now),
      )
      if (wait > 0) {
        wakeIn(wait)
        return
      }
      waiting.delete(waiter)
      inFlight += 1
      requestRate.take(1, now)
      tokenRate.take(waiter.tokens, now)
      waiter.start()
    }
  }

  function wakeIn(milliseconds: number): void {
    if (timer) clearTimeout(timer)
    timer = setTimeout(() => {
      timer = null
      dispatch()
    }, Math.ceil(milliseconds))
  }

  async function turn(tokens: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const start = performance.now()
    let waited = false
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        tokens,
        start() {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      function leave(): void {
        waiting.delete(waiter)
        // A timer for nobody would keep the process alive.
        if (waiting.size === 0 && timer) clearTimeout(timer)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true })
      waiting.add(waiter)
      dispatch()
      waited = waiting.has(waiter)
    })
    if (!waited) return
    counts.waits += 1
    counts.waitedMs += performance.now() - start
  }

  function grow(wasFull: boolean): void {
    // A limit that nobody reaches says nothing about what the server bears.
    if (wasFull) limit = Math.min(most, limit + (climbing ? 1 : growth / limit))
  }

  function fall(factor: number, regain: number, startedAt: number): void {
    // Requests sent before the last fall tell what is known already: a burst of refusals counts once.
    if (startedAt < fellAt) return
    limit = Math.max(1, Math.min(limit, inFlight) * factor)
    climbing = false
    growth = regain
    fellAt = performance.now()
    counts.falls += 1
  }

  function learn(error: unknown, startedAt: number): void {
    counts.failures += 1
    if (!(error instanceof ModelError)) return
    const { code, status, retryAfterMs } = error
    if (code === 'rate_limit') counts.rateLimited += 1
    if (status !== null && status >= 500) counts.serverErrors += 1
    if (code === 'rate_limit' || status === 503 || status === 529)
      fall(fallOnRateLimit, growthAfterRefusal, startedAt)
    else if (code === 'server_error') fall(fallOnServerError, growthAfterError, startedAt)
    if (retryAfterMs !== null) pausedUntil = Math.max(pausedUntil, performance.now() + retryAfterMs)
  }

  return {
    async run(request, send) {
      await turn(request.tokens, request.signal)
      const startedAt = performance.now()
      const wasFull = () => waiting.size > 0 || inFlight >= Math.floor(limit)
      try {
        const value = await send()
        grow(wasFull())
        const used = request.tokensOf(value)
        if (used !== null) tokenRate.take(used - request.tokens, performance.now())
        return value
      } catch (thrown) {
        // A request that was given up tells nothing about the server.
        if (!request.signal.aborted) learn(thrown, startedAt)
        throw thrown
      } finally {
        inFlight -= 1
        counts.requests += 1
        dispatch()
      }
    },
    statistics: () => ({
      endpoint,
      inFlight,
      waiting: waiting.size,
      limit: Math.floor(limit),
      ...counts,
      pausedMs: Math.max(0, pausedUntil - performance.now()),
    }),
    tighten(options) {
      mostGiven = narrowest(mostGiven, options.maxConcurrency)
      most = mostGiven ?? defaultMost
      limit = Math.min(most, limit, options.startConcurrency ?? limit)
      requestRate = narrower(requestRate, options.requestsPerMinute)
      tokenRate = narrower(tokenRate, options.tokensPerMinute)
    },
  }
}

function narrowest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}

function narrower(has: Allowance, perMinute: number | undefined): Allowance {
  return perMinute === undefined || perMinute >= has.perMinute ? has : createAllowance(perMinute)
}

const schedulers = new Map<string, Scheduler>()

/** The scheduler of a server; the models of one server share the narrowest of their limits. */
export function schedulerFor(endpoint: string, options: SchedulerOptions): Scheduler {
  const known = schedulers.get(endpoint)
  if (known) {
    known.tighten(options)
    return known
  }
  const made = createScheduler(endpoint, options)
  schedulers.set(endpoint, made)
  return made
}

/** The traffic of every server that this process has sent requests to. */
export function endpointStatistics(): EndpointStatistics[] {
  return [...schedulers.values()].map((scheduler) => scheduler.statistics())
}
