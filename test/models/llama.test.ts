// Token data of a real language model: a tiny llama, run by node-llama-cpp behind the HTTP server of the
// tests. Runs where DESCENT_TEST_GGUF names a model file and node-llama-cpp can be imported (it is no
// dependency; DESCENT_TEST_LLAMA may name the directory in which it was installed).
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createModel, type Message } from '../../src/models/index.ts'
import { createTokenChains, reassemble, type StoredTokens } from '../../src/models/token-deltas.ts'
import { startOpenAIServer, type OpenAIServer, type Reply } from '../support/openai-server.ts'

interface Llama {
  loadModel(options: object): Promise<LlamaModel>
  dispose(): Promise<void>
}
interface LlamaModel {
  tokenize(text: string): number[]
  detokenize(ids: number[]): string
  createContext(options: object): Promise<{ getSequence(): LlamaSequence }>
}
interface LlamaSequence {
  controlledEvaluate(
    input: unknown[],
  ): Promise<({ next: { token: number; confidence: number } } | undefined)[]>
  clearHistory(): Promise<void>
}

const gguf = process.env.DESCENT_TEST_GGUF
const library = await importLibrary()
const signal = new AbortController().signal

async function importLibrary(): Promise<{ getLlama(options: object): Promise<Llama> } | null> {
  if (!gguf) return null
  try {
    const from = path.join(process.env.DESCENT_TEST_LLAMA ?? import.meta.dirname, 'package.json')
    const file = createRequire(from).resolve('node-llama-cpp')
    return (await import(pathToFileURL(file).href)) as { getLlama(options: object): Promise<Llama> }
  } catch {
    return null
  }
}

describe.skipIf(library === null)('a real llama', () => {
  let llama: Llama
  let model: LlamaModel
  let sequence: LlamaSequence
  let server: OpenAIServer
  /** Whether history is rendered from the ids that were sampled, or from their text. */
  let exact = true
  const sampled = new Map<string, number[]>()

  beforeAll(async () => {
    llama = (await library?.getLlama({ build: 'never', gpu: false, logLevel: 'error' })) as Llama
    model = await llama.loadModel({ modelPath: gguf })
    sequence = (await model.createContext({ contextSize: 512, threads: 1 })).getSequence()
    server = await startOpenAIServer(async (body) => await generate(body.messages as Message[]))
  }, 60_000)
  afterAll(async () => {
    await server.close()
    await llama.dispose()
  })

  function render(messages: Message[]): number[] {
    if (!exact) return model.tokenize(messages.map(({ content }) => content).join(''))
    return messages.flatMap(({ content }) => sampled.get(content) ?? model.tokenize(content))
  }

  async function generate(messages: Message[]): Promise<Reply> {
    const promptTokenIds = render(messages)
    const tokenIds: number[] = []
    const logprobs: number[] = []
    await sequence.clearHistory()
    let input = promptTokenIds
    while (tokenIds.length < 16) {
      const options = { temperature: 3, topK: 0, topP: 1, seed: 5 + tokenIds.length * messages.length }
      const last = [input.at(-1), { generateNext: { token: true, confidence: true, options } }]
      const result = await sequence.controlledEvaluate([...input.slice(0, -1), last])
      const next = result.at(-1)?.next
      if (!next) throw new Error('the model gave no token')
      tokenIds.push(next.token)
      logprobs.push(Math.log(next.confidence))
      input = [next.token]
    }
    const text = model.detokenize(tokenIds)
    sampled.set(text, tokenIds)
    const usage = { prompt_tokens: promptTokenIds.length, completion_tokens: tokenIds.length }
    return { text, tokenIds, promptTokenIds, logprobs, usage }
  }

  it.each([true, false])('is recorded token by token (history rendered from ids: %s)', async (fromIds) => {
    exact = fromIds
    const asked = createModel({ provider: 'openai', name: 'llama', baseUrl: server.baseUrl, tokens: true })
    const chains = createTokenChains()
    const rows = new Map<string, StoredTokens>()
    const sent = new Map<string, Reply>()
    const messages: Message[] = [{ role: 'user', content: 'Once upon a time' }]
    let before: number[] = []
    for (let turn = 0; turn < 5; turn++) {
      const id = `call-${turn}`
      const { tokens, text, usage } = await asked.complete(
        { messages, sampling: {}, wantTokens: true, seed: 1 },
        signal,
      )
      const reply = server.seen.at(-1)?.reply as Required<Reply>
      const placed = chains.place('root', id, tokens)
      const prompt = reply.promptTokenIds
      expect(placed.extends).toBe(turn === 0 ? null : before.every((token, index) => prompt[index] === token))
      expect(usage?.outputTokens).toBe(reply.tokenIds.length)
      rows.set(id, {
        callId: id,
        baseCallId: placed.baseCallId,
        prompt: placed.prompt,
        completion: tokens?.completion ?? null,
        logprobs: tokens?.logprobs ?? null,
      })
      sent.set(id, reply)
      before = [...prompt, ...reply.tokenIds]
      messages.push({ role: 'assistant', content: text }, { role: 'user', content: ' One day' })
    }
    for (const [id, reply] of sent) {
      const whole = reassemble(rows, id)
      expect(whole.prompt).toEqual(Int32Array.from(reply.promptTokenIds ?? []))
      expect(whole.completion).toEqual(Int32Array.from(reply.tokenIds ?? []))
      expect(whole.logprobs).toEqual(Float32Array.from(reply.logprobs ?? []))
      expect(whole.logprobs?.every((logprob) => logprob <= 0 && logprob > -20)).toBe(true)
    }
    const extended = [...rows.values()].slice(1).filter(({ baseCallId }) => baseCallId !== null).length
    process.stdout.write(
      `history from ${fromIds ? 'ids' : 'text'}: ${extended} of 4 prompts extend the sequence\n`,
    )
  })
})
