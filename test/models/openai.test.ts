import { afterEach, describe, expect, it } from 'vitest'
import { ModelError, UsageError } from '../../src/errors.ts'
import { createModel, type ModelRequest } from '../../src/models/index.ts'
import type { ModelConfig } from '../../src/run-file.ts'
import {
  startOpenAIServer,
  type ChatRequest,
  type OpenAIServer,
  type Reply,
} from '../support/openai-server.ts'

let server: OpenAIServer | null = null
afterEach(async () => {
  await server?.close()
  server = null
})

const request: ModelRequest = {
  messages: [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'hello \u{1F600}' },
  ],
  sampling: { temperature: 0.5, maxTokens: 10, extra: { top_k: 7 } },
  wantTokens: false,
  seed: 1,
}
const signal = new AbortController().signal

async function modelAgainst(
  reply: (body: ChatRequest, count: number) => Reply,
  config: Partial<ModelConfig> = {},
  key?: string,
) {
  server = await startOpenAIServer(reply, key === undefined ? {} : { key })
  return createModel({ provider: 'openai', name: 'test-model', baseUrl: server.baseUrl, ...config })
}

describe.each(['openai', 'huggingface'] as const)('the %s adapter', (provider) => {
  it.each([false, true])(
    'sends messages, sampling and unknown fields; reads text, reasoning and usage (stream %s)',
    async (stream) => {
      const model = await modelAgainst(
        () => ({
          text: 'good day \u{1F600}',
          reasoning: 'they greet',
          finishReason: 'length',
          usage: {
            prompt_tokens: 11,
            completion_tokens: 5,
            prompt_tokens_details: { cached_tokens: 4 },
            completion_tokens_details: { reasoning_tokens: 2 },
          },
        }),
        { stream, provider, prices: { input: 1, output: 2, cached: 0.5 } },
      )
      const response = await model.complete(request, signal)
      expect(response).toMatchObject({
        text: 'good day \u{1F600}',
        reasoning: 'they greet',
        finishReason: 'length',
        usage: { inputTokens: 11, outputTokens: 5, cachedTokens: 4, reasoningTokens: 2 },
        costSource: 'prices',
        attempts: 1,
        requestId: 'chatcmpl-0',
      })
      expect(response.costUsd).toBeCloseTo((7 * 1 + 4 * 0.5 + 5 * 2) / 1e6, 12)
      expect(server?.seen[0]?.body).toMatchObject({
        messages: request.messages,
        temperature: 0.5,
        max_tokens: 10,
        top_k: 7,
      })
    },
  )

  it('tries again on 429 and 500, honours Retry-After, counts the attempts', async () => {
    const model = await modelAgainst(
      (_, count) =>
        count === 0
          ? { status: 429, headers: { 'retry-after': '0.05' } }
          : count === 1
            ? { status: 500 }
            : { text: 'at last' },
      { provider },
    )
    const response = await model.complete(request, signal)
    expect(response).toMatchObject({ text: 'at last', attempts: 3 })
  })

  it('does not try again on 401, and says which setting to look at', async () => {
    process.env.DESCENT_TEST_KEY = 'wrong-key-9d2f'
    const model = await modelAgainst(
      () => ({ text: 'never' }),
      { apiKeyEnv: 'DESCENT_TEST_KEY', provider },
      'right',
    )
    const error = await model.complete(request, signal).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ModelError)
    expect(error).toMatchObject({ code: 'unauthorized', status: 401, attempts: 1 })
    expect(String(error)).toContain('apiKeyEnv')
    expect(String(error)).not.toContain('wrong-key-9d2f')
  })

  it('gives up when aborted', async () => {
    const model = await modelAgainst(() => ({ text: 'late', delayMs: 5000 }), { provider })
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('enough')), 50)
    await expect(model.complete(request, controller.signal)).rejects.toThrow('enough')
  })

  it('names a server that is not there', async () => {
    const model = createModel({ provider, name: 'm', baseUrl: 'http://127.0.0.1:9/v1', maxAttempts: 1 })
    await expect(model.complete(request, signal)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('127.0.0.1:9'),
    })
  })
})

describe('the openai adapter', () => {
  it('reads token ids and logprobs where the engine gives them', async () => {
    const model = await modelAgainst(() => ({ text: 'ok', tokenIds: [5, 6] }), { tokens: true })
    const response = await model.complete({ ...request, wantTokens: true }, signal)
    expect(response.tokens).toEqual({
      source: 'engine',
      prompt: Int32Array.from([1, 2, 3]),
      completion: Int32Array.from([5, 6]),
      logprobs: Float32Array.from([-0.5, -0.5]),
    })
    expect((await model.complete(request, signal)).tokens).toBeNull()
  })

  it('takes a null content for an empty text, as thinking models send it', async () => {
    const model = await modelAgainst(() => ({ reasoning: 'hm' }))
    expect(await model.complete(request, signal)).toMatchObject({ text: '', reasoning: 'hm' })
  })

  it('keeps unknown fields of the answer', async () => {
    const model = await modelAgainst(() => ({ text: 'x' }))
    expect((await model.complete(request, signal)).raw).toMatchObject({ system_fingerprint: 'fp_test' })
  })

  it('calls a prompt that does not fit context_length and does not try again', async () => {
    const model = await modelAgainst(() => ({
      status: 400,
      body: { error: { message: "This model's maximum context length is 8192 tokens" } },
    }))
    await expect(model.complete(request, signal)).rejects.toMatchObject({
      code: 'context_length',
      attempts: 1,
    })
  })

  it('tells an answer that is no completion', async () => {
    const model = await modelAgainst(() => ({ body: { error: { message: 'model is loading' } } }), {
      maxAttempts: 1,
    })
    await expect(model.complete(request, signal)).rejects.toMatchObject({
      code: 'bad_response',
      message: 'model is loading',
    })
  })

  it('checks the key before a run', async () => {
    process.env.DESCENT_TEST_KEY = 'wrong'
    const model = await modelAgainst(() => ({}), { apiKeyEnv: 'DESCENT_TEST_KEY' }, 'right')
    await expect(model.check(signal)).rejects.toMatchObject({ code: 'unauthorized' })
  })

  it('names the variable of a missing key', () => {
    expect(() => createModel({ provider: 'openai', name: 'm', apiKeyEnv: 'DESCENT_NO_SUCH_KEY' })).toThrow(
      UsageError,
    )
    expect(() => createModel({ provider: 'openai', name: 'm', apiKeyEnv: 'DESCENT_NO_SUCH_KEY' })).toThrow(
      'DESCENT_NO_SUCH_KEY',
    )
  })
})
