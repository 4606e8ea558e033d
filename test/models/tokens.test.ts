// Token data: what an engine sends is stored as it sent it, in linear size, and comes back exactly. The
// engine here has a chat template, so that one which rewrites history shows.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { array, assert as assertProperty, integer, property } from 'fast-check'
import { UsageError } from '../../src/errors.ts'
import { newId } from '../../src/ids.ts'
import { createModel, type Message } from '../../src/models/index.ts'
import {
  createTokenChains,
  placePrompt,
  reassemble,
  sequenceOf,
  tokenChain,
} from '../../src/models/token-deltas.ts'
import type { TokenData } from '../../src/models/model.ts'
import type { ModelConfig } from '../../src/run-file.ts'
import type { JournalEntry, Store } from '../../src/store/index.ts'
import { startOpenAIServer, type OpenAIServer, type Reply } from '../support/openai-server.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'
import { aCall, anInvocation, aPlannedRun } from '../store/fixtures.ts'

const signal = new AbortController().signal
const [backend] = backends()
let store: Store
let engine: OpenAIServer
let rewrites = false

/** One id per character; a message opens and closes with an id of its own, as in a real template. */
function render(messages: Message[]): number[] {
  return messages.flatMap(({ role, content }, index) => {
    // Templates of thinking models drop the thoughts of all turns but the last.
    const isOld = index < messages.length - 2
    const shown =
      rewrites && role === 'assistant' && isOld ? content.replace(/^<think>.*?<\/think>/s, '') : content
    return [1000 + role.length, ...encode(shown), 2000]
  })
}

const encode = (text: string) => Array.from(text, (character) => character.codePointAt(0) ?? 0)
const generationPrompt = 1000 + 'assistant'.length

function answer(messages: Message[]): Reply {
  const turn = messages.filter(({ role }) => role === 'assistant').length
  const text = `<think>turn ${turn}</think>answer ${'x'.repeat(turn * 3)}`
  const tokenIds = [...encode(text), 2000]
  return {
    text,
    tokenIds,
    promptTokenIds: [...render(messages), generationPrompt],
    logprobs: tokenIds.map((id, index) => (index === 2 ? -9999 : -(1 + ((id * (turn + 1)) % 97)) / 13)),
  }
}

beforeAll(async () => {
  store = (await backend?.freshStore()) as Store
  engine = await startOpenAIServer((body) => answer(body.messages as Message[]))
})
afterAll(async () => await engine.close())

function modelOf(config: Partial<ModelConfig> = {}) {
  return createModel({ provider: 'openai', name: 'm', baseUrl: engine.baseUrl, tokens: true, ...config })
}

const floats = (values: readonly number[]) =>
  Float32Array.from(values, (value) => (value <= -9999 ? Number.NaN : value))

/** A conversation of `turns` turns, stored as the recorder stores it. */
async function converse(turns: number, config: Partial<ModelConfig> = {}) {
  const { runId, planned } = await aPlannedRun(store, await temporaryDirectory(), { tasks: 1, rollouts: 1 })
  const place = { runId, trajectoryId: planned[0]?.id ?? '' }
  await store.beginTrajectory(place.trajectoryId, new Date().toISOString())
  const invocation = anInvocation(place)
  const entries: JournalEntry[] = [{ table: 'invocations', row: invocation }]
  const chains = createTokenChains()
  const model = modelOf(config)
  const messages: Message[] = [{ role: 'user', content: 'begin' }]
  const sent = new Map<string, { tokens: TokenData; reply: Reply }>()
  const placed: (boolean | null)[] = []
  for (let turn = 0; turn < turns; turn++) {
    const response = await model.complete({ messages, sampling: {}, wantTokens: true, seed: 1 }, signal)
    const reply = engine.seen.at(-1)?.reply ?? {}
    const id = newId()
    const tokens = response.tokens as TokenData
    const where = chains.place(invocation.id, id, tokens)
    placed.push(where.extends)
    sent.set(id, { tokens, reply })
    const call = aCall(place, invocation.id, {
      id,
      tokenSource: 'engine',
      tokenBaseCallId: where.baseCallId,
      promptTokens: where.prompt,
      completionTokens: tokens.completion,
      logprobs: tokens.logprobs,
    })
    entries.push({ table: 'calls', row: call })
    messages.push({ role: 'assistant', content: response.text }, { role: 'user', content: `go on ${turn}` })
  }
  await store.append(entries)
  return { rows: await store.readTokens(place.trajectoryId), sent, placed }
}

describe('token data of a conversation', () => {
  it.each([false, true])('comes back exactly as the engine sent it (stream %s)', async (stream) => {
    rewrites = false
    const { rows, sent, placed } = await converse(6, { stream })
    expect(placed).toEqual([null, true, true, true, true, true])
    expect(rows.size).toBe(6)
    for (const [id, { reply }] of sent) {
      expect(reassemble(rows, id)).toEqual({
        prompt: Int32Array.from(reply.promptTokenIds ?? []),
        completion: Int32Array.from(reply.tokenIds ?? []),
        logprobs: floats(reply.logprobs ?? []),
      })
    }
    // The arrays of all turns together are as long as the last sequence: linear size.
    const last = [...sent.keys()].at(-1) ?? ''
    const whole = reassemble(rows, last)
    const stored = [...rows.values()].reduce(
      (sum, row) => sum + (row.prompt?.length ?? 0) + (row.completion?.length ?? 0),
      0,
    )
    expect(stored).toBe((whole.prompt?.length ?? 0) + (whole.completion?.length ?? 0))
    expect(sequenceOf(rows, last)?.length).toBe(stored)
    expect(sequenceOf(rows, newId())).toBeNull()
    expect(tokenChain(rows, last).map(({ callId }) => callId)).toEqual([...sent.keys()])
  })

  it('a chat template that rewrites history is found out, and nothing is lost', async () => {
    rewrites = true
    const { rows, sent, placed } = await converse(5)
    rewrites = false
    // The second prompt still shows the first thought; from the third on the one before it is gone.
    expect(placed).toEqual([null, true, false, false, false])
    const bases = [...sent.keys()].map((id) => rows.get(id)?.baseCallId ?? null)
    expect(bases).toEqual([null, [...sent.keys()][0], null, null, null])
    for (const [id, { reply }] of sent)
      expect(reassemble(rows, id).prompt).toEqual(Int32Array.from(reply.promptTokenIds ?? []))
  })
})

describe('the ways in which engines send token data', () => {
  const messages: Message[] = [{ role: 'user', content: 'hi' }]
  const ask = async (reply: Reply, config: Partial<ModelConfig>, wantTokens = true) => {
    const server = await startOpenAIServer(() => reply)
    try {
      const model = createModel({
        provider: 'openai',
        name: 'm',
        baseUrl: server.baseUrl,
        maxAttempts: 1,
        ...config,
      })
      const response = await model.complete({ messages, sampling: {}, wantTokens, seed: 1 }, signal)
      return { response, body: server.seen[0]?.body }
    } finally {
      await server.close()
    }
  }

  it('vLLM: ids of the prompt at the root or at the choice', async () => {
    const choice = {
      message: { content: 'a' },
      token_ids: [7],
      prompt_token_ids: [4, 5],
      logprobs: { content: [{ logprob: -1 }] },
    }
    const { response } = await ask({ body: { choices: [choice] } }, { tokens: 'vllm' })
    expect(response.tokens).toEqual({
      source: 'engine',
      prompt: Int32Array.of(4, 5),
      completion: Int32Array.of(7),
      logprobs: Float32Array.of(-1),
    })
  })

  it('SGLang: ids and logprobs of meta_info, and its weight version', async () => {
    const reply: Reply = {
      text: 'ok',
      engine: 'sglang',
      tokenIds: [5, 6],
      promptTokenIds: [9, 8],
      logprobs: [-0.25, -2],
    }
    const { response, body } = await ask(reply, { tokens: 'sglang' })
    expect(body).toMatchObject({
      return_token_ids: true,
      return_prompt_token_ids: true,
      return_meta_info: true,
    })
    expect(response.tokens).toEqual({
      source: 'engine',
      prompt: Int32Array.of(9, 8),
      completion: Int32Array.of(5, 6),
      logprobs: Float32Array.of(-0.25, -2),
    })
    expect(response.policyVersion).toBe('step-7')
    expect(JSON.stringify(response.raw)).not.toContain('output_token_logprobs')
    expect(() =>
      createModel({
        provider: 'openai',
        name: 'm',
        baseUrl: 'http://127.0.0.1:9',
        stream: true,
        tokens: 'sglang',
      }),
    ).toThrow(UsageError)
  })

  it.each([false, true])('llama.cpp: ids of the logprobs, no prompt ids (stream %s)', async (stream) => {
    const { response, body } = await ask(
      { text: 'ok', engine: 'llamacpp', tokenIds: [5, 6] },
      { tokens: 'llamacpp', stream },
    )
    expect(body).toMatchObject({ logprobs: true })
    expect(body).not.toHaveProperty('return_token_ids')
    expect(response.tokens).toEqual({
      source: 'engine',
      prompt: null,
      completion: Int32Array.of(5, 6),
      logprobs: Float32Array.of(-0.5, -0.5),
    })
  })

  it('asks for none unless both the caller and the config want it', async () => {
    const reply = { text: 'ok', tokenIds: [5, 6] }
    for (const [config, want] of [
      [{}, true],
      [{ tokens: false }, true],
      [{ tokens: true }, false],
    ] as const) {
      const { response, body } = await ask(reply, config, want)
      expect(response.tokens).toBeNull()
      expect(body).not.toHaveProperty('logprobs')
    }
  })

  it('drops logprobs that do not fit the ids, and says so', async () => {
    const { response } = await ask(
      {
        text: 'ok',
        tokenIds: [5, 6],
        logprobs: [-1],
        body: {
          choices: [
            { message: { content: 'a' }, token_ids: [7, 8], logprobs: { content: [{ logprob: -1 }] } },
          ],
        },
      },
      { tokens: true },
    )
    expect(response.tokens).toMatchObject({ completion: Int32Array.of(7, 8), logprobs: null })
    expect(response.raw.tokenProblem).toContain('1 logprobs came with 2 token ids')
  })
})

describe('deltas', () => {
  const ids = array(integer({ min: 0, max: 3 }), { maxLength: 8 })

  it('a prompt extends a sequence exactly when it begins with it', () => {
    assertProperty(
      property(ids, ids, (before, prompt) => {
        const placed = placePrompt(Int32Array.from(before), Int32Array.from(prompt))
        expect(placed.extends).toBe(before.every((id, index) => prompt[index] === id))
        expect(placed).toEqual(
          placed.extends
            ? { extends: true, delta: Int32Array.from(prompt.slice(before.length)) }
            : { extends: false, whole: Int32Array.from(prompt) },
        )
      }),
    )
  })

  it('invocations have chains of their own; one that is continued goes on where it was', () => {
    const tokens = (prompt: number[], completion: number[]): TokenData => ({
      source: 'engine',
      prompt: Int32Array.from(prompt),
      completion: Int32Array.from(completion),
      logprobs: null,
    })
    const chains = createTokenChains()
    expect(chains.place('a', '1', tokens([1], [2]))).toEqual({
      baseCallId: null,
      prompt: Int32Array.of(1),
      extends: null,
    })
    expect(chains.place('b', '2', tokens([1, 2, 3], [4])).baseCallId).toBeNull()
    expect(chains.place('a', '3', null)).toEqual({ baseCallId: null, prompt: null, extends: null })
    expect(chains.place('a', '4', tokens([1, 2, 3], [4]))).toEqual({
      baseCallId: '1',
      prompt: Int32Array.of(3),
      extends: true,
    })
    chains.end('a')
    chains.continue('a', '4', Int32Array.of(1, 2, 3, 4))
    expect(chains.place('a', '5', tokens([1, 2, 3, 4, 5], []))).toMatchObject({
      baseCallId: '4',
      extends: true,
    })
  })

  it('a chain with a hole or a circle is an error', () => {
    const row = (callId: string, baseCallId: string | null) => ({
      callId,
      baseCallId,
      prompt: null,
      completion: null,
      logprobs: null,
    })
    expect(() => reassemble(new Map([['b', row('b', 'a')]]), 'b')).toThrow('a is missing')
    expect(() =>
      reassemble(
        new Map([
          ['a', row('a', 'b')],
          ['b', row('b', 'a')],
        ]),
        'b',
      ),
    ).toThrow('own base')
  })
})
