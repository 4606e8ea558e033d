// `descent import`: logs in the shape that the reference implementation writes, and what the other commands and
// the API make of them. `node test/interop/rlms.ts` does the same with a log that it has really written.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp } from '../../api/http/app.ts'
import { trajectoryTreeSchema } from '../../api/http/tree.ts'
import { importLogs } from '../../collectors/import/index.ts'
import { openStore, type Store } from '../../src/store/index.ts'
import type { Trajectory, TrajectoryRow } from '../../src/trajectory.ts'
import { createWorkplace, descent, type Workplace } from '../support/cli.ts'

let place: Workplace
/** Held open, so that each command finds the embedded server running. */
let store: Store

beforeAll(async () => {
  place = await createWorkplace()
  store = await openStore(place.store)
})

afterAll(async () => {
  await store.close()
  await place.dispose()
})

const metadata = {
  type: 'metadata',
  timestamp: '2026-11-20T10:00:00.000001',
  root_model: 'big',
  max_depth: 2,
  max_iterations: 5,
  backend: 'openai',
  backend_kwargs: { model_name: 'big', base_url: 'http://user:secret@127.0.0.1/v1' },
  environment_type: 'local',
  environment_kwargs: {},
  other_backends: ['anthropic'],
}
const text = 'alpha 7\nbeta 9\n'

function opening(question: string, context: string) {
  return [
    { role: 'system', content: 'You have a REPL.' },
    {
      role: 'user',
      content: `Answer the following: ${question}\n\nYour context is a str of ${context.length} total characters.`,
    },
    { role: 'user', content: 'Turn 1/5:' },
  ]
}

function usage(model: string, input: number, calls = 1, cost?: number) {
  const one = { total_calls: calls, total_input_tokens: input, total_output_tokens: 1 }
  return { model_usage_summaries: { [model]: cost === undefined ? one : { ...one, total_cost: cost } } }
}

interface Result {
  stdout?: string
  stderr?: string
  locals?: object
  execution_time?: number | null
  rlm_calls?: object[]
  final_answer?: string | null
}

const block = (code: string, result: Result = {}) => ({
  code,
  result: {
    stdout: '',
    stderr: '',
    locals: {},
    execution_time: 0.5,
    rlm_calls: [],
    final_answer: null,
    ...result,
  },
})

function iteration(number: number, prompt: object[], response: string, more: object = {}) {
  return {
    type: 'iteration',
    iteration: number,
    timestamp: `2026-11-20T10:00:0${number}.500000`,
    prompt,
    response,
    code_blocks: [],
    final_answer: null,
    iteration_time: 1.25,
    ...more,
  }
}

/** Two turns: a failed batch slot, a child that is an RLM, an error; then the answer. */
function completion(question = 'What is beta?', answer = '9') {
  const first = opening(question, text)
  const said = 'Look.\n```repl\nprint(1)\n```\n```repl\n1/0\n```'
  const next = [
    ...first,
    { role: 'assistant', content: said },
    { role: 'user', content: 'REPL output (block 1):\n1' },
    { role: 'user', content: 'Turn 2/5:' },
  ]
  const childFirst = opening('', 'child')
  // As the reference logs children: every iteration with the history as it was in the end.
  const childHistory = [
    ...childFirst,
    { role: 'assistant', content: 'child one' },
    { role: 'user', content: 'REPL output:\nx' },
  ]
  const plain = { root_model: 'small', prompt: 'beta?', response: 'nine', execution_time: 0.2 }
  const calls = [
    { ...plain, usage_summary: usage('small', 40, 1, 0.25) },
    { ...plain, response: '', error: 'no luck', usage_summary: { model_usage_summaries: {} } },
    {
      root_model: 'big',
      prompt: 'child',
      response: 'five',
      execution_time: 0.4,
      usage_summary: usage('big', 100, 3),
      metadata: {
        run_metadata: {},
        iterations: [
          iteration(1, childHistory, 'child one', {
            code_blocks: [block('q', { rlm_calls: [{ ...plain, usage_summary: usage('small', 30) }] })],
          }),
          iteration(2, childHistory, 'child two', { code_blocks: [block('a')], final_answer: 'five' }),
        ],
      },
    },
  ]
  return [
    iteration(1, first, said, {
      code_blocks: [
        block('print(1)', { stdout: '1\n', locals: { context_0: text, context: text }, rlm_calls: calls }),
        block('1/0', { stderr: '\nZeroDivisionError: division by zero', execution_time: 0.25 }),
      ],
    }),
    iteration(2, next, 'done', {
      code_blocks: [block('answer', { final_answer: answer })],
      final_answer: answer,
    }),
  ]
}

async function writeLog(name: string, lines: (object | string)[]): Promise<string> {
  const file = path.join(place.directory, name)
  await mkdir(path.dirname(file), { recursive: true })
  const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
  await writeFile(file, `${texts.join('\n')}\n`)
  return file
}

const run = async (...args: string[]) =>
  await descent([...args, '--store', place.store], { env: { TZ: 'Europe/Paris' } })

interface Imported {
  runs: { runId: string; model: string; trajectories: number }[]
  trajectories: number
  files: number
  filesKnown: number
  skippedRows: number
}

async function importOf(...args: string[]): Promise<Imported> {
  const result = await run('import', ...args, '--json')
  if (result.code !== 0) throw new Error(result.stderr)
  const [imported] = result.json<Imported>()
  if (!imported) throw new Error(result.stderr)
  return imported
}

async function listOf(runId = 'latest'): Promise<TrajectoryRow[]> {
  return (await run('list', runId, '--json')).json<TrajectoryRow>()
}

test('a directory of logs becomes a run with its whole trees', async () => {
  const forced = [
    iteration(1, opening('Never?', 'abc'), 'thinking'),
    iteration(2, [...opening('Never?', 'abc'), { role: 'assistant', content: 'ask' }], 'three', {
      final_answer: 'three',
      iteration_time: null,
    }),
  ]
  const directory = path.join(place.directory, 'logs')
  await writeLog('logs/a.jsonl', [metadata, ...completion(), ...forced])
  await writeLog('logs/deep/b.jsonl', [metadata, ...completion('What is beta?', '8'), completion()[0] ?? ''])
  const imported = await importOf(directory)
  expect(imported).toMatchObject({ trajectories: 4, files: 2, filesKnown: 0, skippedRows: 0 })
  expect(imported.runs).toEqual([{ runId: expect.any(String), model: 'big', trajectories: 4 }])

  const rows = await listOf()
  const beta = rows.filter(({ taskId }) => taskId === rows[0]?.taskId)
  expect(beta.map(({ rollout, stopReason, answer }) => [rollout, stopReason, answer])).toEqual([
    [0, 'answered', '9'],
    [1, 'answered', '8'],
    [2, 'cancelled', null],
  ])
  expect(beta[2]?.error?.code).toBe('log_ended')
  expect(rows.at(-1)).toMatchObject({ stopReason: 'max_turns', answer: 'three', turns: 2 })

  const [tree] = (await run('show', rows[0]?.id ?? '', '--json')).json<Trajectory>()
  if (!tree) throw new Error('nothing shown')
  // The child's total holds its own sub-call: 40 + 100. Requests: 2 + 2 turns, 3 plain sub-calls.
  expect(tree.usage).toEqual({ inputTokens: 140, outputTokens: 2, calls: 7, costUsd: 0.25 })
  // Read in the zone of the process; an iteration begins its time before it is logged.
  expect(tree.startedAt).toBe('2026-11-20T09:00:00.250Z')
  const [root, child] = tree.invocations
  expect(root?.turns.map(({ call }) => call.messages.length)).toEqual([3, 6])
  expect(root?.turns[1]?.extendsPrevious).toBe(true)
  expect(root?.turns[0]?.call).toMatchObject({
    model: 'big',
    provider: 'openai',
    usage: null,
    latencyMs: null,
  })
  const [cell, failed] = root?.turns[0]?.cells ?? []
  expect(cell).toMatchObject({ code: 'print(1)', stdout: '1\n', error: null, durationMs: 500 })
  expect(failed?.error).toMatchObject({ type: 'ZeroDivisionError', message: 'division by zero' })
  expect(
    cell?.calls.map(({ kind, provider, response, error, latencyMs, usage: own }) => [
      kind,
      provider,
      response.text,
      error?.message ?? null,
      latencyMs,
      own?.inputTokens ?? null,
    ]),
  ).toEqual([
    ['llm', 'anthropic', 'nine', null, 200, 40],
    ['llm', 'anthropic', null, 'no luck', 200, null],
    ['rlm', 'openai', 'five', null, 400, null],
  ])
  expect(cell?.calls[2]?.invocationId).toBe(child?.id)
  expect(child).toMatchObject({ depth: 1, parentCellId: cell?.id, stopReason: 'answered', answer: 'five' })
  // What the child was sent, and not the history that every one of its iterations was logged with.
  expect(child?.turns.map(({ call }) => call.messages.length)).toEqual([3, 5])

  const task = await store.readTask(tree.runId, tree.taskId)
  expect(task).toMatchObject({
    prompt: 'What is beta?',
    contextType: 'str',
    contextCharacters: text.length,
  })
  const stored = await store.findRun(tree.runId)
  expect(stored).toMatchObject({ name: 'logs', status: 'done', model: 'big', protocol: 'rlms-log' })
  expect(stored.tags).toEqual(['imported'])
  expect(JSON.stringify(stored.config)).not.toContain('secret')
  const app = createApp(store, { webDirectory: null })
  const shown = await app.request(`/v1/trajectories/${tree.id}`)
  expect(trajectoryTreeSchema.parse(await shown.json()).invocations).toHaveLength(2)
})

test('what was imported is exported, scored and listed like any other run', async () => {
  const out = path.join(place.directory, 'out')
  const exported = await run(
    'export',
    'sft-turns',
    '--run',
    'latest',
    '--only-answered',
    '--format',
    'jsonl',
    '--eval-fraction',
    '0',
    '--out',
    out,
    '--json',
  )
  expect(exported.stderr).not.toContain('descent:')
  const [{ files, rows }] = exported.json<{ files: { path: string }[]; rows: number }>() as [
    { files: { path: string }[]; rows: number },
  ]
  expect(rows).toBe(4)
  const lines = (await readFile(path.join(out, files[0]?.path ?? ''), 'utf8')).trim().split('\n')
  const turns = lines.map(
    (line) => JSON.parse(line) as { prompt: unknown[]; completion: { content: string }[] },
  )
  expect(turns.map(({ prompt, completion: [reply] }) => [prompt.length, reply?.content.slice(0, 5)])).toEqual(
    [
      [3, 'Look.'],
      [6, 'done'],
      [3, 'Look.'],
      [6, 'done'],
    ],
  )
  const scored = await run('score', 'latest', '--reward', 'efficiency', '--json')
  expect(scored.code).toBe(0)
  const [again] = (await run('runs', '--json')).json<{ tags: string[]; meanReward: number | null }>()
  expect(again?.meanReward).toBeTypeOf('number')
  const replayed = await run('replay', (await listOf())[0]?.id ?? '')
  expect(replayed.code).toBe(2)
  expect(replayed.stderr).toMatch(/^descent: run .* was collected elsewhere and only recorded here/)
})

test('a log is imported once; another model is another run', async () => {
  const known = await run('import', path.join(place.directory, 'logs'), '--json')
  expect(known.json<Imported>()[0]).toMatchObject({ runs: [], trajectories: 0, filesKnown: 2 })
  expect(known.stderr).toMatch(/a\.jsonl: imported already, in run …\w{8}; left out\n/)
  const both = await writeLog('both.jsonl', [
    metadata,
    ...completion(),
    { ...metadata, root_model: 'other' },
    ...completion(),
  ])
  const imported = await importOf(both, '--name', 'two')
  expect(imported.runs.map(({ model, trajectories }) => [model, trajectories])).toEqual([
    ['big', 1],
    ['other', 1],
  ])
})

const badLogs: [string, (object | string)[], RegExp][] = [
  ['json', [metadata, '{"type": "iter'], /bad-json\.jsonl:2: not valid JSON/],
  ['type', [{ type: 'step' }], /bad-type\.jsonl:1: type: expected "metadata" or "iteration"/],
  [
    'alien',
    [iteration(1, [], 'x')],
    /bad-alien\.jsonl:1: type: an iteration before any line of type "metadata"/,
  ],
  [
    'field',
    [metadata, iteration(1, [], 'x', { code_blocks: [{ code: 'x', result: { stdout: 5, stderr: '' } }] })],
    /bad-field\.jsonl:2: code_blocks\.0\.result\.stdout: expected string, received number/,
  ],
  [
    'time',
    [metadata, iteration(1, [], 'x', { timestamp: 'noon' })],
    /bad-time\.jsonl:2: timestamp: expected a time/,
  ],
  [
    'gap',
    [metadata, iteration(1, [], 'x'), iteration(3, [], 'y')],
    /bad-gap\.jsonl:3: iteration: expected 2, got 3/,
  ],
  ['empty', [''], /bad-empty\.jsonl: the file is empty/],
]

test('a bad line is told with its place, and nothing is stored', async () => {
  const before = (await store.listRuns({ limit: 200 })).items.length
  const { signal } = new AbortController()
  const good = await writeLog('good.jsonl', [metadata, ...completion('Good?')])
  for (const [name, lines, message] of badLogs) {
    const paths = [good, await writeLog(`bad-${name}.jsonl`, lines)]
    await expect(importLogs({ store, paths, skipBadRows: false, signal })).rejects.toThrow(message)
  }
  const result = await run('import', good, path.join(place.directory, 'bad-field.jsonl'))
  expect(result.code).toBe(2)
  expect(result.stderr).toMatch(/^descent: .*bad-field\.jsonl:2: code_blocks.*\n$/)
  expect((await store.listRuns({ limit: 200 })).items).toHaveLength(before)
})

test('bad lines are left out with their completion, and counted', async () => {
  const [first = '', second = ''] = completion('Skipped?')
  const file = await writeLog('mixed.jsonl', [
    metadata,
    ...completion('First?'),
    first,
    '{"type": "iteration", "iteration": 2',
    second,
    ...completion('Last?'),
  ])
  expect(await importOf(file, '--skip-bad-rows')).toMatchObject({ trajectories: 2, skippedRows: 1 })
  expect((await listOf()).map(({ turns }) => turns)).toEqual([4, 4])
  const missing = await run('import', path.join(place.directory, 'nowhere'))
  expect(missing.stderr).toMatch(/^descent: .*nowhere: there is no such file or directory\n$/)
})

test('an import that was killed goes on where it stopped', async () => {
  const many = Array.from({ length: 150 }, (_, number) => completion(`Question ${number}?`)).flat()
  const file = await writeLog('many.jsonl', [metadata, ...many])
  const newest = async () => (await store.listRuns({ limit: 1 })).items[0]
  const killed = await descent(['import', file, '--store', place.store], {
    started(child) {
      const timer = setInterval(() => {
        void newest().then((row) => row?.name === 'many' && row.done > 5 && child.kill('SIGKILL'))
      }, 50)
      child.on('exit', () => clearInterval(timer))
    },
  })
  expect(killed.code).toBeNull()
  expect((await newest())?.done).toBeLessThan(150)
  const imported = await importOf(file)
  expect(imported.trajectories).toBe(150)
  const rows = await listOf()
  expect(rows).toHaveLength(150)
  expect(rows.every(({ status, turns }) => status === 'done' && turns === 4)).toBe(true)
  const { items } = await store.listRuns({ limit: 200 })
  expect(items.filter(({ name }) => name === 'many')).toHaveLength(1)
}, 120_000)
