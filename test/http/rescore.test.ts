// Scoring of a stored run through the API: what is missing is computed, what is there is left, and how far it
// is comes line by line; the model behind is a scripted server.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { neededScope } from '../../api/http/access.ts'
import { createApp, type Api } from '../../api/http/app.ts'
import { type Jobs, openJobs } from '../../api/http/jobs.ts'
import type { ScoringLine } from '../../api/http/routes/rescore.ts'
import type { Store } from '../../src/store/index.ts'
import { type OpenAIServer, startOpenAIServer } from '../support/openai-server.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'

const [embedded] = backends()
let store: Store
let app: Api
let jobs: Jobs
let server: OpenAIServer
let run: string
/** Of the judge; the test says how long it takes. */
let judging: Promise<unknown> = Promise.resolve()

beforeAll(async () => {
  if (!embedded) throw new Error('no store')
  store = await embedded.freshStore()
  const directory = await temporaryDirectory()
  const tasks = ['one', 'two', 'three'].map((id) => ({ id, prompt: `Say ${id}.`, context: id, answer: id }))
  await writeFile(join(directory, 'tasks.jsonl'), tasks.map((task) => JSON.stringify(task)).join('\n'))
  server = await startOpenAIServer(async ({ messages }) => {
    if (messages.some(({ content }) => content.includes('JUDGE'))) {
      await judging
      return { text: '{"score": 1, "reason": "so"}' }
    }
    return { text: '```repl\nanswer["content"] = "one"\nanswer["ready"] = True\n```' }
  })
  jobs = openJobs(store, directory)
  app = createApp(store, { webDirectory: null, jobs })
  run = await jobs.start({
    name: 'to be scored',
    tasks: 'tasks.jsonl',
    rollouts: 2,
    rewards: ['exact'],
    model: { provider: 'openai', name: 'm', baseUrl: server.baseUrl },
  })
  for (let waited = 0; jobs.running(run) && waited < 300; waited++)
    await new Promise((resolve) => setTimeout(resolve, 100))
})

afterAll(async () => {
  await jobs.close()
  await server.close()
})

const score = async (body: unknown, signal?: AbortSignal) =>
  await app.request(`/v1/runs/${run}/scores`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })
const linesOf = async (response: Response) =>
  (await response.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ScoringLine)

test('what is scored is left, what is not is computed, and all of it on demand', async () => {
  expect((await linesOf(await score({}))).at(-1)).toMatchObject({
    done: true,
    of: 6,
    trajectories: 6,
    scores: 0,
    skipped: 6,
    meanReward: expect.closeTo(1 / 3) as number,
  })
  const other = { name: 'contains', weight: 0.5 }
  expect((await linesOf(await score({ rewards: ['exact', other] }))).at(-1)).toMatchObject({
    done: true,
    scored: 6,
    scores: 6,
    skipped: 6,
    errors: 0,
    meanReward: expect.closeTo(0.5) as number,
  })
  expect((await linesOf(await score({ again: true, limit: 2 }))).at(-1)).toMatchObject({ of: 2, scores: 2 })
})

test('it is told how far it is; a second scoring is refused; one that nobody reads ends', async () => {
  let release: (value?: unknown) => void = () => {}
  judging = new Promise((resolve) => (release = resolve))
  const model = { provider: 'openai', name: 'judge', baseUrl: server.baseUrl }
  const rewards = [{ name: 'judge', options: { model, rubric: 'JUDGE this.' } }]
  const leaving = new AbortController()
  const first = await score({ rewards, concurrency: 1 }, leaving.signal)
  expect([first.status, first.status === 200 ? '' : await first.text()]).toEqual([200, ''])
  const second = await score({})
  expect([second.status, await second.text()]).toEqual([409, expect.stringContaining('being scored already')])
  const told = await first.body?.getReader().read()
  const [line = ''] = new TextDecoder().decode(told?.value).split('\n')
  expect(JSON.parse(line)).toMatchObject({ of: 6, scored: 0, scores: 0 })
  leaving.abort()
  release()
  let again = await score({})
  for (let waited = 0; again.status === 409 && waited < 100; waited++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    again = await score({})
  }
  expect((await linesOf(again)).at(-1)).toMatchObject({ done: true })
})

test('what cannot be done is a problem before the first line', async () => {
  const unknown = await score({ rewards: ['exakt'] })
  expect([unknown.status, await unknown.text()]).toEqual([400, expect.stringContaining('exakt')])
  expect((await score({ rewards: [] })).status).toBe(400)
  expect((await score({ all: true })).status).toBe(400)
  expect(neededScope('POST', `/v1/runs/${run}/scores`)).toBe('admin')
  expect(neededScope('POST', '/v1/trajectories/x/scores')).toBe('write')
})
