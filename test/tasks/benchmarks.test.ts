import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { checkTaskset } from '../../api/check-tasks.ts'
import { openTaskset } from '../../src/tasks/index.ts'
import { temporaryDirectory } from '../support/directory.ts'
import { mistakeOf, tasksOf, textOf, writeParquet } from './support/collect.ts'
import * as official from './support/official.ts'

let directory = ''
beforeAll(async () => {
  directory = await temporaryDirectory('benchmarks')
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function expectSound(taskset: string, options: Record<string, unknown>, tasks: number): Promise<void> {
  const check = await checkTaskset(openTaskset({ taskset, options }, directory), {
    examples: 1,
    otherwise: { name: 'auto' },
  })
  expect(check.problems.examples).toEqual([])
  expect(check).toMatchObject({ ok: true, tasks })
}

async function write(name: string, rows: unknown[], asList = false): Promise<string> {
  const text = asList ? JSON.stringify(rows) : rows.map((row) => JSON.stringify(row)).join('\n')
  await writeFile(join(directory, name), text)
  return name
}

test('oolong-synth: official Parquet, the labelled window is never read', async () => {
  await mkdir(join(directory, 'synth/data'), { recursive: true })
  const rows = await write('synth.jsonl', official.oolongSynth)
  await writeParquet(
    join(directory, 'synth/data/validation-00000-of-00001.parquet'),
    `select * from read_json('${join(directory, rows)}')`,
  )
  const options = { path: 'synth', minContextLength: 0 }
  await expectSound('oolong-synth', options, official.oolongSynth.length)
  const tasks = await tasksOf('oolong-synth', options, directory)
  expect(tasks[0]).toMatchObject({
    id: 'oolong-synth-spam-1',
    prompt: official.oolongSynth[0]?.question,
    context: { kind: 'text', text: official.oolongSynth[0]?.context_window_text },
    answer: "['ham']",
    metadata: { reward: 'oolong', split: 'validation', answer_type: 'ANSWER_TYPE.LABEL', context_len: 1024 },
  })
  expect(JSON.stringify(tasks)).not.toContain('|| Label:')
  const ids = async (more: object) =>
    (await tasksOf('oolong-synth', { ...options, ...more }, directory)).map(({ id }) => id)
  expect(await ids({ datasets: ['trec_coarse'] })).toEqual(['oolong-synth-trec_coarse-3'])
  expect(await ids({ excludeNumeric: true })).not.toContain('oolong-synth-spam-2')
  expect(await ids({ contextLengths: [2048] })).toEqual(['oolong-synth-spam-4'])
  expect(await ids({ limit: 2 })).toHaveLength(2)
  expect(await mistakeOf('oolong-synth', { ...options, datasets: ['no'] }, directory)).toContain('no task of')
  expect(await mistakeOf('oolong-synth', { path: 'gone' }, directory)).toContain('no such file')
})

test('oolong-real', async () => {
  const path = await write('real.jsonl', official.oolongReal)
  await expectSound('oolong-real', { path }, 3)
  const [task] = await tasksOf('oolong-real', { path, questionTypes: ['singledoc_spells'] }, directory)
  expect(task).toMatchObject({
    answer: 'Fireball, Shield',
    metadata: { reward: 'oolong_real', campaign: 'campaign2', question_type: 'singledoc_spells' },
  })
})

test('oolong-pairs: the window of each row, or the only one', async () => {
  const path = await write('pairs.json', official.oolongPairs, true)
  const windows = await write('windows.jsonl', [{ context_window_id: 7, context_window_text: 'Date: …' }])
  await expectSound('oolong-pairs', { path, windows }, 2)
  const tasks = await tasksOf('oolong-pairs', { path, windows, withoutEmpty: true }, directory)
  expect(tasks.map(({ answer }) => answer)).toEqual([
    [
      [1, 2],
      [1, 3],
    ],
  ])
  expect(tasks.map(textOf)).toEqual(['Date: …'])
  const two = await write(
    'two.jsonl',
    [7, 8].map((id) => ({ context_window_id: id, context_window_text: 't' })),
  )
  expect(await mistakeOf('oolong-pairs', { path, windows: two }, directory)).toMatch(
    /pairs\.json:1: context_window_id: .*contextWindowId/,
  )
  expect(await mistakeOf('oolong-pairs', { path }, directory)).toMatch(/pairs\.json:1: .*windows/)
})

test('oolong-pairs: windows from the files of oolong-synth, of the right source and length', async () => {
  const rows = [
    { context_window_id: 1, context_len: 32_768, dataset: 'trec_coarse', context_window_text: 'right' },
    { context_window_id: 1, context_len: 32_768, dataset: 'trec_coarse', context_window_text: 'right' },
    { context_window_id: 2, context_len: 1024, dataset: 'trec_coarse', context_window_text: 'short' },
    { context_window_id: 3, context_len: 32_768, dataset: 'spam', context_window_text: 'spam' },
  ]
  const file = join(directory, await write('all-windows.jsonl', rows))
  await mkdir(join(directory, 'all-windows'), { recursive: true })
  await writeParquet(join(directory, 'all-windows/validation.parquet'), `select * from read_json('${file}')`)
  const path = await write('pairs.json', official.oolongPairs, true)
  const tasks = await tasksOf('oolong-pairs', { path, windows: 'all-windows' }, directory)
  expect(tasks.map(textOf)).toEqual(['right', 'right'])
})

test('longbench-v2 and codeqa: the prompt has question, choices and form, the context only the document', async () => {
  const path = await write('data.json', official.longbenchV2, true)
  await expectSound('longbench-v2', { path }, 2)
  const [task, ...others] = await tasksOf('longbench-v2', { path, subset: 'codeqa' }, directory)
  expect(others).toEqual([])
  expect(task?.prompt).toMatch(
    /question: Which\?\nChoices:\n\(A\) a\n\(B\) b\n\(C\) c\n\(D\) d\n\n.*The correct answer is/,
  )
  expect(task).toMatchObject({ context: { text: 'the code' }, answer: 'C', metadata: { difficulty: 'easy' } })
  await write('bad.jsonl', [official.longbenchV2[0], { ...official.longbenchV2[1], answer: 'E' }])
  expect(await mistakeOf('longbench-v2', { path: 'bad.jsonl' }, directory)).toMatch(/^bad\.jsonl:2: answer: /)
  await expectSound('longbench-v2', { path: 'bad.jsonl', skipBadRows: true }, 1)
})

test('longbench-pro: every metric’s gold scores 1; summaries are left out', async () => {
  const path = await write('pro.json', official.longbenchPro, true)
  await expectSound('longbench-pro', { path }, official.longbenchPro.length - 1)
  const [task] = await tasksOf('longbench-pro', { path, languages: ['Chinese'], thinking: true }, directory)
  expect(task).toMatchObject({
    prompt: 'think',
    metadata: { language: 'Chinese', secondary_task: 'T1.1 Rank' },
  })
})

test('mrcr: the last request is the prompt, the messages before it the context; version 2 from its CSV', async () => {
  const rows = await write('mrcr.jsonl', official.mrcr)
  await writeParquet(
    join(directory, '2needle.parquet'),
    `select * from read_json('${join(directory, rows)}')`,
  )
  await expectSound('mrcr', { path: '2needle.parquet' }, 1)
  const [task] = await tasksOf('mrcr', { path: '2needle.parquet', needles: [2] }, directory)
  expect(task?.prompt).toBe('Prepend aB3dE6gH9kL2 to the second poem about tapirs.')
  expect(task?.context).toMatchObject({ kind: 'json', value: [{ role: 'user' }, { role: 'assistant' }] })
  await writeFile(join(directory, 'v2.csv'), official.mrcrV2)
  await expectSound('mrcr', { path: 'v2.csv', version: '2' }, 1)
  const taskset = openTaskset({ taskset: 'mrcr', options: { path: 'v2.csv', version: '2' } }, directory)
  for (let round = 0; round < 2; round += 1) {
    for await (const second of taskset.tasks()) {
      expect(second).toMatchObject({
        id: 'mrcr-v2-1',
        prompt: 'Give me the 2nd poem, after aB3dE6gH9kL2.',
        context: { text: 'User: a poem\nAssistant: one\nUser: a poem\nAssistant: two' },
        metadata: { context_len: 40 },
      })
    }
  }
})

describe('browsecomp-plus', () => {
  const canary = 'made up for this test'
  const row = official.browsecompRow(canary)
  beforeEach(() => {
    process.env['BROWSECOMP_PLUS_CANARY'] = canary
  })
  afterEach(() => {
    delete process.env['BROWSECOMP_PLUS_CANARY']
  })

  test('decrypts in memory; gold and evidence are always among the documents', async () => {
    const path = await write('browse.jsonl', [row])
    await expectSound('browsecomp-plus', { path, documents: 4 }, 1)
    const [task] = await tasksOf('browsecomp-plus', { path, documents: 4 }, directory)
    expect(task).toMatchObject({ answer: 'Lind', metadata: { sensitive: true, documents: 4 } })
    const documents = task?.context.kind === 'json' ? (task.context.value as Record<string, string>) : {}
    expect(documents).toMatchObject({ g1: 'text of g1', e1: 'text of e1' })
    expect(Object.keys(documents)).toHaveLength(4)
    expect(JSON.stringify(task)).not.toContain(canary)
  })

  test('may not be stored unless a reason is given, which is kept', async () => {
    const path = await write('browse.jsonl', [row])
    const open = (options: object) =>
      openTaskset({ taskset: 'browsecomp-plus', options: { path, ...options } }, directory)
    expect(open({}).refusesStorage).toMatch(/allowPlaintext/)
    const allowPlaintext = { reason: 'evaluation only, on a closed machine' }
    expect(open({ allowPlaintext }).refusesStorage).toBeUndefined()
    const [task] = await tasksOf('browsecomp-plus', { path, allowPlaintext }, directory)
    expect(task?.metadata['plaintextReason']).toBe(allowPlaintext.reason)
    expect(
      await mistakeOf('browsecomp-plus', { path, allowPlaintext: { reason: 'yes' } }, directory),
    ).toContain('reason')
  })

  test('without the canary, or with another one, it says so', async () => {
    const path = await write('browse.jsonl', [row])
    process.env['BROWSECOMP_PLUS_CANARY'] = 'another'
    expect(await mistakeOf('browsecomp-plus', { path }, directory)).toContain('the canary is not the one')
    delete process.env['BROWSECOMP_PLUS_CANARY']
    expect(await mistakeOf('browsecomp-plus', { path }, directory)).toContain(
      'BROWSECOMP_PLUS_CANARY is not set',
    )
  })
})

test('ruler: every kind hides what it asks for', async () => {
  const tasks = await tasksOf('ruler', { characters: 12_000, count: 11 })
  expect(new Set(tasks.map(({ metadata }) => metadata['kind'])).size).toBe(11)
  for (const task of tasks) {
    const golds = task.answer as string[]
    for (const gold of golds) expect(textOf(task)).toContain(gold)
    const found = solveRuler(task.metadata['kind'] as string, task.prompt, textOf(task))
    expect([task.id, found.toSorted(byText)]).toEqual([task.id, golds.toSorted(byText)])
  }
})

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}

/** The answer as a program finds it in the text, by the rules of the kind. */
function solveRuler(kind: string, prompt: string, text: string): string[] {
  if (kind.startsWith('niah')) {
    const needles = text.matchAll(/One of the special magic \w+ for (\S+) is: (\S+)\./g)
    return [...needles].flatMap(([, key = '', value = '']) => (asks(prompt, key) ? [value] : []))
  }
  if (kind === 'vt') {
    const held = new Map<string, string>()
    for (const [, name = '', from = ''] of text.matchAll(/VAR (\w+) = (?:VAR )?(\w+)/g)) {
      held.set(name, held.get(from) ?? from)
    }
    const value = /value (\d+)/.exec(prompt)?.[1]
    return [...held].flatMap(([name, at]) => (at === value ? [name] : []))
  }
  const counts = new Map<string, number>()
  // The introduction of coded text ends with the first full stop but one.
  const words = kind === 'fwe' ? text.slice(text.indexOf('coded words.') + 12) : text
  for (const [word] of words.matchAll(/[a-z]+/g)) counts.set(word, (counts.get(word) ?? 0) + 1)
  const ranking = [...counts].toSorted((a, b) => b[1] - a[1])
  return ranking.slice(0, kind === 'cwe' ? 10 : 3).map(([word]) => word)
}

function asks(prompt: string, key: string): boolean {
  return new RegExp(`(?:for|and|,) ${key}(?=,| |$)`).test(prompt)
}
