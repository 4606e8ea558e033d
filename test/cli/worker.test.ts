// `descent worker`: two processes share the rollouts of a queued run, one of them is killed. Needs a PostgreSQL
// server: `node scripts/with-postgres.ts npx vitest run test/cli/worker.test.ts`.
import type { ChildProcess } from 'node:child_process'
import path from 'node:path'
import { writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openStore, type RunSummary, type Store } from '../../src/store/index.ts'
import { createWorkplace, descent, type CliResult, type Workplace } from '../support/cli.ts'
import {
  startOpenAIServer,
  type ChatRequest,
  type OpenAIServer,
  type Reply,
} from '../support/openai-server.ts'

const tasks = 8
const rollouts = 2

test('workers need a server', async () => {
  const result = await descent(['worker', '--store', './somewhere'])
  expect(result.code).toBe(2)
  expect(result.stderr).toMatch(/^descent: --store \.\/somewhere: workers share a PostgreSQL server.*\n$/)
})

interface Process {
  child: ChildProcess
  said: () => string
  ended: Promise<CliResult>
}

describe.skipIf(!process.env.DESCENT_TEST_POSTGRES)('workers', () => {
  let place: Workplace
  let store: Store
  let model: OpenAIServer
  let api: Process
  let url: string
  const workers: ChildProcess[] = []

  /** Three turns, each with a sub-call; the answer is what was counted. */
  function reply({ messages }: ChatRequest): Reply {
    const usage = { prompt_tokens: 1000, completion_tokens: 10 }
    if (!messages.some(({ role }) => role === 'system')) return { text: 'seen', usage, delayMs: 400 }
    const turn = messages.filter(({ role }) => role === 'assistant').length
    if (turn === 3) return { text: '```repl\nanswer["content"] = str(n)\nanswer["ready"] = True\n```', usage }
    const code = `n = ${turn === 0 ? '0' : 'n'} + 1\nprint(n, llm_query("look ${turn}"))`
    return { text: `\`\`\`repl\n${code}\n\`\`\``, usage, delayMs: 400 }
  }

  function start(...args: string[]): Process {
    let child: ChildProcess | undefined
    let text = ''
    const ended = descent([...args, '--store', place.store], {
      cwd: place.directory,
      started(process) {
        child = process
        process.stderr?.on('data', (piece: string) => (text += piece))
      },
    })
    if (!child) throw new Error('no process')
    if (args[0] === 'worker') workers.push(child)
    return { child, said: () => text, ended }
  }

  beforeAll(async () => {
    place = await createWorkplace()
    store = await openStore(place.store)
    model = await startOpenAIServer(reply)
    const lines = Array.from({ length: tasks }, (_, number) =>
      JSON.stringify({ id: `t${number}`, prompt: 'How many?', context: `text ${number}`, answer: '3' }),
    )
    await writeFile(path.join(place.directory, 'tasks.jsonl'), lines.join('\n'))
    api = start('serve', '--port', '0')
    await vi.waitUntil(() => api.said().includes('Ctrl-C'), { timeout: 20_000 })
    url = /the trace browser: (\S+)/.exec(api.said())?.[1] ?? ''
  })

  afterEach(() => {
    for (const child of workers.splice(0)) child.kill('SIGKILL')
  })

  afterAll(async () => {
    api.child.kill('SIGKILL')
    await model.close()
    await store.close()
    await place.dispose()
  })

  async function post(address: string, body: object): Promise<RunSummary> {
    const response = await fetch(`${url}${address}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (response.status !== 200) throw new Error(await response.text())
    return (await response.json()) as RunSummary
  }

  const runFile = (name: string, more: object = {}) => ({
    name,
    tasks: 'tasks.jsonl',
    rollouts,
    model: {
      provider: 'openai',
      name: 'm',
      baseUrl: model.baseUrl,
      maxAttempts: 1,
      prices: { input: 1, output: 1 },
    },
    rewards: ['exact'],
    ...more,
  })

  const summary = async (id: string) => await store.summarizeRun(id)
  const ofRun = async (id: string) => (await store.listTrajectories(id, { limit: 200 })).items

  test('the rollouts of a killed worker go on at another one, where they were', async () => {
    const killed = start('worker', '--concurrency', '4')
    const other = start('worker', '--concurrency', '4')
    const { id } = await post('/v1/runs?queue=true', runFile('queued'))
    const running = async () => (await ofRun(id)).filter(({ status }) => status === 'running').length
    await expect.poll(running, { timeout: 30_000 }).toBe(8)
    // All eight are in their first turns then: both workers hold four.
    await expect.poll(() => model.seen.length, { timeout: 30_000 }).toBeGreaterThan(12)
    killed.child.kill('SIGKILL')
    await expect.poll(async () => (await summary(id)).status, { timeout: 60_000 }).toBe('done')
    const done = await summary(id)
    expect(done).toMatchObject({
      trajectories: tasks * rollouts,
      done: tasks * rollouts,
      failed: 0,
      meanReward: 1,
    })
    const trees = await Promise.all((await ofRun(id)).map(async (row) => await store.readTrajectory(row.id)))
    const again = trees.filter(({ attempt }) => attempt > 1)
    expect(again.length).toBeGreaterThan(0)
    expect(again.length).toBeLessThanOrEqual(4)
    for (const tree of trees) {
      const turns = tree.invocations.flatMap((invocation) => invocation.turns)
      expect([tree.answer, turns.length, tree.divergence]).toEqual(['3', 4, null])
    }
    const recorded = trees.reduce((sum, tree) => sum + tree.usage.calls, 0)
    // Asked twice was what was in flight in the killed worker, and what it was committing: two calls
    // at most of each of its four rollouts.
    expect(model.seen.length - recorded).toBeLessThanOrEqual(8)
    expect(other.said()).toContain('done (answered)')
    other.child.kill('SIGINT')
    expect((await other.ended).code).toBe(130)
  }, 120_000)

  test('pausing, resuming and the limits of a rollout hold', async () => {
    const worker = start('worker', '--concurrency', '3')
    const costly = { limits: { maxCostUsd: 0.0025, maxTurns: 10 } }
    const { id } = await post('/v1/runs?queue=true', runFile('limited', costly))
    await expect.poll(async () => (await summary(id)).done, { timeout: 30_000 }).toBeGreaterThan(0)
    expect((await post(`/v1/runs/${id}/pause`, {})).status).toBe('interrupted')
    await new Promise((resolve) => setTimeout(resolve, 2500))
    const paused = await summary(id)
    const asked = model.seen.length
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect((await summary(id)).done).toBe(paused.done)
    expect(model.seen.length).toBe(asked)
    expect(paused.done).toBeLessThan(tasks * rollouts)
    const elsewhere = await descent(['collect', '--resume', id, '--store', place.store])
    expect(elsewhere.stderr).toMatch(/^descent: run .* is for workers: .*\n$/)
    await post(`/v1/runs/${id}/resume`, {})
    await expect.poll(async () => (await summary(id)).status, { timeout: 60_000 }).toBe('done')
    const rows = await ofRun(id)
    expect(rows.map(({ stopReason }) => stopReason)).toEqual(rows.map(() => 'max_cost'))
    // Each call costs 0.00101 dollars: the third one goes over the limit.
    for (const { usage } of rows) expect(usage.costUsd).toBeCloseTo(0.00303, 5)
    worker.child.kill('SIGINT')
    await worker.ended
  }, 120_000)

  test('a model server that stays away stops the run', async () => {
    const worker = start('worker')
    const gone = runFile('gone')
    await model.close()
    const { id } = await post('/v1/runs?queue=true', gone)
    await expect.poll(async () => (await summary(id)).status, { timeout: 60_000 }).toBe('interrupted')
    expect(worker.said()).toContain(`run ${id} is stopped`)
    expect((await summary(id)).failed).toBeGreaterThan(7)
    await post(`/v1/runs/${id}/cancel`, {})
    expect((await summary(id)).status).toBe('cancelled')
    worker.child.kill('SIGINT')
    await worker.ended
    model = await startOpenAIServer(reply)
  }, 120_000)
})
