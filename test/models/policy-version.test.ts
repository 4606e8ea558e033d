// The policy version of a call: a label, or what a URL says.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createModel } from '../../src/models/index.ts'
import type { ModelConfig } from '../../src/run-file.ts'
import { startOpenAIServer, type OpenAIServer } from '../support/openai-server.ts'

const signal = new AbortController().signal
let model: OpenAIServer
let versions: Server
let address: string
let answer: { status?: number; body: string }
let asked: IncomingHttpHeaders[]

beforeEach(async () => {
  asked = []
  model = await startOpenAIServer(() => ({ text: 'ok' }))
  versions = createServer((request, response) => {
    if (request.url === '/version') asked.push(request.headers)
    response.writeHead(answer.status ?? 200)
    response.end(answer.body)
  })
  versions.listen(0, '127.0.0.1')
  await once(versions, 'listening')
  address = `http://127.0.0.1:${(versions.address() as AddressInfo).port}/version`
})
afterEach(async () => {
  await model.close()
  versions.closeAllConnections()
  versions.close()
})

function modelWith(config: Partial<ModelConfig>) {
  return createModel({ provider: 'openai', name: 'm', baseUrl: model.baseUrl, ...config })
}
const request = {
  messages: [{ role: 'user' as const, content: 'hi' }],
  sampling: {},
  wantTokens: false,
  seed: 1,
}
const versionOf = async (config: Partial<ModelConfig>) =>
  (await modelWith(config).complete(request, signal)).policyVersion

describe('the policy version', () => {
  it('is the label of the run file, or null', async () => {
    expect(await versionOf({ policyVersion: 'step-40' })).toBe('step-40')
    expect(await versionOf({})).toBeNull()
  })

  it.each<[string, { status?: number; body: string }, string | undefined, string | null]>([
    ['text', { body: ' step-41\n' }, undefined, 'step-41'],
    ['a JSON string', { body: '"step-42"' }, undefined, 'step-42'],
    ['a field', { body: '{"weights": {"version": 43}}' }, 'weights.version', '43'],
    ['a field that is not there', { body: '{"weights": {}}' }, 'weights.version', null],
    ['no JSON where a field is named', { body: 'step-44' }, 'version', null],
    ['an error', { status: 500, body: 'step-45' }, undefined, null],
    ['nothing', { body: '' }, undefined, null],
  ])('is what a URL says: %s', async (_, says, policyVersionField, expected) => {
    answer = says
    expect(
      await versionOf({ policyVersionUrl: address, policyVersionField, policyVersion: 'not this' }),
    ).toBe(expected)
  })

  it('is null when the URL cannot be reached', async () => {
    expect(await versionOf({ policyVersionUrl: 'http://127.0.0.1:9/version' })).toBeNull()
  })

  it('is asked for at most every so many seconds', async () => {
    answer = { body: 'one' }
    const served = modelWith({ policyVersionUrl: address, policyVersionSeconds: 0.3 })
    const three = await Promise.all([1, 2, 3].map(async () => await served.complete(request, signal)))
    expect(three.map(({ policyVersion }) => policyVersion)).toEqual(['one', 'one', 'one'])
    expect(asked).toHaveLength(1)
    answer = { body: 'two' }
    expect((await served.complete(request, signal)).policyVersion).toBe('one')
    await new Promise((resolve) => setTimeout(resolve, 320))
    expect((await served.complete(request, signal)).policyVersion).toBe('two')
    expect(asked).toHaveLength(2)
  })

  it('shows the key to nobody but the server of the model', async () => {
    process.env.DESCENT_TEST_KEY = 'a-secret-key-71'
    answer = { body: 'x' }
    await versionOf({ policyVersionUrl: address, apiKeyEnv: 'DESCENT_TEST_KEY' })
    await versionOf({
      policyVersionUrl: address,
      apiKeyEnv: 'DESCENT_TEST_KEY',
      maxAttempts: 1,
      baseUrl: `${new URL(address).origin}/v1`,
    }).catch(() => {})
    expect(asked.map(({ authorization }) => authorization)).toEqual([undefined, 'Bearer a-secret-key-71'])
  })
})
