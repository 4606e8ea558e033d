// Every odd answer is recorded for what it is. A real server over HTTP misbehaves in each of the ways.
import { afterEach, describe, expect, it } from 'vitest'
import { ModelError } from '../../src/errors.ts'
import { createModel, type ModelRequest } from '../../src/models/index.ts'
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

async function modelAgainst(reply: Reply | ((count: number) => Reply), config: Partial<ModelConfig> = {}) {
  server = await startOpenAIServer((_, count) => (typeof reply === 'function' ? reply(count) : reply))
  return createModel({
    provider: 'openai',
    name: 'm',
    baseUrl: server.baseUrl,
    maxAttempts: 1,
    ...config,
  })
}

async function failureOf(reply: Reply, config: Partial<ModelConfig> = {}): Promise<ModelError> {
  const model = await modelAgainst(reply, config)
  const thrown = await model.complete(request, signal).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(ModelError)
  return thrown as ModelError
}

const page =
  '<!DOCTYPE html><html><head><style>p {}</style></head><body><h1>502 Bad Gateway</h1></body></html>'

describe.each(['openai', 'huggingface'] as const)('%s: a failed answer', (provider) => {
  it.each<[string, Reply, Partial<ModelConfig>, string, RegExp, boolean]>([
    [
      'JSON that breaks off',
      { text: 'x'.repeat(99), body: '{"choices": [{"mess' },
      {},
      'truncated_json',
      /breaks off/,
      true,
    ],
    [
      'an error page with 200',
      { body: page, contentType: 'text/html' },
      {},
      'not_json',
      /502 Bad Gateway/,
      true,
    ],
    ['an empty body', { body: '' }, {}, 'not_json', /nothing at all/, true],
    [
      'plain text',
      { body: 'upstream busy', contentType: 'text/plain' },
      {},
      'not_json',
      /upstream busy/,
      true,
    ],
    [
      'an error page with 502',
      { status: 502, body: page, contentType: 'text/html' },
      {},
      'server_error',
      /502: a page: 502 Bad/,
      true,
    ],
    [
      '200 with a rate limit inside',
      { body: { error: { message: 'slow down', code: 429 } } },
      {},
      'rate_limit',
      /slow down/,
      true,
    ],
    [
      '200 with an error inside',
      { body: { error: 'model is loading' } },
      {},
      'bad_response',
      /model is loading/,
      true,
    ],
    ['no choices', { body: { id: 'x', choices: [] } }, {}, 'bad_response', /not a chat completion/, true],
    [
      'a prompt that is too long, inside 200',
      { body: { error: { message: 'maximum context length is 8 tokens' } } },
      {},
      'context_length',
      /8 tokens/,
      false,
    ],
    [
      'a prompt that is too long',
      { status: 400, body: { object: 'error', message: 'the prompt is too long', code: 400 } },
      {},
      'context_length',
      /too long/,
      false,
    ],
    [
      'no credit left',
      { status: 429, body: { error: { message: 'You exceeded your current quota' } } },
      {},
      'quota',
      /credit/,
      false,
    ],
    [
      'a connection closed in the middle',
      { text: 'x'.repeat(500), cutAfter: 90 },
      {},
      'connection_lost',
      /closed the connection/,
      true,
    ],
    [
      'a stream cut in the middle',
      { text: 'x'.repeat(500), cutAfter: 2000 },
      { stream: true },
      'stream_cut',
      /broke off/,
      true,
    ],
    [
      'a stream that ends without an end',
      { text: 'half an answer', noFinish: true },
      { stream: true },
      'stream_cut',
      /after 14 characters/,
      true,
    ],
    [
      'a stream of broken events',
      { body: 'data: {"choices": [{"del\n\n', contentType: 'text/event-stream' },
      { stream: true },
      'stream_cut',
      /not JSON/,
      true,
    ],
    [
      'an error inside a stream',
      {
        body: 'data: {"error": {"message": "engine died", "code": 500}}\n\n',
        contentType: 'text/event-stream',
      },
      { stream: true },
      'server_error',
      /engine died/,
      true,
    ],
    ['silence', { text: 'x', stallAfter: 0 }, { timeoutSeconds: 0.2 }, 'timeout', /0\.2 s/, true],
    [
      'a stream that goes silent',
      { text: 'x'.repeat(500), stallAfter: 600 },
      { stream: true, stallSeconds: 0.2 },
      'stalled',
      /nothing for 0\.2 s/,
      true,
    ],
    [
      'a stream that never begins',
      { text: 'x', stallAfter: 0 },
      { stream: true, stallSeconds: 0.2 },
      'stalled',
      /nothing/,
      true,
    ],
  ])('%s', async (_, reply, config, code, message, retryable) => {
    const error = await failureOf(reply, { provider, ...config })
    expect({ code: error.code, retryable: error.retryable }).toEqual({ code, retryable })
    expect(error.message).toMatch(message)
    expect(error.message).not.toMatch(/[<\n]/)
  })

  it('keeps what a cut stream had said', async () => {
    const error = await failureOf(
      { text: 'half an answer', reasoning: 'hm', noFinish: true },
      { provider, stream: true },
    )
    expect(error.raw).toEqual({ partial: { text: 'half an answer', reasoning: 'hm' } })
  })

  it('closes the connection of a request that is given up, whether or not the answer has begun', async () => {
    for (const [stallAfter, stream] of [
      [0, false],
      [40, false],
      [400, true],
    ] as const) {
      const model = await modelAgainst({ text: 'x'.repeat(200), stallAfter }, { provider, stream })
      const controller = new AbortController()
      const answer = model.complete(request, controller.signal)
      await expect.poll(() => server?.seen.length).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 50))
      controller.abort(new Error('enough'))
      await expect(answer).rejects.toThrow('enough')
      await expect.poll(() => server?.seen[0]?.closedAt).not.toBeNull()
      expect(server?.seen[0]?.aborted).toBe(true)
      await server?.close()
    }
    server = null
  })
})

describe('an odd answer', () => {
  it.each<[string, Reply, string]>([
    ['empty', { text: '' }, 'empty'],
    ['null with reasoning', { reasoning: 'so it is 7' }, 'reasoning_only'],
    ['null', {}, 'null_content'],
    [
      'a tool call',
      { toolCalls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a": 1}' } }] },
      'tool_calls',
    ],
  ])('%s is an answer without text, with the reason kept', async (_, reply, noText) => {
    const model = await modelAgainst(reply)
    const response = await model.complete(request, signal)
    expect(response).toMatchObject({ text: '', attempts: 1, raw: { noText } })
    const streamed = await modelAgainst(reply, { stream: true })
    // A stream opens with an empty text, so that null and empty cannot be told apart.
    const expected = noText === 'null_content' ? 'empty' : noText
    const { text, reasoning, raw } = await streamed.complete(request, signal)
    expect({ text, reasoning, noText: raw.noText }).toEqual({
      text: '',
      reasoning: reply.reasoning ?? null,
      noText: expected,
    })
    expect(raw.message).toEqual(reply.toolCalls ? { tool_calls: reply.toolCalls } : undefined)
  })

  it('keeps the finish reason of an answer cut by its length', async () => {
    const model = await modelAgainst({ text: 'half', finishReason: 'length' })
    expect(await model.complete(request, signal)).toMatchObject({ text: 'half', finishReason: 'length' })
  })

  it('hears the comments of a stream that is slow but alive', async () => {
    const model = await modelAgainst(
      { text: 'slowly but surely', trickleMs: 70 },
      { stream: true, stallSeconds: 0.3 },
    )
    const start = performance.now()
    expect(await model.complete(request, signal)).toMatchObject({
      text: 'slowly but surely',
      finishReason: 'stop',
    })
    expect(performance.now() - start).toBeGreaterThan(600)
  })

  it('reads a whole answer where a stream was asked for', async () => {
    const model = await modelAgainst(
      { body: { choices: [{ message: { content: 'whole' } }] } },
      { stream: true },
    )
    expect(await model.complete(request, signal)).toMatchObject({ text: 'whole', finishReason: null })
  })

  it('records the attempts that failed before the answer, and before the failure', async () => {
    const model = await modelAgainst((count) => (count === 0 ? { status: 500 } : { text: 'ok' }), {
      maxAttempts: 2,
    })
    expect(await model.complete(request, signal)).toMatchObject({
      text: 'ok',
      attempts: 2,
      raw: { failedAttempts: [{ code: 'server_error', status: 500 }] },
    })
    const failing = await modelAgainst((count) => (count === 0 ? { status: 500 } : { status: 400 }), {
      maxAttempts: 3,
    })
    await expect(failing.complete(request, signal)).rejects.toMatchObject({
      code: 'bad_request',
      attempts: 2,
      raw: { failedAttempts: [{ code: 'server_error', status: 500 }] },
    })
  })
})
