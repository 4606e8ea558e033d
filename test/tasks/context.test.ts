import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Json } from '../../src/json.ts'
import { materializeContext } from '../../src/tasks/context.ts'

const pythonPath = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'
let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'descent-context-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** The rules of the reference's metadata, in Python itself, over files with one JSON value each. */
const python = `
import json, sys
def count(value):
    text = lambda item: len(item) if isinstance(item, str) else len(json.dumps(item))
    if isinstance(value, str): return ["str", len(value)]
    if isinstance(value, dict): return ["dict", sum(text(item) for item in value.values())]
    if value and isinstance(value[0], dict):
        if "content" in value[0]:
            return ["list", sum(len(str(item.get("content", ""))) if isinstance(item, dict) else len(json.dumps(item)) for item in value)]
        return ["list", sum(len(json.dumps(item)) for item in value)]
    return ["list", sum(len(item) if hasattr(item, "__len__") else len(json.dumps(item)) for item in value)]
print(json.dumps([count(json.loads(line)) for line in open(sys.argv[1], encoding="utf-8", newline="\\n")]))
`

function countedByPython(file: string): [string, number][] {
  return JSON.parse(execFileSync(pythonPath, ['-ISc', python, file], { encoding: 'utf8' })) as [
    string,
    number,
  ][]
}

test('characters are counted as Python counts them, for any JSON', async () => {
  const root = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.array(fc.jsonValue({ stringUnit: 'grapheme' })),
    fc.array(fc.record({ role: fc.string(), content: fc.jsonValue() }, { requiredKeys: ['role'] })),
    fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'grapheme' })),
    fc.dictionary(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true })),
  )
  const values = fc.sample(root, { numRuns: 600, seed: 11 }) as Json[]
  const file = join(directory, 'values.txt')
  await writeFile(file, values.map((value) => JSON.stringify(value)).join('\n'))
  const ours: [string, number][] = []
  for (const value of values) {
    const { type, characters } = await materializeContext(
      typeof value === 'string' ? { kind: 'text', text: value } : { kind: 'json', value },
      directory,
    )
    ours.push([type, characters])
  }
  expect(ours).toEqual(countedByPython(file))
})

test('numbers of a JSON file count as Python prints them after reading them', async () => {
  const sources = [
    '1.0',
    '1e3',
    '-0',
    '-0.0',
    '1E400',
    '123456789012345678901234567890',
    '0.00001',
    '1e16',
    '1.5e-7',
    '100000000000000000.0',
    '0.1',
    '-12.50',
  ]
  for (const [index, source] of sources.entries()) {
    const file = join(directory, `number-${index}.json`)
    await writeFile(file, `{"k": [${source}], "é": "é"}`)
    const { type, characters } = await materializeContext(
      { kind: 'file', path: file, format: 'json' },
      directory,
    )
    expect([source, type, characters]).toEqual([source, ...(countedByPython(file)[0] ?? [])])
  }
})

test('an inline context is written once, named by its hash, by many writers at the same time', async () => {
  const target = join(directory, 'many')
  const text = 'héllo 🌍\r\n'
  const written = await Promise.all(
    Array.from({ length: 20 }, () => materializeContext({ kind: 'text', text }, target)),
  )
  const hex = createHash('sha256').update(text).digest('hex')
  expect(await readdir(target)).toEqual([`${hex}.txt`])
  expect(written[7]).toEqual({
    file: join(target, `${hex}.txt`),
    hash: Buffer.from(hex, 'hex'),
    format: 'text',
    type: 'str',
    characters: 9,
    bytes: Buffer.byteLength(text),
  })
  expect(await readFile(join(target, `${hex}.txt`), 'utf8')).toBe(text)
  const before = (await stat(join(target, `${hex}.txt`))).ino
  await materializeContext({ kind: 'text', text }, target)
  expect((await stat(join(target, `${hex}.txt`))).ino).toBe(before)
})

test('a context file stays where it is and gives the same facts as its text', async () => {
  const text = `\ufeff${'añ🌍'.repeat(50_000)}`
  const file = join(directory, 'big.txt')
  await writeFile(file, text)
  const fromFile = await materializeContext({ kind: 'file', path: file, format: 'text' }, directory)
  const inline = await materializeContext({ kind: 'text', text }, directory)
  expect(fromFile).toEqual({ ...inline, file })
  expect(fromFile.characters).toBe(150_001)
})

test.each([
  ['text', Buffer.from([0x61, 0xff]), /not valid UTF-8/],
  ['json', Buffer.from('{"a": '), /not valid JSON/],
  ['json', Buffer.from('12'), /must be a list, an object or a string/],
  ['json', Buffer.from('1.0'), /must be a list, an object or a string/],
  ['json', null, /no such file/],
] as const)('a bad context file: %s %s', async (format, data, message) => {
  const path = join(directory, `bad-${data ? data.toString('hex') : 'gone'}`)
  if (data) await writeFile(path, data)
  await expect(materializeContext({ kind: 'file', path, format }, directory)).rejects.toThrow(message)
})
