// `descent tasks` as a process, and every run file of a benchmark from start to end with scripted models:
// on the sample data where it is, else on rows of the official form.
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorkplace, descent, type Workplace } from '../support/cli.ts'
import * as official from './support/official.ts'
import { sampleData } from './support/sample-data.ts'

const examples = path.resolve(import.meta.dirname, '../../examples')

let workplace: Workplace
beforeAll(async () => {
  workplace = await createWorkplace()
})
afterAll(async () => await workplace.dispose())

async function write(name: string, text: string): Promise<string> {
  const file = path.join(workplace.directory, name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, text)
  return file
}

const lines = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n')

describe('descent tasks', () => {
  test('list names what a run file can name', async () => {
    const result = await descent(['tasks', 'list', '--json'])
    const rows = result.json<{ name: string; kind: string; needs: string | null }>()
    expect(rows.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'file',
        'factbook',
        'pairs',
        'oolong-synth',
        'longbench-v2',
        'browsecomp-plus',
      ]),
    )
    expect(rows.find(({ name }) => name === 'ruler')).toMatchObject({ kind: 'benchmark', needs: null })
    expect((await descent(['tasks', 'list'])).stdout).toContain('oolong-pairs')
  })

  test('show tells options and tasks', async () => {
    const result = await descent([
      'tasks',
      'show',
      'needles',
      '--options',
      '{characters: 5000}',
      '--limit',
      '1',
    ])
    expect(result.code).toBe(0)
    expect(result.stdout).toMatch(/distractors .* 4 /)
    expect(result.stdout).toContain('What is the registry number')
    const [row] = (await descent(['tasks', 'show', 'oolong-synth', '--json'])).json<{
      options: { properties: object }
    }>()
    expect(Object.keys(row?.options.properties ?? {})).toContain('contextLengths')
  })

  test('check is green for every taskset that needs no data, and prints JSON', async () => {
    const result = await descent(['tasks', 'check', '--json', '--examples', '1'])
    expect(result.stderr).toBe('')
    expect(result.code).toBe(0)
    const rows = result.json<{
      taskset: string
      ok: boolean
      tasks: number
      examples: { prompt: string }[]
    }>()
    expect(rows.map(({ taskset }) => taskset)).toEqual(
      expect.arrayContaining(['factbook', 'code', 'ruler', 'top']),
    )
    for (const row of rows) expect(row).toMatchObject({ ok: true, tasks: 12, examples: [{}] })
  })

  test('check finds what is wrong, names the task, and exits with 1', async () => {
    const file = await write(
      'wrong.jsonl',
      lines([
        { id: 'a', prompt: 'p', context: '', answer: 'x' },
        { id: 'b', prompt: 'p', context: 'c' },
        { id: 'c', prompt: 'p', context: 'c', answer: 'E', metadata: { reward: 'longbench_v2' } },
        { id: 'd', prompt: 'p', context: 'c', answer: '', metadata: { reward: 'exact' } },
        { id: 'e', prompt: 'p', context: 'c', answer: 'fine' },
      ]),
    )
    const result = await descent(['tasks', 'check', file, '--json'])
    expect(result.code).toBe(1)
    const [row] = result.json<{ ok: boolean; problems: { count: number; examples: string[] } }>()
    expect(row?.ok).toBe(false)
    const text = row?.problems.examples.join('\n') ?? ''
    expect(text).toContain('a: its context is empty')
    expect(text).toContain('b: it has no gold answer')
    expect(text).toContain('c: the gold answer "The correct answer is (E)" gets')
    expect(text).not.toContain('e: ')
    const people = await descent(['tasks', 'check', file])
    expect(people.code).toBe(1)
    expect(people.stdout).toContain('FAIL')
  })

  test('mistakes are one line and exit code 2', async () => {
    for (const args of [
      ['tasks', 'check', 'nedles'],
      ['tasks', 'check', 'needles', '--options', '[1]'],
      ['tasks', 'check', 'needles', '--options', '{charcters: 1}'],
      ['tasks', 'check', 'oolong-synth', '--options', '{path: gone.parquet}'],
    ]) {
      const result = await descent(args)
      expect(result.code).toBe(2)
      expect(result.stderr.trim().split('\n')).toHaveLength(1)
    }
  })

  test('a run file, a task file and a directory of shards are checked by their paths', async () => {
    const file = await write(
      'shards/train-0.jsonl',
      lines([{ id: 'a', prompt: 'p', context: 'c', answer: 'x' }]),
    )
    for (const what of [
      path.join(examples, 'mapped.yaml'),
      path.join(examples, 'tasks.jsonl'),
      path.dirname(file),
    ]) {
      const result = await descent(['tasks', 'check', what, '--json'])
      expect(result.stderr).toBe('')
      expect(result.json()[0]).toMatchObject({ ok: true })
    }
  })
})

describe('a run file of a benchmark', () => {
  /** Runs an example with other options; null takes one away. */
  async function collect(name: string, options: Record<string, unknown>, env: Record<string, string> = {}) {
    const { parse, stringify } = await import('yaml')
    const config = parse(await readFile(path.join(examples, `${name}.yaml`), 'utf8')) as {
      tasks: { options: Record<string, unknown> }
    }
    Object.assign(config.tasks.options, options)
    for (const [key, value] of Object.entries(options)) if (value === null) delete config.tasks.options[key]
    const file = await write(`${name}.yaml`, stringify(config))
    return await descent(['collect', file, '--json', '--plain', '--store', workplace.store], { env })
  }

  async function expectCollected(
    name: string,
    options: Record<string, unknown>,
    tasks: number,
  ): Promise<void> {
    const result = await collect(name, options)
    expect([result.code, result.stderr.includes('descent: ') ? result.stderr : '']).toEqual([0, ''])
    const [summary] = result.json<Record<string, unknown>>()
    expect(summary).toMatchObject({ trajectories: tasks, done: tasks, failed: 0 })
    // The reward that the task names was there and gave a value.
    expect(typeof summary?.['meanReward']).toBe('number')
  }

  const isHere = existsSync(sampleData)
  const data = (name: string) => path.join(sampleData, name)
  const note = isHere ? '' : ' (skipped: the sample data is not here)'

  const compat = (kind: string) => data(`oolong_compat/trec_coarse-1024.${kind}.jsonl`)
  const codeqa = data('longbench_v2/codeqa_small5.jsonl')

  test.skipIf(!isHere).each([
    [
      'oolong-synth',
      { path: compat('questions'), windows: compat('windows'), contextLengths: [1024], limit: 4 },
      4,
    ],
    ['oolong-pairs', { path: compat('pairs'), windows: compat('windows'), limit: 3 }, 3],
    ['codeqa', { path: codeqa }, 5],
    ['longbench-v2', { path: codeqa, lengths: null, limit: 2 }, 2],
  ])(`%s, on the sample data${note}`, expectCollected)

  test.each([
    ['oolong-real', { path: 'real.jsonl' }, 3],
    ['longbench-pro', { path: 'pro.json' }, 4],
    ['mrcr', { path: 'mrcr.jsonl' }, 1],
    ['ruler', { count: 11, characters: 12_000 }, 11],
    ['generated', { count: 2 }, 2],
    ['mapped', {}, 2],
  ])('%s, on rows of the official form or generated', async (name, options, tasks) => {
    await write('real.jsonl', lines(official.oolongReal))
    await write('pro.json', JSON.stringify(official.longbenchPro))
    await write('mrcr.jsonl', lines(official.mrcr))
    await cp(path.join(examples, 'mapped.csv'), path.join(workplace.directory, 'mapped.csv'))
    await expectCollected(name, options, tasks)
  })

  test('--skip-bad-rows counts what it leaves out; without it the first bad row ends the run', async () => {
    await write('some-bad.jsonl', '{"id": "1", "prompt": "p", "context": "c", "answer": "c"}\n{"id": "2"}\n')
    const file = await write(
      'some-bad.yaml',
      'name: bad\ntasks: some-bad.jsonl\nmodel: {provider: scripted, name: careful}\nrewards: [exact]\n',
    )
    const place = ['--store', workplace.store, '--json']
    const [refused, skipped, check, generated] = await Promise.all([
      descent(['collect', file, ...place]),
      descent(['collect', file, '--skip-bad-rows', ...place]),
      descent([
        'tasks',
        'check',
        path.join(workplace.directory, 'some-bad.jsonl'),
        '--skip-bad-rows',
        '--json',
      ]),
      descent(['tasks', 'check', 'needles', '--skip-bad-rows']),
    ])
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/some-bad\.jsonl:2: prompt: expected/),
    ])
    expect(skipped.json()[0]).toMatchObject({ trajectories: 1, done: 1 })
    expect(skipped.stderr).toMatch(/1 bad rows left out: some-bad\.jsonl:2: prompt/)
    expect(check.json()[0]).toMatchObject({ ok: true, tasks: 1, skipped: { count: 1 } })
    expect(generated.stderr).toMatch(/--skip-bad-rows: the taskset needles reads no rows/)
  })

  test('browsecomp-plus is collected only by a person who says why', async () => {
    const env = { BROWSECOMP_PLUS_CANARY: 'made up' }
    const encrypted = await write('browse.jsonl', lines([official.browsecompRow('made up')]))
    const refused = await collect('browsecomp-plus', { path: encrypted }, env)
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    expect(refused.stderr).toMatch(/^descent: tasks: browsecomp-plus is encrypted .*allowPlaintext/)
    const allowPlaintext = { reason: 'a test with made-up rows' }
    const allowed = await collect('browsecomp-plus', { path: encrypted, allowPlaintext }, env)
    expect(allowed.json()[0]).toMatchObject({ trajectories: 1, done: 1, failed: 0 })
  })
})
