// Replay and fork of stored trajectories, through the CLI.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Trajectory, TrajectoryRow } from '../../src/trajectory.ts'
import { createWorkplace, descent, type Workplace } from '../support/cli.ts'
import { startOpenAIServer, type OpenAIServer } from '../support/openai-server.ts'

let workplace: Workplace
let server: OpenAIServer

const code = (text: string) => `\`\`\`repl\n${text}\n\`\`\``
const turns = [
  code('import random\nlines = context.split()\nprint(len(lines), random.random(), sorted({"a", "b", "c"}))'),
  code('asked = llm_query_batched([f"say {word}" for word in lines])\nprint(asked)'),
  code('import time\nnow = time.time()\nprint("it is", now if "clock" in context else "late")'),
  code('answer["content"] = asked[-1]\nanswer["ready"] = True'),
]

beforeAll(async () => {
  workplace = await createWorkplace()
  server = await startOpenAIServer((request, count) => {
    if (request.messages.length === 1)
      return { text: `${request.messages[0]?.content} (${request.messages[0]?.content.length})` }
    const index = request.messages.filter((message) => message.role === 'assistant').length
    if (request.messages.some((message) => message.content.includes('has been compacted')))
      return { text: code('print(len(history), history[-1])') }
    const temperature = typeof request.temperature === 'number' ? request.temperature : 0
    return {
      text: `turn ${index}, temperature ${temperature}, request ${temperature > 0 ? count : 'any'}\n${turns[index]}`,
    }
  })
})
afterAll(async () => {
  await server.close()
  await workplace.dispose()
})

async function collect(
  name: string,
  context: string | string[],
  protocol: object = { id: 'rlm' },
): Promise<TrajectoryRow> {
  await writeFile(
    path.join(workplace.directory, `${name}.jsonl`),
    `${JSON.stringify({ id: name, prompt: 'Say it.', [typeof context === 'string' ? 'context' : 'contexts']: context, answer: 'say c (5)' })}\n`,
  )
  const file = path.join(workplace.directory, `${name}.yaml`)
  const run = {
    name,
    tasks: `${name}.jsonl`,
    protocol,
    model: { provider: 'openai', name: 'm', baseUrl: server.baseUrl },
    rewards: ['exact'],
    limits: { maxTurns: 6 },
  }
  await writeFile(file, JSON.stringify(run))
  expect((await descent(['collect', file, '--store', workplace.store])).code).toBe(0)
  const [row] = (
    await descent(['list', 'latest', '--json', '--store', workplace.store])
  ).json<TrajectoryRow>()
  if (!row) throw new Error('nothing was collected')
  return row
}

async function show(id: string): Promise<Trajectory> {
  const [tree] = (await descent(['show', id, '--json', '--store', workplace.store])).json<Trajectory>()
  if (!tree) throw new Error('nothing to show')
  return tree
}

describe('descent replay', () => {
  it('does the same again: sets, random numbers and recorded sub-calls, without asking the server', async () => {
    const row = await collect('plain', 'a b c')
    const before = server.seen.length
    const replayed = await descent(['replay', row.id, '--json', '--store', workplace.store])
    expect(replayed.json<{ outcome: string }>().map((cell) => cell.outcome)).toEqual([
      'same',
      'same',
      'same',
      'same',
    ])
    expect(replayed.code).toBe(0)
    expect(server.seen.length).toBe(before)
  })

  it('finds the cell that used the clock', async () => {
    const row = await collect('timed', 'a clock c')
    const replayed = await descent(['replay', row.id, '--json', '--store', workplace.store])
    const cells = replayed.json<{
      turn: number
      outcome: string
      divergence: { what: string; recorded: string } | null
    }>()
    expect(cells.map((cell) => cell.outcome)).toEqual(['same', 'same', 'differs', 'same'])
    expect(cells[2]?.divergence).toMatchObject({ what: 'stdout', recorded: expect.stringContaining('it is') })
    expect(replayed.code).toBe(1)
  })
})

describe('a compacted history', () => {
  it('is replayed and forked with the REPL that it was collected in', async () => {
    const protocol = { id: 'rlm', compaction: { window: 1000, at: 0.03 } }
    const row = await collect('compacted', 'a b c', protocol)
    const origin = (await show(row.id)).invocations[0]?.turns ?? []
    expect(origin.filter((turn) => turn.compaction).length).toBeGreaterThan(1)
    expect(origin.at(-2)?.cells[0]?.stdout).toMatch(/^\d+ .*summary/)
    const replayed = await descent(['replay', row.id, '--json', '--store', workplace.store])
    expect(new Set(replayed.json<{ outcome: string }>().map((cell) => cell.outcome))).toEqual(
      new Set(['same']),
    )
    const turn = origin.findIndex((one) => one.compaction) + 2
    const args = ['fork', row.id, '--turn', `${turn}`, '--json', '--store', workplace.store]
    const forked = (await descent(args)).json<{ runId: string; done: number }>()[0]
    const [fork] = (
      await descent(['list', forked?.runId ?? '', '--json', '--store', workplace.store])
    ).json<TrajectoryRow>()
    const forkTurns = (await show(fork?.id ?? '')).invocations[0]?.turns ?? []
    expect(forkTurns.slice(0, turn + 1).map((one) => one.call.messages)).toEqual(
      origin.slice(0, turn + 1).map((one) => one.call.messages),
    )
    expect((await show(fork?.id ?? '')).divergence).toBeNull()
  })
})

describe('descent fork', () => {
  it('keeps the first turns and rolls out the rest afresh', async () => {
    const row = await collect('forked', 'a b c')
    const origin = await show(row.id)
    const before = server.seen.length
    const args = [
      'fork',
      row.id,
      '--turn',
      '2',
      '--rollouts',
      '3',
      '--temperature',
      '0.7',
      '--json',
      '--store',
      workplace.store,
    ]
    const forked = (await descent(args)).json<{ runId: string; done: number }>()[0]
    expect(forked?.done).toBe(3)
    // Two fresh turns each; the kept ones and their sub-calls were not asked again.
    expect(server.seen.length - before).toBe(6)
    const rows = (
      await descent(['list', forked?.runId ?? '', '--json', '--store', workplace.store])
    ).json<TrajectoryRow>()
    for (const { id } of rows) {
      const fork = await show(id)
      expect(fork.origin).toEqual({ trajectoryId: row.id, turns: 2 })
      expect(fork.answer).toBe('say c (5)')
      expect(fork.divergence).toBeNull()
      const [old, fresh] = [origin, fork].map((tree) => tree.invocations[0]?.turns ?? [])
      expect(fresh?.slice(0, 2).map((turn) => turn.call.messages)).toEqual(
        old?.slice(0, 2).map((turn) => turn.call.messages),
      )
      expect(fresh?.[2]?.call.messages).toEqual(old?.[2]?.call.messages)
      expect(fresh?.[1]?.cells[0]?.calls.map((call) => call.response.text)).toEqual(
        old?.[1]?.cells[0]?.calls.map((call) => call.response.text),
      )
      expect(fresh?.[2]?.call.response.text).toContain('temperature 0.7')
      expect(fresh).toHaveLength(4)
      expect(fork.scores[0]?.value).toBe(1)
    }
    expect(new Set(rows.map((one) => one.id)).size).toBe(3)
  })

  it('keeps several contexts', async () => {
    const row = await collect('several', ['a b c', 'second'])
    const args = ['fork', row.id, '--turn', '2', '--json', '--store', workplace.store]
    const forked = (await descent(args)).json<{ runId: string; done: number }>()[0]
    expect(forked?.done).toBe(1)
    const [fork] = (
      await descent(['list', forked?.runId ?? '', '--json', '--store', workplace.store])
    ).json<TrajectoryRow>()
    const tree = await show(fork?.id ?? '')
    expect(tree).toMatchObject({ answer: 'say c (5)', divergence: null })
    const variables = tree.invocations[0]?.turns[3]?.cells[0]?.variables.map(({ name }) => name)
    expect(variables).toEqual(expect.arrayContaining(['context_0', 'context_1', 'asked']))
  })

  it('refuses to keep more turns than there are', async () => {
    const row = (
      await descent(['list', 'latest', '--json', '--store', workplace.store])
    ).json<TrajectoryRow>()[0]
    const refused = await descent(['fork', row?.id ?? '', '--turn', '4', '--store', workplace.store])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('at most 3')
  })
})
