// Collection through the door that people use: the CLI, a real server over HTTP, the real sandbox, a
// real store.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createScriptedModel } from '../../src/models/index.ts'
import { openStore } from '../../src/store/index.ts'
import type { Call, Trajectory, TrajectoryRow } from '../../src/trajectory.ts'
import { createWorkplace, descent, type Workplace } from '../support/cli.ts'
import { startOpenAIServer, type OpenAIServer } from '../support/openai-server.ts'

let workplace: Workplace
let server: OpenAIServer
let delayMs = 0

beforeAll(async () => {
  workplace = await createWorkplace()
  const careful = createScriptedModel('careful')
  server = await startOpenAIServer(async (request, count) => {
    const messages = request.messages as Parameters<typeof careful.complete>[0]['messages']
    const { text } = await careful.complete(
      { messages, sampling: {}, wantTokens: false, seed: 1 },
      new AbortController().signal,
    )
    // Every answer has usage of its own, so that a call that got another one's would show.
    return { text, usage: { prompt_tokens: 1000 + count, completion_tokens: 10_000 + count }, delayMs }
  })
})

afterAll(async () => {
  await server.close()
  await workplace.dispose()
})

async function runFile(name: string, extra: Record<string, unknown> = {}): Promise<string> {
  const file = path.join(workplace.directory, `${name}.yaml`)
  const content = {
    name,
    tasks: { taskset: 'factbook', options: { count: 8, maxCharacters: 60_000, seed: 3 } },
    model: { provider: 'openai', name: 'test-model', baseUrl: server.baseUrl },
    rollouts: 3,
    concurrency: 16,
    limits: { maxTurns: 10, cellSeconds: 30 },
    rewards: ['auto'],
    ...extra,
  }
  // JSON is YAML.
  await writeFile(file, JSON.stringify(content, null, 2))
  return file
}

/** Read through one open store: a process for each of them would take minutes. */
async function trajectoriesOf(runId: string): Promise<Trajectory[]> {
  const rows = (await descent(['list', runId, '--json', '--store', workplace.store])).json<TrajectoryRow>()
  const store = await openStore(workplace.store)
  try {
    return await Promise.all(rows.map(async (row) => await store.readTrajectory(row.id)))
  } finally {
    await store.close()
  }
}

function callsOf(trajectory: Trajectory): Call[] {
  const turns = trajectory.invocations.flatMap((invocation) => invocation.turns)
  return turns.flatMap((turn) => [turn.call, ...turn.cells.flatMap((cell) => cell.calls)])
}

interface CollectResult {
  runId: string
  trajectories: number
  done: number
  failed: number
  meanReward: number | null
  costUsd: number | null
}

describe('descent collect', () => {
  it('records every request that the server saw, with its own prompt, answer and usage', async () => {
    server.seen.length = 0
    const result = await descent(['collect', await runFile('exact'), '--json', '--store', workplace.store])
    expect(result.stderr).not.toContain('unexpected')
    const [collected] = result.json<CollectResult>()
    expect(collected).toMatchObject({ trajectories: 24, done: 24, failed: 0, costUsd: null })
    expect(collected?.meanReward).toBeGreaterThan(0.5)

    const stored = (await trajectoriesOf(collected?.runId ?? '')).flatMap(callsOf)
    const key = (id: string | null, messages: unknown, text: string | null, input = 0, output = 0) =>
      JSON.stringify([id, messages, text, input, output])
    const seen = server.seen.map((one) => {
      const usage = one.reply.usage as { prompt_tokens: number; completion_tokens: number }
      return key(
        one.id,
        one.body.messages,
        one.reply.text ?? null,
        usage.prompt_tokens,
        usage.completion_tokens,
      )
    })
    const kept = stored.map((call) =>
      key(
        call.requestId,
        call.messages,
        call.response.text,
        call.usage?.inputTokens,
        call.usage?.outputTokens,
      ),
    )
    expect(kept.length).toBe(server.seen.length)
    expect(new Set(kept)).toEqual(new Set(seen))
    expect(new Set(stored.map((call) => call.kind))).toEqual(new Set(['policy', 'llm']))
    expect(stored.filter((call) => call.batchId !== null).length).toBeGreaterThan(0)
  })

  it('goes on after kill -9: no half trajectory, no duplicate, the rest is done', async () => {
    const file = await runFile('killed')
    const before = server.seen.length
    delayMs = 60
    const killed = await descent(['collect', file, '--store', workplace.store], {
      started(child) {
        const watch = setInterval(() => {
          if (server.seen.length - before < 90) return
          clearInterval(watch)
          child.kill('SIGKILL')
        }, 5)
      },
    })
    delayMs = 0
    expect(killed.code).toBeNull()

    const again = await descent(['collect', file, '--json', '--store', workplace.store])
    expect(again.stderr).toContain('taking up the interrupted run')
    const [collected] = again.json<CollectResult>()
    expect(collected).toMatchObject({ trajectories: 24, done: 24, failed: 0 })
    const trees = await trajectoriesOf(collected?.runId ?? '')
    expect(new Set(trees.map((tree) => `${tree.taskId}#${tree.rollout}`)).size).toBe(24)
    for (const tree of trees) {
      const root = tree.invocations[0]
      expect(tree.invocations).toHaveLength(1)
      expect(root?.turns.map((turn) => turn.index)).toEqual(root?.turns.map((_, index) => index))
      expect(tree.usage.calls).toBe(callsOf(tree).length)
      expect(tree.scores).toHaveLength(1)
    }
  })

  it('ends cleanly on Ctrl-C with exit code 130, and --resume takes the run up', async () => {
    const file = await runFile('stopped')
    delayMs = 60
    const before = server.seen.length
    const stopped = await descent(['collect', file, '--store', workplace.store], {
      started(child) {
        const watch = setInterval(() => {
          if (server.seen.length - before < 60) return
          clearInterval(watch)
          child.kill('SIGINT')
        }, 5)
      },
    })
    delayMs = 0
    expect(stopped.code).toBe(130)
    expect(stopped.stderr).toContain('takes it up again')
    const [run] = (await descent(['runs', '--json', '--store', workplace.store])).json<{
      id: string
      status: string
    }>()
    expect(run?.status).toBe('interrupted')
    const resumed = await descent([
      'collect',
      '--resume',
      run?.id ?? '',
      '--json',
      '--store',
      workplace.store,
    ])
    expect(resumed.json<CollectResult>()[0]).toMatchObject({
      runId: run?.id,
      trajectories: 24,
      done: 24,
      failed: 0,
    })
  })

  it('goes on when whoever reads what it says has left, as head does', async () => {
    const file = await runFile('unread')
    const result = await descent(['collect', file, '--json', '--store', workplace.store], {
      started(child) {
        child.stderr?.once('data', () => {
          child.stdout?.destroy()
          child.stderr?.destroy()
        })
      },
    })
    expect(result.code).toBe(0)
    const [run] = (await descent(['runs', '--json', '--store', workplace.store])).json<{ done: number }>()
    expect(run?.done).toBe(24)
  })

  it('shows what the store holds, to a person and to a program', async () => {
    const [row] = (
      await descent(['list', 'latest', '--json', '--store', workplace.store])
    ).json<TrajectoryRow>()
    const shown = (
      await descent(['show', row?.id.slice(-10) ?? '', '--json', '--store', workplace.store])
    ).json<Trajectory>()[0]
    const trees = await trajectoriesOf(row?.runId ?? '')
    expect(shown).toEqual(JSON.parse(JSON.stringify(trees.find((tree) => tree.id === row?.id))))
    const text = (await descent(['show', row?.id ?? '', '--store', workplace.store])).stdout
    expect(text).toContain('turn 1')
    expect(text).toContain('cell 1')
  })

  it('exports what it collected, and scores it again with other rewards', async () => {
    const out = path.join(workplace.directory, 'set')
    const [run] = (await descent(['runs', '--json', '--store', workplace.store])).json<{ id: string }>()
    const exported = await descent([
      'export',
      'sft-turns',
      '--run',
      run?.id ?? '',
      '--out',
      out,
      '--json',
      '--store',
      workplace.store,
    ])
    const [result] = exported.json<{
      rows: number
      files: { path: string; rows: number; bytes: number; sha256: string }[]
      funnel: unknown[]
    }>()
    expect(result?.rows).toBeGreaterThan(24)
    expect(result?.files.reduce((sum, file) => sum + file.rows, 0)).toBe(result?.rows)
    expect(result?.files.every((file) => /^[0-9a-f]{64}$/.test(file.sha256))).toBe(true)
    const scored = await descent([
      'score',
      '--run',
      'latest',
      '--reward',
      'exact',
      '--json',
      '--store',
      workplace.store,
    ])
    expect(scored.json<{ scored: number }>()[0]?.scored).toBe(24)
  })

  it('stops the whole run when the server refuses the key, and says it in one line', async () => {
    const locked = await startOpenAIServer(() => ({ text: 'x' }), { key: 'the-right-key' })
    const file = await runFile('locked', {
      model: { provider: 'openai', name: 'm', baseUrl: locked.baseUrl, apiKeyEnv: 'DESCENT_TEST_WRONG_KEY' },
    })
    const result = await descent(['collect', file, '--store', workplace.store], {
      env: { DESCENT_TEST_WRONG_KEY: 'the-wrong-key' },
    })
    await locked.close()
    expect(result.code).toBe(2)
    expect(result.stderr.trim().split('\n')).toHaveLength(1)
    expect(result.stderr).toContain('apiKeyEnv')
    expect(result.stderr).not.toContain('the-wrong-key')
  })
})
