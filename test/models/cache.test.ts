// The response cache: an equal request at temperature 0 is sent once, also across processes.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createDirectoryCache,
  createModel,
  type ModelRequest,
  type ModelResponse,
} from '../../src/models/index.ts'
import type { ModelConfig } from '../../src/run-file.ts'
import { temporaryDirectory } from '../support/directory.ts'
import { startOpenAIServer, type OpenAIServer } from '../support/openai-server.ts'

const signal = new AbortController().signal
let directory: string
let server: OpenAIServer
beforeEach(async () => {
  directory = await temporaryDirectory('cache')
  server = await startOpenAIServer((body, count) => ({
    text: `answer ${count} to ${body.messages[0]?.content}`,
    tokenIds: [count, 8],
    logprobs: [-9999, -1.5],
  }))
})
afterEach(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

const prices = { input: 1, output: 1 }
function modelWith(config: Partial<ModelConfig> = {}) {
  return createModel({
    provider: 'openai',
    name: 'm',
    baseUrl: server.baseUrl,
    prices,
    cache: directory,
    ...config,
  })
}

function ask(content: string, sampling: ModelRequest['sampling'] = { temperature: 0 }): ModelRequest {
  return { messages: [{ role: 'user', content }], sampling, wantTokens: true, seed: Math.random() }
}

async function files(): Promise<string[]> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true })
  return names.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
}

describe('the response cache', () => {
  it('gives an equal request its answer again, marked, for nothing', async () => {
    const first = await modelWith({ tokens: true }).complete(ask('a'), signal)
    const again = await modelWith({ tokens: true }).complete(ask('a'), signal)
    expect(server.seen).toHaveLength(1)
    expect(first).toMatchObject({ text: 'answer 0 to a', attempts: 1, costSource: 'prices' })
    expect(again).toEqual({
      ...first,
      usage: { inputTokens: 0, outputTokens: 0, cachedTokens: 0, reasoningTokens: 0 },
      costUsd: 0,
      costSource: 'cache',
      attempts: 0,
      raw: { ...first.raw, cache: 'hit' },
    })
    expect(again.tokens?.logprobs).toEqual(Float32Array.of(Number.NaN, -1.5))
  })

  it.each<[string, Partial<ModelConfig>, ModelRequest]>([
    ['another prompt', {}, ask('b')],
    ['another sampling', {}, ask('a', { temperature: 0, maxTokens: 5 })],
    ['another model', { name: 'n' }, ask('a')],
    ['another wish for tokens', { tokens: true }, ask('a')],
  ])('%s is another request', async (_, config, request) => {
    await modelWith().complete(ask('a'), signal)
    expect((await modelWith(config).complete(request, signal)).attempts).toBe(1)
    expect(server.seen).toHaveLength(2)
  })

  it.each<[string, Partial<ModelConfig>, ModelRequest['sampling']]>([
    ['at another temperature', {}, { temperature: 0.7 }],
    ['at the temperature of the server', {}, {}],
    ['that is off', { cache: false }, { temperature: 0 }],
  ])('keeps out of a request %s', async (_, config, sampling) => {
    for (let round = 0; round < 2; round++) await modelWith(config).complete(ask('a', sampling), signal)
    expect(server.seen).toHaveLength(2)
    expect(await files()).toEqual([])
  })

  it('takes a damaged file for none, and mends it', async () => {
    await modelWith().complete(ask('a'), signal)
    const [file = ''] = await files()
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, 40))
    expect((await modelWith().complete(ask('a'), signal)).text).toBe('answer 1 to a')
    expect((await modelWith().complete(ask('a'), signal)).text).toBe('answer 1 to a')
    expect(server.seen).toHaveLength(2)
  })

  it('never shows half a file to those who read while others write', async () => {
    const cache = createDirectoryCache(directory)
    const response: ModelResponse = {
      text: 'x'.repeat(200_000),
      reasoning: null,
      finishReason: 'stop',
      usage: null,
      costUsd: null,
      costSource: 'none',
      tokens: null,
      requestId: null,
      model: 'm',
      attempts: 1,
      raw: {},
    }
    await cache.set('key', response)
    const writing = Promise.all(Array.from({ length: 40 }, () => cache.set('key', response)))
    const read = await Promise.all(Array.from({ length: 40 }, () => cache.get('key')))
    await writing
    expect(read.every((found) => found?.text.length === 200_000)).toBe(true)
    expect(await files()).toHaveLength(1)
  })
})
