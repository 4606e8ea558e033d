import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { openTaskset } from '../../src/tasks/index.ts'
import type { Task } from '../../src/tasks/task.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'descent-tasks-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function read(name: string, content: string | Uint8Array): Promise<Task[]> {
  await writeFile(join(directory, name), content)
  const tasks: Task[] = []
  for await (const task of openTaskset(name, directory).tasks()) tasks.push(task)
  return tasks
}

async function problem(name: string, content: string | Uint8Array): Promise<string> {
  const error: unknown = await read(name, content).then(
    () => null,
    (raised: unknown) => raised,
  )
  expect(error).toBeInstanceOf(UsageError)
  const { message } = error as UsageError
  expect(message).not.toContain('\n')
  return message
}

const good = '{"id": "a", "prompt": "p", "context": "c"}'

describe('JSONL', () => {
  test('reads texts, lists, objects and files; tolerates BOM, CRLF, blank lines and no last line feed', async () => {
    await writeFile(join(directory, 'book.txt'), 'long')
    const tasks = await read(
      'ok.jsonl',
      [
        '\ufeff{"id": 1, "prompt": "p", "context": "c\u2028d", "answer": 2, "metadata": {"k": [1]}}',
        '',
        '{"id": "b", "prompt": "p", "context": ["x"]}',
        '   ',
        '{"id": "c", "prompt": "p", "context": {"k": "v"}}',
        '{"id": "d", "prompt": "p", "contextFile": "book.txt"}',
      ].join('\r\n'),
    )
    expect(tasks.map(({ id }) => id)).toEqual(['1', 'b', 'c', 'd'])
    expect(tasks.map(({ context }) => context)).toEqual([
      { kind: 'text', text: 'c\u2028d' },
      { kind: 'json', value: ['x'] },
      { kind: 'json', value: { k: 'v' } },
      { kind: 'file', path: join(directory, 'book.txt'), format: 'text' },
    ])
    expect(tasks[0]).toMatchObject({ answer: 2, metadata: { k: [1] } })
    expect(tasks[1]).toMatchObject({ answer: null, metadata: {} })
  })

  test('gives the same tasks when iterated again, and lines longer than a read', async () => {
    const long = 'x'.repeat(700_000)
    await read(
      'twice.jsonl',
      `{"id": "a", "prompt": "p", "context": "${long}"}\n{"id": "b", "prompt": "p", "context": "é${long}"}\n`,
    )
    const taskset = openTaskset('twice.jsonl', directory)
    const rounds: Task[][] = [[], []]
    for (const round of rounds) for await (const task of taskset.tasks()) round.push(task)
    expect(rounds[0]).toHaveLength(2)
    expect(rounds[0]).toEqual(rounds[1])
  })

  test.each([
    ['{"id": "b", "prompt": 5, "context": "c"}', 'prompt: expected a non-empty string, got number'],
    ['{"id": "b", "prompt": "", "context": "c"}', 'prompt: expected a non-empty string, got an empty string'],
    ['{"id": "b", "context": "c"}', 'prompt: expected a non-empty string, got nothing (it is missing)'],
    [
      '{"id": 1.5, "prompt": "p", "context": "c"}',
      'id: expected a non-empty string or a whole number, got the number 1.5',
    ],
    [
      '{"id": "b", "prompt": "p", "context": 7}',
      'context: expected a string, a list or an object, got number',
    ],
    ['{"id": "b", "prompt": "p"}', 'context: give exactly one of "context" and "contextFile"'],
    [
      '{"id": "b", "prompt": "p", "context": "c", "metadata": []}',
      'metadata: expected an object of JSON values, got a list',
    ],
    ['{"id": "b", "prompt": "p", "contxt": "c"}', 'unknown field "contxt"; allowed are id, prompt, context'],
    ['[1]', 'expected an object with id, prompt and context, got a list'],
    ['{"id": ', 'not valid JSON'],
    ['{"id": "a", "prompt": "p", "context": "c"}', '"a" is already the id of line 1; ids must be unique'],
    ['{"id": "b", "prompt": "p", "contextFile": "gone.txt"}', 'contextFile: no such file: gone.txt'],
    ['{"id": "b", "prompt": "p", "contextFile": "."}', 'contextFile: not a file: .'],
  ])('%s', async (line, expected) => {
    const message = await problem('bad.jsonl', `${good}\n\n${line}\n`)
    expect(message).toContain('bad.jsonl:3: ')
    expect(message).toContain(expected)
  })

  test('an empty file, bytes that are not UTF-8, no file, another extension', async () => {
    expect(await problem('empty.jsonl', '\n\n')).toContain('empty.jsonl: no tasks in it')
    expect(await problem('latin.jsonl', Buffer.from(`${good}\n{"id":"\xe9"}`, 'latin1'))).toContain(
      'latin.jsonl:2: not valid UTF-8',
    )
    await expect(openTaskset('gone.jsonl', directory).tasks()[Symbol.asyncIterator]().next()).rejects.toThrow(
      /gone\.jsonl: no such file/,
    )
    expect(() => openTaskset('tasks.txt', directory)).toThrow(
      /allowed are \.jsonl, \.ndjson, \.json, \.yaml, \.yml/,
    )
  })
})

describe('lists', () => {
  test('YAML and JSON give what JSONL gives, and name the line of a bad task', async () => {
    const [fromLines] = await read('one.jsonl', good)
    expect(await read('one.yaml', '# tasks\n- id: a\n  prompt: p\n  context: c\n')).toEqual([fromLines])
    expect(await read('one.json', `[\n${good}\n]`)).toEqual([fromLines])
    expect(
      await problem('bad.yaml', '- id: a\n  prompt: p\n  context: c\n\n- id: b\n  prompt: 3\n  context: c\n'),
    ).toContain('bad.yaml:5: prompt: expected')
    expect(await problem('bad.json', `[\n${good},\n${good}\n]`)).toContain(
      'bad.json:3: id: "a" is already the id of line 2',
    )
    expect(await problem('broken.yaml', '- id: [a\n')).toMatch(/broken\.yaml:\d+: not valid YAML/)
    expect(await problem('map.yml', 'id: a\n')).toContain('must hold a list of tasks')
    expect(await problem('empty.yaml', '')).toContain('no tasks in it')
  })
})

describe('registry', () => {
  test('an unknown taskset lists what exists; a bad option is named', () => {
    expect(() => openTaskset({ taskset: 'factbok', options: {} }, directory)).toThrow(
      /unknown taskset "factbok"; there are file, factbook/,
    )
    expect(() => openTaskset({ taskset: 'factbook', options: { cuont: 1 } }, directory)).toThrow(
      /options.*cuont/,
    )
    expect(() => openTaskset({ taskset: 'factbook', options: { count: 0 } }, directory)).toThrow(
      /options\.count/,
    )
  })
})
