// Benchmarks that are scored with a model: LongBench Pro's summaries with an embedding server, BrowseComp-Plus with
// a judge, both over HTTP.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRewardTools } from '../../api/reward-tools.ts'
import { citationFigures, citedIds } from '../../rewards/benchmarks/browsecomp-plus-judge.ts'
import { bindReward } from '../../rewards/index.ts'
import type { Json } from '../../src/json.ts'
import type { RewardTask } from '../../src/reward.ts'
import { startOpenAIServer, type OpenAIServer } from '../support/openai-server.ts'
import { trajectory } from './sample.ts'

let chat: OpenAIServer
let embeddings: Server
let reply = ''
let asked = ''
/** What the embedding server was sent, and what it says for each text. */
let texts: string[] = []
let vectorOf: (text: string) => number[] | null = () => [1, 0]
let embeddingUrl = ''
const opened = openRewardTools({ signal: new AbortController().signal })
const { tools } = opened

beforeAll(async () => {
  chat = await startOpenAIServer(({ messages }) => {
    asked = messages.map(({ content }) => content).join('\n')
    return { text: reply, usage: { prompt_tokens: 1000, completion_tokens: 100 } }
  })
  embeddings = createServer((request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      texts = (JSON.parse(body) as { input: string[] }).input
      const data = texts.flatMap((text, index) => {
        const embedding = vectorOf(text)
        return embedding ? [{ object: 'embedding', index, embedding }] : []
      })
      response.setHeader('content-type', 'application/json')
      // In another order than they were asked for: only the index counts.
      response.end(JSON.stringify({ model: 'e', data: data.toReversed(), usage: { prompt_tokens: 500_000 } }))
    })
  })
  await new Promise<void>((resolve) => embeddings.listen(0, '127.0.0.1', resolve))
  embeddingUrl = `http://127.0.0.1:${(embeddings.address() as AddressInfo).port}/v1`
})
afterAll(async () => {
  await opened.close()
  await chat.close()
  await new Promise((resolve) => embeddings.close(resolve))
})

function task(answer: Json, metadata: Record<string, Json>): RewardTask {
  return { id: 't', prompt: 'a question\n\nand its form', answer, metadata }
}

describe('LongBench Pro summaries', () => {
  const secondary = { secondary_task: 'T4.2 Query-Focused Summary', language: 'English' }
  const embedding = () => ({
    provider: 'openai',
    name: 'e',
    baseUrl: embeddingUrl,
    maxAttempts: 1,
    prices: { input: 2, output: 0 },
  })

  test('half of the best cosine, half of the best ROUGE-L', async () => {
    const bound = bindReward({ name: 'longbench_pro', options: { embedding: embedding() } })
    vectorOf = (text) => (text.startsWith('the cat') ? [3, 4] : text.startsWith('a dog') ? [0, 2] : [4, 3])
    const golds = ['The cat  sat', 'A dog ran']
    const scored = await bound.score(task(golds, secondary), trajectory({ answer: 'The cat ran' }), tools)
    expect(texts).toEqual(['the cat sat', 'a dog ran', 'the cat ran'])
    // Cosines: 1 (the same vector), 8/10. ROUGE-L: 2 of 3 words with the first.
    expect(scored.details).toMatchObject({ metric: 'Summary', similarity: 1, costUsd: 1 })
    expect(scored.value).toBeCloseTo(0.5 + 0.5 * (2 / 3), 6)
  })

  test('Chinese is cut into words; nothing is asked for an empty answer', async () => {
    const bound = bindReward({ name: 'longbench_pro', options: { embedding: embedding() } })
    vectorOf = () => [1, 0]
    const chinese = task(['我来到北京清华大学'], { ...secondary, language: 'Chinese' })
    const scored = await bound.score(chinese, trajectory({ answer: '我来到北京' }), tools)
    // 我 来到 北京, of 我 来到 北京 清华大学: recall 3/4, precision 1.
    expect(scored.details?.['rouge']).toBeCloseTo(6 / 7, 6)
    texts = []
    expect((await bound.score(chinese, trajectory({ answer: '  ' }), tools)).value).toBe(0)
    expect(texts).toEqual([])
  })

  test('no model, and a server that leaves a text out, are errors', async () => {
    const answered = trajectory({ answer: 'x' })
    const without = bindReward({ name: 'longbench_pro' }).score(task(['y'], secondary), answered, tools)
    await expect(without).rejects.toThrow(/need an embedding model: options: \{embedding:/)
    vectorOf = (text) => (text === 'x' ? null : [1])
    const bound = bindReward({ name: 'longbench_pro', options: { embedding: embedding() } })
    await expect(bound.score(task(['y'], secondary), answered, tools)).rejects.toThrow(
      /did not answer with one embedding for each of 2 texts/,
    )
  })
})

test('a judge can have its reply held to a schema', async () => {
  const model = { provider: 'openai', name: 'judge', baseUrl: chat.baseUrl, maxAttempts: 1 }
  reply = '{"reason": "fine", "score": 1}'
  const bind = (structured: boolean) => bindReward({ name: 'judge', options: { model, structured } })
  await bind(true).score(task('G', {}), trajectory({ answer: 'A' }), tools)
  expect(chat.seen.at(-1)?.body['response_format']).toMatchObject({
    type: 'json_schema',
    json_schema: { strict: true, schema: { required: ['reason', 'score'], additionalProperties: false } },
  })
  await bind(false).score(task('G', {}), trajectory({ answer: 'B' }), tools)
  expect(chat.seen.at(-1)?.body).not.toHaveProperty('response_format')
})

describe('BrowseComp-Plus by its judge', () => {
  const options = () => ({
    model: {
      provider: 'openai',
      name: 'judge',
      baseUrl: chat.baseUrl,
      maxAttempts: 1,
      prices: { input: 1, output: 10 },
    },
  })
  const gold = task('Ada {response}', { question: 'Who?', evidence_docids: ['12', '7'] })
  const answered = trajectory({
    answer: 'Explanation: it says so [12, 99]【7】\nExact Answer: Ada\nConfidence: 80%',
  })

  test('asks with question, response and gold, and reads the verdict', async () => {
    reply =
      '<think>correct: no?</think>extracted_final_answer: Ada\nreasoning: same\n**correct:** yes\nconfidence: 80%'
    const scored = await bindReward({ name: 'browsecomp_plus_judge', options: options() }).score(
      gold,
      answered,
      tools,
    )
    expect(scored.value).toBe(1)
    expect(scored.details).toMatchObject({
      verdict: { extracted_final_answer: 'Ada', correct: true, confidence: 80 },
      citations: { cited: 3, relevant: 2, precision: 2 / 3, recall: 1 },
      costUsd: 0.002,
    })
    expect(asked).toContain('[question]: Who?')
    // A text that is put in is not a template itself.
    expect(asked).toContain('[correct_answer]: Ada {response}')
    reply = 'correct: no'
    const wrong = { ...answered, answer: 'Exact Answer: Bob' }
    const bound = bindReward({ name: 'browsecomp_plus_judge', options: options() })
    expect((await bound.score(gold, wrong, tools)).value).toBe(0)
  })

  test('a template of one’s own; a reply without a verdict is an error', async () => {
    const template = 'Q {question} R {response} C {correct_answer}'
    reply = 'correct: yes'
    const own = bindReward({ name: 'browsecomp_plus_judge', options: { ...options(), template } })
    await own.score(task('G', {}), trajectory({ answer: 'A' }), tools)
    expect(asked).toBe('Q a question\n\nand its form R A C G')
    const cut = { ...options(), template: 'Q {question}' }
    expect(() => bindReward({ name: 'browsecomp_plus_judge', options: cut })).toThrow(
      /template: must have the places/,
    )
    reply = 'I think so'
    await expect(own.score(task('G', {}), trajectory({ answer: 'B' }), tools)).rejects.toThrow(
      /the judge replied "I think so"/,
    )
    expect((await own.score(task('G', {}), trajectory({ answer: null }), tools)).value).toBe(0)
  })

  test('citations are the numbers in either kind of brackets', () => {
    expect(citedIds('a [1] b [2, x 3] 【4】[【5】] [no] 6')).toEqual(['1', '2', '3', '4', '5'])
    expect(citationFigures('nothing', ['1'])).toEqual({ cited: 0, relevant: 1, precision: 0, recall: 0 })
    expect(citationFigures('[1]', undefined)).toBeNull()
  })
})
