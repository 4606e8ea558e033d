// The tokens of a call through the API: deltas are put together, limits hold, what is missing is told.
import { beforeAll, expect, test } from 'vitest'
import { createApp, type Api } from '../../api/http/app.ts'
import type { CallTokensView } from '../../api/http/routes/call-tokens.ts'
import { heatOf, measure } from '../../api/web/trace/token-figures.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'
import * as rows from '../store/fixtures.ts'

const [embedded] = backends()
let app: Api
let address: (call: number, query?: string) => string

beforeAll(async () => {
  if (!embedded) throw new Error('no store')
  const store = await embedded.freshStore()
  const { runId, planned } = await rows.aPlannedRun(store, await temporaryDirectory(), {
    tasks: 1,
    rollouts: 1,
  })
  const place = { runId, trajectoryId: planned[0]?.id ?? '' }
  const invocation = rows.anInvocation(place)
  const first = rows.aCall(place, invocation.id, {
    tokenSource: 'engine',
    promptTokens: Int32Array.of(1, 2, 3),
    completionTokens: Int32Array.of(4, 5),
    logprobs: Float32Array.of(-0.5, NaN),
  })
  const second = rows.aCall(place, invocation.id, {
    tokenSource: 'engine',
    tokenBaseCallId: first.id,
    promptTokens: Int32Array.of(6),
    completionTokens: Int32Array.of(7, 8, 9),
    policyVersion: 'step-7',
  })
  const third = rows.aCall(place, invocation.id)
  const calls = [first, second, third]
  await store.beginTrajectory(place.trajectoryId, rows.now())
  await store.append([
    { table: 'invocations', row: invocation },
    { table: 'messages', row: rows.aMessage(place, invocation.id) },
    ...calls.map((row) => ({ table: 'calls' as const, row })),
  ])
  app = createApp(store, { webDirectory: null })
  address = (call, query = '') => `/v1/calls/${place.trajectoryId}/${calls[call]?.id}/tokens${query}`
})

async function read(path: string): Promise<CallTokensView> {
  const response = await app.request(path)
  expect(response.status).toBe(200)
  return (await response.json()) as CallTokensView
}

test('ids and logprobs are those of the engine', async () => {
  expect(await read(address(0))).toMatchObject({
    policyVersion: null,
    prompt: { length: 3, ids: [1, 2, 3], extends: null },
    completion: { length: 2, ids: [4, 5], logprobs: [-0.5, null] },
  })
})

test('a prompt that goes on is whole, and its end is shown', async () => {
  const { prompt, completion, policyVersion } = await read(address(1, '?limit=2&promptLimit=4'))
  expect(prompt).toMatchObject({ length: 6, ids: [3, 4, 5, 6] })
  expect(prompt?.extends).toMatch(/^[0-9a-f-]{36}$/)
  expect(completion).toEqual({ length: 3, ids: [7, 8], logprobs: null })
  expect(policyVersion).toBe('step-7')
})

test('a call without tokens is told', async () => {
  expect((await app.request(address(2))).status).toBe(404)
  expect((await app.request(address(0, '?limit=0'))).status).toBe(400)
})

test('figures of logprobs', () => {
  expect(measure([-1, null, -3])).toEqual({ mean: -2, perplexity: Math.exp(2), least: -3 })
  expect(measure([null])).toBeNull()
  expect([0, -0.3, -1, -2, -9, null].map(heatOf)).toEqual(['0', '1', '2', '3', '4', 'none'])
})
