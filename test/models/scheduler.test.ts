// The scheduler of a server, seen from the server: what arrives when, and how much at once.
import { afterEach, describe, expect, it } from 'vitest'
import { createAllowance } from '../../src/models/allowance.ts'
import { createModel, endpointStatistics, type Model, type ModelRequest } from '../../src/models/index.ts'
import type { ModelConfig } from '../../src/run-file.ts'
import { startOpenAIServer, type OpenAIServer, type Reply } from '../support/openai-server.ts'

let server: OpenAIServer | null = null
afterEach(async () => {
  await server?.close()
  server = null
})

const request: ModelRequest = {
  messages: [{ role: 'user', content: 'hello' }],
  sampling: {},
  wantTokens: false,
  seed: 1,
}
const signal = new AbortController().signal

async function serve(reply: (count: number, open: number) => Reply): Promise<OpenAIServer> {
  server = await startOpenAIServer((_, count, open) => reply(count, open))
  return server
}

function modelOf(at: OpenAIServer, config: Partial<ModelConfig> = {}): Model {
  return createModel({ provider: 'openai', name: 'm', baseUrl: at.baseUrl, maxAttempts: 20, ...config })
}

function statisticsOf(at: OpenAIServer) {
  const found = endpointStatistics().find(({ endpoint }) => endpoint === at.baseUrl)
  if (!found) throw new Error('the server has no scheduler')
  return found
}

async function many(model: Model, count: number) {
  return await Promise.all(Array.from({ length: count }, () => model.complete(request, signal)))
}

const mostOpen = (at: OpenAIServer) => Math.max(...at.seen.map(({ open }) => open))

describe('the scheduler of a server', () => {
  it('begins at startConcurrency, climbs while it goes well, stays within maxConcurrency', async () => {
    const at = await serve(() => ({ text: 'ok', delayMs: 200 }))
    await many(modelOf(at, { startConcurrency: 4, maxConcurrency: 12 }), 60)
    expect(Math.max(...at.seen.slice(0, 4).map(({ open }) => open))).toBe(4)
    expect(mostOpen(at)).toBe(12)
    expect(statisticsOf(at)).toMatchObject({ limit: 12, requests: 60, failures: 0, inFlight: 0, waiting: 0 })
  })

  it('is shared by all models of one server, whose narrowest limit counts', async () => {
    const at = await serve(() => ({ text: 'ok', delayMs: 40 }))
    const models = [modelOf(at, { maxConcurrency: 3 }), modelOf(at, { maxConcurrency: 9, name: 'other' })]
    await Promise.all(models.map((model) => many(model, 20)))
    expect(mostOpen(at)).toBe(3)
  })

  it('finds what a server bears: refusals become rare and all requests succeed', async () => {
    const capacity = 6
    const at = await serve((_, open) =>
      open > capacity ? { status: 429, headers: { 'retry-after-ms': '40' } } : { text: 'ok', delayMs: 15 },
    )
    const responses = await many(modelOf(at, { startConcurrency: 40 }), 200)
    expect(responses.every(({ text }) => text === 'ok')).toBe(true)
    const refused = (from: number, to: number) =>
      at.seen.slice(from, to).filter(({ reply }) => reply.status === 429).length / (to - from)
    const last = at.seen.length
    expect(refused(0, 60)).toBeGreaterThan(0)
    expect(refused(last - 80, last)).toBeLessThan(0.25)
    expect(Math.max(...at.seen.slice(last - 80).map(({ open }) => open))).toBeLessThanOrEqual(capacity + 3)
    const { rateLimited, falls, limit } = statisticsOf(at)
    expect(rateLimited).toBe(at.seen.length - 200)
    expect(falls).toBeGreaterThan(0)
    expect(limit).toBeLessThanOrEqual(capacity + 3)
  })

  it('a Retry-After holds back every request to the server, of every model', async () => {
    const at = await serve((count) =>
      count === 0 ? { status: 429, headers: { 'retry-after': '0.5' } } : { text: 'ok' },
    )
    const first = modelOf(at).complete(request, signal)
    await expect.poll(() => statisticsOf(at).rateLimited).toBe(1)
    expect(statisticsOf(at).pausedMs).toBeGreaterThan(300)
    await Promise.all([first, many(modelOf(at, { name: 'other' }), 5)])
    const [refused, ...rest] = at.seen
    const soonest = Math.min(...rest.map(({ arrivedAt }) => arrivedAt))
    expect(soonest - (refused?.arrivedAt ?? 0)).toBeGreaterThan(480)
    expect(rest).toHaveLength(6)
  })

  it('falls on server errors too, less than on a refusal', async () => {
    const failing = async (status: number) => {
      await server?.close()
      const at = await serve((count) => (count === 9 ? { status } : { text: 'ok', delayMs: 150 }))
      await many(modelOf(at, { startConcurrency: 10, maxConcurrency: 10 }), 10)
      return statisticsOf(at).limit
    }
    const [refused, broken, rejected] = [await failing(429), await failing(500), await failing(503)]
    expect({ refused, broken, rejected }).toEqual({ refused: 7, broken: 9, rejected: 7 })
  })

  it('a request that is given up while it waits is never sent', async () => {
    const at = await serve(() => ({ text: 'ok', delayMs: 60 }))
    const model = modelOf(at, { maxConcurrency: 1 })
    const controller = new AbortController()
    const first = model.complete(request, signal)
    const waiting = model.complete(request, controller.signal)
    await expect.poll(() => statisticsOf(at).waiting).toBe(1)
    controller.abort(new Error('no longer'))
    await expect(waiting).rejects.toThrow('no longer')
    await first
    expect(at.seen).toHaveLength(1)
    expect(statisticsOf(at)).toMatchObject({ waiting: 0, inFlight: 0, requests: 1 })
  })

  it('paces by requests per minute', async () => {
    const at = await serve(() => ({ text: 'ok' }))
    await many(modelOf(at, { requestsPerMinute: 1200 }), 35)
    const arrived = at.seen.map(({ arrivedAt }) => arrivedAt)
    // A second's worth (20) at once, the other 15 at 20 a second.
    expect((arrived.at(-1) ?? 0) - (arrived[0] ?? 0)).toBeGreaterThan(550)
    expect((arrived[19] ?? 0) - (arrived[0] ?? 0)).toBeLessThan(500)
  })

  it('paces by tokens per minute, by what answers really took', async () => {
    const at = await serve(() => ({ text: 'ok', usage: { prompt_tokens: 100, completion_tokens: 900 } }))
    const model = modelOf(at, { tokensPerMinute: 60_000 })
    for (let index = 0; index < 3; index++) await model.complete(request, signal)
    const [first, second, third] = at.seen.map(({ arrivedAt }) => arrivedAt)
    // Expected: 502 tokens of the 1000 in the bucket; taken: 1000. The next waits until its 502 are there.
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(300)
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThan(800)
  })
})

describe('an allowance', () => {
  it('gives a second at once, then as fast as it fills', () => {
    const allowance = createAllowance(600)
    for (let taken = 0; taken < 10; taken++) {
      expect(allowance.waitFor(1, 0)).toBe(0)
      allowance.take(1, 0)
    }
    expect(allowance.waitFor(1, 0)).toBeCloseTo(100)
    expect(allowance.waitFor(1, 60)).toBeCloseTo(40)
    expect(allowance.waitFor(1, 100)).toBe(0)
  })

  it('lets more than it holds pass when it is full, and waits for the debt afterwards', () => {
    const allowance = createAllowance(60)
    expect(allowance.waitFor(5, 0)).toBe(0)
    allowance.take(5, 0)
    expect(allowance.waitFor(1, 0)).toBeCloseTo(5000)
    allowance.take(-2, 0)
    expect(allowance.waitFor(1, 0)).toBeCloseTo(3000)
  })

  it('allows everything without a rate', () => {
    const allowance = createAllowance(undefined)
    allowance.take(1e9, 0)
    expect(allowance.waitFor(1e9, 0)).toBe(0)
  })
})
