// The key of a model's server reaches that server and nothing else: it is searched for in the whole
// store, in everything that is printed and in every file, after servers did their best to give it away.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createScriptedModel, type Message } from '../../src/models/index.ts'
import { createWorkplace, descent, type CliResult, type Workplace } from '../support/cli.ts'
import { startOpenAIServer, type OpenAIServer, type Reply } from '../support/openai-server.ts'
import { dumpStore } from '../support/store-dump.ts'

const key = 'sk-live-7Qm2vX9pR4tLw8Zk'
const marker = 'marker-5e2a1f'
const env = { DESCENT_TEST_SECRET: key, DESCENT_LOG: 'trace', DEBUG: '*', OPENAI_LOG: 'debug' }

let workplace: Workplace
let working: OpenAIServer
let telling: OpenAIServer
let results: CliResult[]

/** Ways in which servers repeat the key that they were sent. */
const tells: Reply[] = [
  { status: 500, body: { error: { message: `cannot serve Bearer ${key}` } } },
  { status: 400, body: `<html><body>authorization: Bearer ${key}</body></html>`, contentType: 'text/html' },
  { body: { error: { message: `bad key ${key}`, code: 503 } } },
  { body: `upstream said: ${key}`, contentType: 'text/plain' },
  {
    body: {
      id: `id-${key}`,
      choices: [{ message: { content: `${marker} ${key}` } }],
      debug: { headers: { authorization: key } },
    },
  },
  { status: 429, body: { error: { message: `${key} is over its rate` } } },
]

beforeAll(async () => {
  workplace = await createWorkplace()
  const careful = createScriptedModel('careful')
  working = await startOpenAIServer(
    async (body) => {
      const request = { messages: body.messages as Message[], sampling: {}, wantTokens: false, seed: 1 }
      return { text: (await careful.complete(request, new AbortController().signal)).text }
    },
    { key },
  )
  telling = await startOpenAIServer((_, count) => tells[count % tells.length] as Reply, { key })
  results = [
    await collect(
      'all',
      { name: 'good', baseUrl: working.baseUrl },
      { name: 'telling', baseUrl: telling.baseUrl },
    ),
    await collect('root', { name: 'telling', baseUrl: telling.baseUrl, stream: true }, undefined),
    await collect('gone', { name: 'gone', baseUrl: 'http://127.0.0.1:9/v1' }, undefined),
  ]
}, 120_000)
afterAll(async () => {
  await working.close()
  await telling.close()
  await workplace.dispose()
})

async function collect(name: string, model: object, subModel: object | undefined): Promise<CliResult> {
  const common = { provider: 'openai', apiKeyEnv: 'DESCENT_TEST_SECRET', maxAttempts: 1 }
  const file = path.join(workplace.directory, `${name}.yaml`)
  const content = {
    name,
    tasks: { taskset: 'factbook', options: { count: 4, maxCharacters: 40_000, seed: 3 } },
    model: { ...common, ...model },
    ...(subModel ? { subModel: { ...common, ...subModel } } : {}),
    rollouts: 3,
    limits: { maxTurns: 5 },
    rewards: ['auto'],
  }
  await writeFile(file, JSON.stringify(content))
  return await descent(['collect', file, '--json', '--store', workplace.store], { env })
}

describe('the key', () => {
  it('was sent to both servers, and sent back by one of them', () => {
    for (const server of [working, telling]) {
      expect(server.seen.length).toBeGreaterThan(tells.length)
      expect(server.seen.every(({ headers }) => headers.authorization === `Bearer ${key}`)).toBe(true)
    }
    expect(results.map(({ code }) => code)).toContain(2)
  })

  it('is in no row of the store', async () => {
    const tables = await dumpStore(workplace.store)
    const text = JSON.stringify([...tables])
    // What stood around it is there, so that a search for it would find it.
    expect(text).toContain(marker)
    expect(text).toContain('cannot serve Bearer [key]')
    expect(text).not.toContain(key)
    expect(text).not.toContain(Buffer.from(key).toString('base64').slice(0, 20))
    expect((tables.get('calls') ?? []).length).toBeGreaterThan(10)
  })

  it('is in nothing that was printed', () => {
    for (const { stdout, stderr } of results) {
      expect(stderr.length).toBeGreaterThan(0)
      expect(`${stdout}${stderr}`).not.toContain(key)
    }
  })

  it('is in no file that was written', async () => {
    const entries = await readdir(workplace.directory, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    // The run files and tasks; the store too, where it is a directory.
    expect(files.length).toBeGreaterThan(2)
    const holders: string[] = []
    for (const file of files) {
      const name = path.join(file.parentPath, file.name)
      const bytes = await readFile(name).catch(() => Buffer.alloc(0))
      if (bytes.includes(key)) holders.push(name)
    }
    expect(holders).toEqual([])
  })

  it.each<[string, object, string]>([
    ['an address', { baseUrl: `http://user:${key}@127.0.0.1:9/v1` }, 'apiKeyEnv'],
    ['the query of an address', { baseUrl: `http://127.0.0.1:9/v1?api_key=${key}` }, 'apiKeyEnv'],
    ['the name of its variable', { apiKeyEnv: key }, 'environment variable'],
    ['a field that there is not', { apiKey: key }, 'apiKeyEnv'],
  ])('is refused in %s, and not repeated', async (_, model, told) => {
    const result = await collect('misplaced', { name: 'm', ...model }, undefined)
    expect(result.code).toBe(2)
    expect(result.stderr).toContain(told)
    expect(result.stderr).not.toContain(key)
  })
})
