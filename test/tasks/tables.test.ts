import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTaskset } from '../../src/tasks/index.ts'
import { mistakeOf, tasksOf, writeParquet } from './support/collect.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'descent-tables-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const file = (options: Record<string, unknown>) => tasksOf('file', options, directory)
const mistake = (options: Record<string, unknown>) => mistakeOf('file', options, directory)

describe('Parquet', () => {
  test('a directory of shards with a column mapping, one split of it, in order', async () => {
    await mkdir(join(directory, 'set/data'), { recursive: true })
    for (const shard of [0, 1]) {
      await writeParquet(
        join(directory, `set/data/train-0000${shard}-of-00002.parquet`),
        `select ${shard} * 3000 + i as number, 'q' || i as question, 'text ' || i as body, [i, i + 1] as golds, {'a': i} as extra, i::hugeint as big from range(3000) t(i)`,
      )
    }
    await writeParquet(join(directory, 'set/data/test-00000-of-00001.parquet'), 'select 1 as number')
    await writeFile(join(directory, 'set/dataset_info.json'), '{}')
    const columns = {
      id: 'number',
      prompt: '{question} ({extra.a})',
      context: 'body',
      answer: 'golds',
      metadata: ['extra', 'big'],
    }
    const tasks = await file({ path: 'set', split: 'train', columns, reward: 'set_f1' })
    expect(tasks).toHaveLength(6000)
    expect(tasks.map(({ id }) => Number(id))).toEqual(Array.from({ length: 6000 }, (_, index) => index))
    expect(tasks[4000]).toEqual({
      id: '4000',
      prompt: 'q1000 (1000)',
      context: { kind: 'text', text: 'text 1000' },
      answer: [1000, 1001],
      metadata: { reward: 'set_f1', extra: { a: 1000 }, big: 1000 },
    })
  })

  test('rows of megabytes come in pages that weigh no more than a few of them', async () => {
    await writeParquet(
      join(directory, 'heavy.parquet'),
      "select i as id, 'p' as prompt, repeat(chr(97 + (i % 26)::int), 4000000) as context from range(40) t(i)",
    )
    let tasks = 0
    let before = 0
    let most = 0
    for await (const task of openTaskset(
      { taskset: 'file', options: { path: 'heavy.parquet' } },
      directory,
    ).tasks()) {
      expect(task.id).toBe(String(tasks))
      expect(task.context).toMatchObject({ kind: 'text' })
      tasks += 1
      if (tasks === 1) before = process.memoryUsage().external
      most = Math.max(most, process.memoryUsage().external)
    }
    expect(tasks).toBe(40)
    // All rows together are 160 MB.
    expect(most - before).toBeLessThan(110 * 2 ** 20)
  })

  test('a bad row is named by file, row and field; a missing column by what there is', async () => {
    await writeParquet(
      join(directory, 'bad.parquet'),
      "select 'a' as id, 'p' as prompt, 'c' as context union all select 'b', '', 'c'",
    )
    expect(await mistake({ path: 'bad.parquet' })).toBe(
      'bad.parquet: row 2: prompt: expected a non-empty string, got an empty string',
    )
    expect(await mistake({ path: 'bad.parquet', columns: { prompt: 'question', context: 'context' } })).toBe(
      'bad.parquet: row 1: prompt: there is no column "question"; the row has id, context',
    )
    await writeFile(join(directory, 'broken.parquet'), 'PAR1 no')
    expect(await mistake({ path: 'broken.parquet' })).toMatch(/^broken\.parquet: /)
  })
})

describe('CSV', () => {
  test('quoted commas, quotes and line feeds; all cells are texts; JSON cells are parsed on demand', async () => {
    await writeFile(
      join(directory, 'ok.csv'),
      'n,q,notes,gold\n007,"a, ""b""?","one\ntwo","[1, 2]"\n8,c,"d",[3]\n',
    )
    const columns = { id: 'n', prompt: 'q', context: 'notes', answer: 'gold', json: ['gold'] }
    const tasks = await file({ path: 'ok.csv', columns })
    expect(tasks.map(({ id, prompt, context, answer }) => [id, prompt, context, answer])).toEqual([
      ['007', 'a, "b"?', { kind: 'text', text: 'one\ntwo' }, [1, 2]],
      ['8', 'c', { kind: 'text', text: 'd' }, [3]],
    ])
  })

  test('a bad row is named by its line, also after line feeds in cells, and can be skipped and counted', async () => {
    await writeFile(join(directory, 'bad.csv'), 'id,prompt,context\na,p,"one\ntwo"\n\nb,,c\nc,p,x\n')
    expect(await mistake({ path: 'bad.csv', columns: { prompt: 'prompt', context: 'context' } })).toBe(
      'bad.csv:5: prompt: nothing in column "prompt"; the row has id, prompt, context',
    )
    const options = { path: 'bad.csv', columns: { prompt: 'prompt', context: 'context' }, skipBadRows: true }
    const taskset = openTaskset({ taskset: 'file', options }, directory)
    const ids: string[] = []
    for (let round = 0; round < 2; round += 1) for await (const task of taskset.tasks()) ids.push(task.id)
    expect(ids).toEqual(['a', 'c', 'a', 'c'])
    expect(taskset.skipped?.()).toMatchObject({
      count: 1,
      examples: [expect.stringMatching(/^bad\.csv:5: /)],
    })
  })

  test('a line with too few or many cells stops the reading, or is skipped and counted', async () => {
    await writeFile(join(directory, 'ragged.csv'), 'id,prompt,context\na,p,c\nb,p\nc,p,x\nd,p,x,y,z\n')
    expect(await mistake({ path: 'ragged.csv' })).toMatch(/^ragged\.csv:3: 2 cells, where the heading has 3/)
    const taskset = openTaskset(
      { taskset: 'file', options: { path: 'ragged.csv', skipBadRows: true } },
      directory,
    )
    const ids: string[] = []
    for await (const task of taskset.tasks()) ids.push(task.id)
    expect(ids).toEqual(['a', 'c'])
    expect(taskset.skipped?.().count).toBe(2)
    expect(taskset.skipped?.().examples.join(' ')).toMatch(/ragged\.csv:3: .*ragged\.csv:5: /)
  })
})

describe('JSON', () => {
  test('a list is read element by element, and one object a line is read too', async () => {
    const rows = Array.from({ length: 5 }, (_, index) => ({
      id: `${index}`,
      prompt: 'p {[",\\"]}',
      context: { list: [index, '],['], text: 'é\u2028' },
    }))
    await writeFile(join(directory, 'list.json'), `\ufeff ${JSON.stringify(rows, null, 2)}\n`)
    await writeFile(join(directory, 'lines.json'), rows.map((row) => JSON.stringify(row)).join('\n'))
    const tasks = await file({ path: 'list.json' })
    expect(tasks.map(({ context }) => context)).toEqual(
      rows.map(({ context }) => ({ kind: 'json', value: context })),
    )
    expect(await file({ path: 'lines.json' })).toEqual(tasks)
  })

  test.each([
    [
      '[\n{"id": 1, "prompt": "p", "context": "c"},\n\n{"id": 2,\n "prompt": 3, "context": "c"}]',
      'x.json:4: prompt: expected',
    ],
    ['[\n{"id": 1, "prompt": "p", "context": "c"},\n{"id": nil}]', 'x.json:3: not valid JSON'],
    ['[\n{"id": 1, "prompt": "p", "context": "c"},\n]', 'x.json:2: not valid JSON'],
    [
      '[{"id": 1, "prompt": "p", "context": "c"},\n{"id": 2',
      'x.json:2: not valid JSON: the file ends inside',
    ],
    ['[{"id": 1, "prompt": "p", "context": "c"}]\nrest', 'x.json:2: not valid JSON: there is more'],
    ['"text"', 'x.json: must hold a list'],
    ['[]', 'x.json: no tasks in it'],
  ])('%j', async (text, expected) => {
    await writeFile(join(directory, 'x.json'), text)
    expect(await mistake({ path: 'x.json' })).toContain(expected)
  })

  test('skipBadRows leaves out lines that are no JSON, fields that are wrong and ids that repeat', async () => {
    const good = (id: string) => JSON.stringify({ id, prompt: 'p', context: 'c' })
    await writeFile(
      join(directory, 'skip.jsonl'),
      [good('a'), '{"id": ', good('a'), '[]', good('b')].join('\n'),
    )
    const taskset = openTaskset(
      { taskset: 'file', options: { path: 'skip.jsonl', skipBadRows: true } },
      directory,
    )
    const ids: string[] = []
    for await (const task of taskset.tasks()) ids.push(task.id)
    expect(ids).toEqual(['a', 'b'])
    expect(taskset.skipped?.().examples).toEqual([
      expect.stringMatching(/^skip\.jsonl:2: not valid JSON/),
      expect.stringMatching(/^skip\.jsonl:3: id: "a" is already the id of line 1/),
      expect.stringMatching(/^skip\.jsonl:4: expected an object/),
    ])
  })
})

describe('contexts', () => {
  test('from a file, from a directory of files, or one directory for all tasks', async () => {
    await mkdir(join(directory, 'books/b/inner'), { recursive: true })
    await writeFile(join(directory, 'books/a.txt'), 'first')
    await writeFile(join(directory, 'books/b/z.md'), 'zed')
    await writeFile(join(directory, 'books/b/inner/y.md'), 'why')
    await writeFile(join(directory, 'books/b/image.png'), Buffer.from([0, 1, 2, 255]))
    await writeFile(join(directory, 'q.csv'), 'q,where\nx,a.txt\n')
    await writeFile(join(directory, 'd.csv'), 'q,where\nx,b\n')
    const [fromFile] = await file({
      path: 'q.csv',
      columns: { prompt: 'q', contextFile: 'where' },
      contextDirectory: 'books',
    })
    expect(fromFile?.context).toEqual({ kind: 'file', path: join(directory, 'books/a.txt'), format: 'text' })
    const dict = { kind: 'json', value: { 'inner/y.md': 'why', 'z.md': 'zed' } }
    const [fromDirectory] = await file({
      path: 'd.csv',
      columns: { prompt: 'q', contextDirectory: 'where' },
      contextDirectory: 'books',
    })
    expect(fromDirectory?.context).toEqual(dict)
    const [shared] = await file({ path: 'd.csv', columns: { prompt: 'q' }, contextDirectory: 'books/b' })
    expect(shared).toMatchObject({ id: '2', context: dict })
    expect(
      await mistake({
        path: 'd.csv',
        columns: { prompt: 'q', contextFile: 'where' },
        contextDirectory: 'books',
      }),
    ).toContain('d.csv:2: contextFile: not a file: b')
  })

  test('a task line may name a directory too', async () => {
    await writeFile(
      join(directory, 'line.jsonl'),
      '{"id": "a", "prompt": "p", "contextDirectory": "books/b"}\n',
    )
    const [task] = await file({ path: 'line.jsonl' })
    expect(task?.context).toMatchObject({ kind: 'json', value: { 'z.md': 'zed' } })
  })
})

test('options that contradict each other are named', async () => {
  expect(await mistake({})).toContain('options.path: give exactly one of path and repo')
  expect(await mistake({ path: 'a.jsonl', columns: { promt: 'q' } })).toContain('columns')
})
