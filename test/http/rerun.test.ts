// Replay and fork through the API: a replay asks no model, a fork is a run of its own.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { neededScope } from '../../api/http/access.ts'
import { createApp, type Api } from '../../api/http/app.ts'
import { type Jobs, openJobs } from '../../api/http/jobs.ts'
import type { ReplayedCellView } from '../../api/http/routes/rerun.ts'
import type { Store } from '../../src/store/index.ts'
import { type OpenAIServer, startOpenAIServer } from '../support/openai-server.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'

const [embedded] = backends()
const code = (text: string) => `\`\`\`repl\n${text}\n\`\`\``
const turns = [
  code('print(sorted(context.split()))'),
  code('import time\nprint(time.time() if "clock" in context else llm_query("say it"))'),
  code('answer["content"] = "done"\nanswer["ready"] = True'),
]
let store: Store
let app: Api
let jobs: Jobs
let server: OpenAIServer
const failures: unknown[] = []

beforeAll(async () => {
  if (!embedded) throw new Error('no store')
  store = await embedded.freshStore()
  const directory = await temporaryDirectory()
  const tasks = ['plain', 'clock'].map((word) => ({
    id: word,
    prompt: 'Sort.',
    context: `b a ${word}`,
    answer: 'done',
  }))
  await writeFile(join(directory, 'tasks.jsonl'), tasks.map((task) => JSON.stringify(task)).join('\n'))
  server = await startOpenAIServer(({ messages }) =>
    messages.length === 1
      ? { text: 'said' }
      : { text: turns[messages.filter(({ role }) => role === 'assistant').length] ?? '' },
  )
  jobs = openJobs(store, directory, (error) => failures.push(error))
  app = createApp(store, { webDirectory: null, jobs })
  const id = await jobs.start({
    name: 'again',
    tasks: 'tasks.jsonl',
    model: { provider: 'openai', name: 'm', baseUrl: server.baseUrl },
  })
  await ended(id)
})

afterAll(async () => {
  await jobs.close()
  await server.close()
})

async function ended(run: string): Promise<void> {
  for (let waited = 0; jobs.running(run) && waited < 300; waited++)
    await new Promise((resolve) => setTimeout(resolve, 100))
  expect(failures).toEqual([])
}

async function trajectoryOf(task: string): Promise<string> {
  const [run] = (await store.listRuns({ limit: 50, cursor: null })).items.filter(
    ({ name }) => name === 'again',
  )
  const { items } = await store.listTrajectories(run?.id ?? '', { limit: 10, cursor: null })
  return items.find(({ taskId }) => taskId === task)?.id ?? ''
}

const post = async (path: string, body?: unknown) =>
  await app.request(path, {
    method: 'POST',
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })

test.each([
  ['plain', ['same', 'same', 'same']],
  ['clock', ['same', 'differs', 'same']],
])('a replay of %s is told cell by cell, and asks no model', async (task, outcomes) => {
  const before = server.seen.length
  const response = await post(`/v1/trajectories/${await trajectoryOf(task)}/replay`)
  expect(response.status).toBe(200)
  const lines = (await response.text()).trim().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as ReplayedCellView).outcome)).toEqual(outcomes)
  expect(server.seen.length).toBe(before)
})

test('a fork keeps the turns and asks the model for the rest', async () => {
  const before = server.seen.length
  const origin = await trajectoryOf('plain')
  const response = await post(`/v1/trajectories/${origin}/forks`, { turns: 2, rollouts: 2, temperature: 0.7 })
  const run = (await response.json()) as { id: string; name: string; trajectories: number }
  expect([response.status, run]).toMatchObject([200, { name: 'fork of again', trajectories: 2 }])
  await ended(run.id)
  const { items } = await store.listTrajectories(run.id, { limit: 10, cursor: null })
  expect(items.map(({ status, turns: count }) => [status, count])).toEqual([
    ['done', 3],
    ['done', 3],
  ])
  const fork = await store.readTrajectory(items[0]?.id ?? '')
  expect(fork.origin).toEqual({ trajectoryId: origin, turns: 2 })
  // One turn each: the two before it and the sub-call are those that were paid for.
  expect(server.seen.length).toBe(before + 2)
})

test('what cannot be forked is told, and forking is for administrators', async () => {
  const origin = await trajectoryOf('plain')
  const late = await post(`/v1/trajectories/${origin}/forks`, { turns: 3 })
  expect([late.status, await late.text()]).toEqual([400, expect.stringContaining('keep at most 2')])
  expect((await post(`/v1/trajectories/${origin}/forks`, { turns: 0 })).status).toBe(400)
  expect((await post('/v1/trajectories/ffffffff/replay')).status).toBe(404)
  expect(neededScope('POST', `/v1/trajectories/${origin}/forks`)).toBe('admin')
  expect(neededScope('POST', `/v1/trajectories/${origin}/replay`)).toBe('write')
  const shown = createApp(store, { webDirectory: null })
  const body = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"turns":1}' }
  expect((await shown.request(`/v1/trajectories/${origin}/forks`, body)).status).toBe(409)
})
