import { createHash } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/directory.ts'
import { mistakeOf, tasksOf, writeParquet } from './support/collect.ts'
import { startHub, type Hub } from './support/hub.ts'

let directory = ''
let hub: Hub
let cache = ''

beforeAll(async () => {
  directory = await temporaryDirectory('hub')
  const file = join(directory, 'shard.parquet')
  await writeParquet(
    file,
    "select i as id, 'question ' || i as question, repeat(md5(i::varchar), 4000) as body, i as gold from range(40) t(i)",
  )
  hub = await startHub('some/data-set', {
    'data/train-00000-of-00001.parquet': await readFile(file),
    'data/test.jsonl': Buffer.from('{"id": "t", "prompt": "p", "context": "c"}\n'),
    'README.md': Buffer.from('# card'),
  })
})
afterAll(async () => {
  await hub.close()
  await rm(directory, { recursive: true, force: true })
})
let number = 0
beforeEach(() => {
  number += 1
  cache = join(directory, `cache-${number}`)
  hub.reset()
})

const columns = { prompt: 'question', context: 'body', answer: 'gold' }
const options = () => ({
  repo: 'some/data-set',
  endpoint: hub.url,
  cacheDirectory: cache,
  split: 'train',
  tokenEnv: 'HUB_TEST_TOKEN',
  columns,
})

test('files of a data set are fetched once, and used again without a download', async () => {
  const tasks = await tasksOf('file', options())
  expect(tasks).toHaveLength(40)
  expect(tasks[7]).toMatchObject({ id: '7', prompt: 'question 7', answer: 7 })
  const bytes = hub.sentBytes()
  expect(bytes).toBeGreaterThan(1000)
  hub.reset()
  expect(await tasksOf('file', options())).toEqual(tasks)
  expect(hub.sentBytes()).toBe(0)
  hub.reset()
  expect(await tasksOf('file', { ...options(), offline: true })).toEqual(tasks)
  expect(hub.requests()).toEqual([])
})

test('a download that breaks off is taken up where it ended, with the same bytes', async () => {
  hub.breakAfter(0.4, 2)
  const tasks = await tasksOf('file', options())
  expect(tasks).toHaveLength(40)
  const ranges = hub.requests().flatMap(({ range }) => (range && range !== 'bytes=0-0' ? [range] : []))
  expect(ranges).toHaveLength(2)
  expect(Number(/bytes=(\d+)-/.exec(ranges[0] ?? '')?.[1])).toBeGreaterThan(0)
  // Not much more than the file itself went over the line.
  expect(hub.sentBytes()).toBeLessThan(hub.sizeOf('data/train-00000-of-00001.parquet') * 1.1)
})

test('a part that an earlier process left is gone on with; a wrong one is found out by its hash', async () => {
  await tasksOf('file', options())
  const folder = join(cache, 'hub', (await readdir(join(cache, 'hub')))[0] ?? '')
  const target = join(folder, 'data/train-00000-of-00001.parquet')
  const whole = await readFile(target)
  const oid = createHash('sha256').update(whole).digest('hex')
  await rm(target)
  const part = `${target}.${oid.slice(0, 16)}.part`
  await writeFile(part, whole.subarray(0, Math.floor(whole.length / 2)))
  hub.reset()
  expect(await tasksOf('file', options())).toHaveLength(40)
  expect(hub.sentBytes()).toBeLessThan(whole.length * 0.6)
  await rm(target)
  await writeFile(part, Buffer.alloc(100, 1))
  expect(await mistakeOf('file', options())).toContain('does not have the hash')
  expect(await tasksOf('file', options())).toHaveLength(40)
})

test('a new version of the file is fetched', async () => {
  const jsonl = { ...options(), split: 'test', columns: undefined }
  expect((await tasksOf('file', jsonl)).map(({ id }) => id)).toEqual(['t'])
  hub.put('data/test.jsonl', Buffer.from('{"id": "u", "prompt": "p", "context": "c"}\n'))
  expect((await tasksOf('file', jsonl)).map(({ id }) => id)).toEqual(['u'])
})

test('a token is sent, and asked for where the Hub refuses; it is never in a message', async () => {
  hub.requireToken('hf_forthistestonly')
  expect(await mistakeOf('file', options())).toMatch(/refuses \(401\).*HUB_TEST_TOKEN/)
  process.env['HUB_TEST_TOKEN'] = 'hf_forthistestonly'
  expect(await tasksOf('file', options())).toHaveLength(40)
  process.env['HUB_TEST_TOKEN'] = 'secret'
  const message = await mistakeOf('file', options())
  expect(message).toContain('starts with hf_')
  expect(message).not.toContain('secret')
  delete process.env['HUB_TEST_TOKEN']
})

test('what is not there is said plainly', async () => {
  expect(await mistakeOf('file', { ...options(), repo: 'some/other' })).toContain('knows no such data set')
  expect(await mistakeOf('file', { ...options(), split: 'dev' })).toContain(
    'no file in it fits; there are data/train-00000-of-00001.parquet, data/test.jsonl, README.md',
  )
  expect(await mistakeOf('file', { ...options(), offline: true })).toContain('not in the cache')
  expect(await mistakeOf('file', { ...options(), endpoint: 'http://127.0.0.1:9' })).toContain(
    'cannot be reached',
  )
})

test('a benchmark reads its official files from the Hub', async () => {
  const row = {
    _id: 'x1',
    domain: 'Code Repository Understanding',
    sub_domain: 'Code repo QA',
    difficulty: 'easy',
    length: 'short',
    question: 'Which?',
    choice_A: 'a',
    choice_B: 'b',
    choice_C: 'c',
    choice_D: 'd',
    answer: 'C',
    context: 'code',
  }
  const official = await startHub('THUDM/LongBench-v2', {
    'data.json': Buffer.from(JSON.stringify([row, { ...row, _id: 'x2', domain: 'Other' }])),
  })
  try {
    const tasks = await tasksOf('longbench-v2', {
      subset: 'codeqa',
      endpoint: official.url,
      cacheDirectory: cache,
    })
    expect(tasks.map(({ id }) => id)).toEqual(['longbench-v2-x1'])
  } finally {
    await official.close()
  }
})
