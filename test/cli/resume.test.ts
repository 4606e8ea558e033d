// A rollout that failed or was stopped goes on where it was.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Trajectory, TrajectoryRow } from '../../src/trajectory.ts'
import { createWorkplace, descent, type Workplace } from '../support/cli.ts'
import { startOpenAIServer, type OpenAIServer, type Reply } from '../support/openai-server.ts'

let workplace: Workplace
let server: OpenAIServer
/** What the server does with the policy call of this turn. */
let trouble: (turn: number) => Reply | null = () => null

const code = (text: string) => `\`\`\`repl\n${text}\n\`\`\``
const turns = [
  code('parts = llm_query_batched(["one", "two"])\nprint(parts)'),
  code('count = len(parts)\nprint(count)'),
  code('answer["content"] = parts[count - 1]\nanswer["ready"] = True'),
]

beforeAll(async () => {
  workplace = await createWorkplace()
  server = await startOpenAIServer((request) => {
    if (request.messages.length === 1) return { text: `read ${request.messages[0]?.content}` }
    const turn = request.messages.filter((message) => message.role === 'assistant').length
    return trouble(turn) ?? { text: turns[turn] ?? '' }
  })
})
afterAll(async () => {
  await server.close()
  await workplace.dispose()
})

async function runFile(name: string, extra: Record<string, unknown> = {}): Promise<string> {
  await writeFile(
    path.join(workplace.directory, 'tasks.jsonl'),
    '{"id": "a", "prompt": "Which?", "context": "c", "answer": "read two"}\n',
  )
  const file = path.join(workplace.directory, `${name}.yaml`)
  const model = { provider: 'openai', name: 'm', baseUrl: server.baseUrl, maxAttempts: 1 }
  await writeFile(
    file,
    JSON.stringify({ name, tasks: 'tasks.jsonl', model, rollouts: 3, rewards: ['exact'], ...extra }),
  )
  return file
}

async function trees(runId: string): Promise<Trajectory[]> {
  const rows = (await descent(['list', runId, '--json', '--store', workplace.store])).json<TrajectoryRow>()
  return await Promise.all(
    rows.map(
      async (row) =>
        (
          await descent(['show', row.id, '--json', '--store', workplace.store])
        ).json<Trajectory>()[0] as Trajectory,
    ),
  )
}

describe('a resumed rollout', () => {
  it('that failed by its server asks only for what had no answer, and keeps the failed call', async () => {
    trouble = (turn) => (turn === 2 ? { status: 400, body: { error: { message: 'not now' } } } : null)
    const file = await runFile('failing')
    const first = await descent(['collect', file, '--json', '--store', workplace.store])
    const failed = first.json<{ runId: string; done: number; failed: number }>()[0]
    expect(failed).toMatchObject({ done: 0, failed: 3 })
    expect(first.code).toBe(1)
    trouble = () => null
    const before = server.seen.length
    const again = await descent([
      'collect',
      '--resume',
      failed?.runId ?? '',
      '--json',
      '--store',
      workplace.store,
    ])
    expect(again.json()[0]).toMatchObject({ runId: failed?.runId, done: 3, failed: 0 })
    expect(server.seen.length - before).toBe(3)
    for (const tree of await trees(failed?.runId ?? '')) {
      expect(tree).toMatchObject({
        answer: 'read two',
        stopReason: 'answered',
        status: 'done',
        attempt: 2,
        divergence: null,
      })
      expect(tree.invocations[0]?.turns).toHaveLength(3)
      expect(tree.lostCalls).toHaveLength(1)
      expect(tree.lostCalls[0]).toMatchObject({ kind: 'policy', error: { code: 'bad_request' } })
      // Three turns, two sub-calls, one failure.
      expect(tree.usage.calls).toBe(6)
      expect(tree.scores[0]?.value).toBe(1)
    }
  })

  it('that was stopped by Ctrl-C in a policy call has that call among its lost ones', async () => {
    trouble = (turn) => (turn === 1 ? { text: 'late', delayMs: 60_000 } : null)
    const file = await runFile('stopped')
    const before = server.seen.length
    const started = Date.now()
    const stopped = await descent(['collect', file, '--store', workplace.store], {
      started(child) {
        const watch = setInterval(() => {
          // Three rollouts, each with a first turn, two sub-calls and a second turn that hangs.
          if (server.seen.length - before < 12) return
          clearInterval(watch)
          child.kill('SIGINT')
        }, 10)
      },
    })
    expect(stopped.code).toBe(130)
    expect(Date.now() - started).toBeLessThan(20_000)
    trouble = () => null
    const between = server.seen.length
    const again = await descent(['collect', file, '--json', '--store', workplace.store])
    const resumed = again.json<{ runId: string; done: number }>()[0]
    expect(resumed?.done).toBe(3)
    expect(server.seen.length - between).toBe(6)
    for (const tree of await trees(resumed?.runId ?? '')) {
      expect(tree.invocations[0]?.turns).toHaveLength(3)
      expect(tree.lostCalls.map((call) => call.error?.code)).toEqual(['cancelled'])
    }
  })

  it.each(['keep', 'restart'] as const)(
    'whose cell does something else the second time: %s',
    async (onDivergence) => {
      const [first = '', ...rest] = turns
      const clocked = first.replace('print(parts)', 'import time\nprint(parts, time.time())')
      const calm = turns.splice(0, 1, clocked)
      trouble = (turn) => (turn === 2 ? { status: 400 } : null)
      const file = await runFile(`clocked-${onDivergence}`, { onDivergence })
      const [failed] = (await descent(['collect', file, '--json', '--store', workplace.store])).json<{
        runId: string
      }>()
      trouble = () => null
      const before = server.seen.length
      const again = await descent([
        'collect',
        '--resume',
        failed?.runId ?? '',
        '--json',
        '--store',
        workplace.store,
      ])
      turns.splice(0, turns.length, ...calm, ...rest)
      expect(again.json()[0]).toMatchObject({ done: 3 })
      // Kept: one request a rollout. Restarted: three turns and two sub-calls a rollout.
      expect(server.seen.length - before).toBe(onDivergence === 'keep' ? 3 : 15)
      for (const tree of await trees(failed?.runId ?? '')) {
        expect(tree.answer).toBe('read two')
        expect(tree.divergence?.what ?? null).toBe(onDivergence === 'keep' ? 'stdout' : null)
      }
    },
  )
})
