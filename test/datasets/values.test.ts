// What a value in a trajectory is after the trip through Parquet: read by hyparquet, and by DuckDB.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { array, assert as assertProperty, asyncProperty, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exportDataset, type ExportOptions, findRecipe } from '../../src/datasets/index.ts'
import type { Call, Trajectory } from '../../src/trajectory.ts'
import { makeCall, makeCell, makeContent, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { type ReadRow, readRows, temporaryDirectory } from './reading.ts'

const nasty = {
  emoji: 'a 👩‍👩‍👧 family, 😀, naïve, 日本語',
  nul: 'before\u0000after',
  empty: '',
  long: 'x😀'.repeat(100_000),
  quotes: `'"\`\\ \r\n\t`,
}

async function exportOne(
  trajectories: Trajectory[],
  recipe: string,
  options: Pick<ExportOptions, 'recipeOptions'> = {},
) {
  const store = createMemoryStore({ ...makeContent(1, 0), trajectories })
  const directory = await temporaryDirectory()
  await exportDataset({ store, runIds: ['run-1'], recipe, directory, evalFraction: 0, ...options })
  const path = join(directory, 'data/train-00000-of-00001.parquet')
  return { path, directory, rows: await readRows(path) }
}

function said(text: string | null): Call['response'] {
  return { text, reasoning: null, finishReason: 'stop' }
}

function listIn(row: ReadRow | undefined, column: string): unknown[] {
  return (row?.[column] ?? []) as unknown[]
}

describe('sft-turns', () => {
  test('keeps every message to the byte, and gives lone surrogates as U+FFFD, counted', async () => {
    const texts = Object.values(nasty)
    const turns = makeTurns(`${nasty.nul}\ud800!`, texts)
    const { rows, directory } = await exportOne(
      [makeTrajectory('run-1', 'task-0', 0, { turns })],
      'sft-turns',
    )
    expect(rows.map((row) => row['completion'])).toEqual(
      texts.map((content) => [{ role: 'assistant', content }]),
    )
    for (const [index, row] of rows.entries()) {
      const sent = turns[index]?.call.messages ?? []
      expect(row['prompt']).toEqual(
        sent.map(({ role, content }) => ({ role, content: content.replace('\ud800', '\ufffd') })),
      )
      const characters = sent.reduce((sum, { content }) => sum + Array.from(content).length, 0)
      expect(row['prompt_characters']).toBe(BigInt(characters))
    }
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as {
      repairedStrings: number
    }
    expect(manifest.repairedStrings).toBe(texts.length)
  })

  test('has null for what is not known, and marks forced and scripted turns', async () => {
    const turns = makeTurns('?', ['one', 'two'])
    const last = turns[1]
    if (last) Object.assign(last, { forced: true, call: { ...last.call, scripted: true } })
    const { rows } = await exportOne(
      [makeTrajectory('run-1', 'task-0', 0, { turns, reward: null, stopReason: 'max_turns' })],
      'sft-turns',
    )
    expect(rows).toMatchObject([
      { reward: null, policy_version: null, forced: false, scripted: false, turn: 0, turns: 2 },
      { reward: null, stop_reason: 'max_turns', forced: true, scripted: true, turn: 1 },
    ])
  })

  test('has children and plain sub-calls as rows of their own when asked', async () => {
    const ask = (id: string, changes: Partial<Call>) => makeCall({ id, kind: 'llm', depth: 1, ...changes })
    const failed = { boundary: 'model', code: 'timeout', message: 'no answer' } as const
    const calls = [
      ask('plain', { messages: [{ role: 'user', content: 'plain?' }], response: said('plain!') }),
      ask('child', { kind: 'rlm', invocationId: 'below', response: said('from below') }),
      ask('lost', { error: failed, response: said(null) }),
    ]
    const turns = makeTurns('?', ['one', 'two'])
    const [first] = turns
    if (first) first.cells = [makeCell({ calls })]
    const below = {
      id: 'below',
      depth: 1,
      parentCellId: 'cell',
      stopReason: 'answered' as const,
      answer: 'from below',
      turns: makeTurns('below?', ['from below'], []),
    }
    const trajectory = makeTrajectory('run-1', 'task-0', 0, { turns })
    trajectory.invocations.push(below)
    const rootOnly = await exportOne([trajectory], 'sft-turns')
    expect(rootOnly.rows.map(({ role, turns: all }) => [role, all])).toEqual([
      ['root', 2],
      ['root', 2],
    ])
    const { rows, directory } = await exportOne([trajectory], 'sft-turns', {
      recipeOptions: { roles: ['root', 'sub-call', 'child'] },
    })
    expect(rows).toMatchObject([
      { role: 'root', invocation_id: 'root', depth: 0, turn: 0, turns: 2 },
      { role: 'root', turn: 1 },
      {
        role: 'sub-call',
        invocation_id: 'root',
        turn: 0,
        prompt: [{ role: 'user', content: 'plain?' }],
        completion: [{ role: 'assistant', content: 'plain!' }],
      },
      { role: 'child', invocation_id: 'below', depth: 1, turn: 0, turns: 1 },
    ])
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as {
      funnel: { step: string; rows?: number }[]
    }
    expect(manifest.funnel).toContainEqual(
      expect.objectContaining({ step: 'left out: sub-calls that failed', rows: 1 }),
    )
  })

  test('any text that is well formed comes back as it was', async () => {
    await assertProperty(
      asyncProperty(array(string({ unit: 'binary' }), { minLength: 1, maxLength: 40 }), async (texts) => {
        const turns = makeTurns('?', texts)
        const { rows } = await exportOne([makeTrajectory('run-1', 'task-0', 0, { turns })], 'sft-turns')
        expect(rows.map((row) => (row['completion'] as { content: string }[])[0]?.content)).toEqual(texts)
      }),
      { numRuns: 5 },
    )
  })
})

describe('trajectories', () => {
  const subCall = makeCall({
    kind: 'llm',
    depth: 1,
    model: 'small',
    messages: [{ role: 'user', content: nasty.emoji }],
    response: { text: nasty.nul, reasoning: null, finishReason: 'stop' },
    usage: { inputTokens: 2 ** 53 - 1, outputTokens: 0, cachedTokens: 0, reasoningTokens: 0, costUsd: 1e-9 },
  })
  const failed = makeCall({
    kind: 'rlm',
    depth: 1,
    model: 'small',
    messages: [
      { role: 'system', content: 's' },
      { role: 'user', content: 'u' },
    ],
    response: { text: null, reasoning: null, finishReason: null },
    usage: null,
    latencyMs: null,
    error: { boundary: 'model', code: 'timeout', message: 'gone' },
  })
  const cells = [
    makeCell({ stdout: nasty.nul, calls: [subCall, failed] }),
    makeCell({ index: 1, error: { type: 'ValueError', message: 'bad', traceback: 'Traceback…' } }),
    makeCell({ index: 2, death: { reason: 'memory', detail: 'limit of 1 GiB' } }),
  ]
  const full = makeTrajectory('run-1', 'task-0', 0, { turns: makeTurns('?', ['code', 'done'], cells) })
  const bare = makeTrajectory('run-1', 'task-0', 1, {
    invocations: [],
    scores: [],
    reward: null,
    answer: null,
    status: 'failed',
    stopReason: 'sandbox_error',
    error: { boundary: 'sandbox', code: 'spawn', message: 'no python' },
    startedAt: null,
    endedAt: null,
    sandbox: null,
  })

  test('has the whole tree of one, and nothing but nulls and empty lists for one that never began', async () => {
    const { rows } = await exportOne([full, bare], 'trajectories')
    const [first, second] = rows
    expect(first).toMatchObject({
      answer: 'task-0',
      gold_answer: '"task-0"',
      metadata: '{"level":1}',
      context_type: 'str',
      models: ['policy-1', 'small'],
      turn_count: 2,
      cell_count: 6,
      call_count: 4,
      scores: [{ reward: 'exact', version: '1', value: 1, weight: 1 }],
      cost_usd: null,
      started_at: new Date('2026-02-03T04:05:06.789Z'),
    })
    expect(first?.['messages']).toEqual([
      ...(full.invocations[0]?.turns[1]?.call.messages ?? []),
      { role: 'assistant', content: 'done' },
    ])
    expect(listIn(first, 'cells').slice(3)).toMatchObject([
      { turn: 1, index: 0, stdout: nasty.nul, error: null, calls: 2, duration_ms: 3.25 },
      { turn: 1, index: 1, error: 'ValueError: bad' },
      { turn: 1, index: 2, error: 'memory: limit of 1 GiB' },
    ])
    expect(listIn(first, 'calls').slice(0, 2)).toEqual([
      {
        kind: 'llm',
        depth: 1,
        model: 'small',
        prompt: nasty.emoji,
        response: nasty.nul,
        error: null,
        input_tokens: BigInt(2 ** 53 - 1),
        output_tokens: 0n,
        cost_usd: 1e-9,
        latency_ms: 12.5,
      },
      {
        kind: 'rlm',
        depth: 1,
        model: 'small',
        prompt: '[{"role":"system","content":"s"},{"role":"user","content":"u"}]',
        response: null,
        error: 'model/timeout: gone',
        input_tokens: null,
        output_tokens: null,
        cost_usd: null,
        latency_ms: null,
      },
    ])
    expect(second).toMatchObject({
      status: 'failed',
      error: 'sandbox/spawn: no python',
      answer: null,
      reward: null,
      started_at: null,
      scores: [],
      messages: [],
      cells: [],
      calls: [],
      models: [],
    })
  })

  test('has the declared types, as another engine names them', async () => {
    const { path } = await exportOne([full], 'trajectories')
    const instance = await DuckDBInstance.create()
    const connection = await instance.connect()
    const reader = await connection.runAndReadAll(`DESCRIBE SELECT * FROM '${path}'`)
    const types = Object.fromEntries(
      reader.getRowObjectsJson().map((row) => [row['column_name'], row['column_type']]),
    )
    connection.closeSync()
    instance.closeSync()
    expect(Object.keys(types)).toEqual(findRecipe('trajectories').columns.map(({ name }) => name))
    expect(types).toMatchObject({
      messages: 'STRUCT("role" VARCHAR, "content" VARCHAR)[]',
      models: 'VARCHAR[]',
      reward: 'DOUBLE',
      rollout: 'INTEGER',
      context_characters: 'BIGINT',
      scripted: 'BOOLEAN',
      started_at: 'TIMESTAMP WITH TIME ZONE',
    })
  })
})

test('lists longer than a vector of DuckDB keep their nulls in place', async () => {
  const calls = Array.from({ length: 5000 }, (_, index) =>
    makeCall({ kind: 'llm', latencyMs: index % 3 === 0 ? null : index }),
  )
  const turns = makeTurns('?', ['x'], [makeCell({ calls })])
  const { rows } = await exportOne(
    [makeTrajectory('run-1', 'task-0', 0, { turns }), makeTrajectory('run-1', 'task-0', 1, { turns })],
    'trajectories',
  )
  for (const row of rows) {
    expect((row['calls'] as { latency_ms: number | null }[]).map((call) => call.latency_ms)).toEqual(
      calls.map((call) => call.latencyMs),
    )
  }
})
