import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCode } from '../../src/tasks/generators/code-facts.ts'
import { findPairs } from '../../src/tasks/generators/pair-conditions.ts'
import type { Task } from '../../src/tasks/task.ts'
import { temporaryDirectory } from '../support/directory.ts'
import { tasksOf, textOf } from './support/collect.ts'

let directory = ''
beforeAll(async () => {
  directory = await temporaryDirectory('gold')
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe('gold', () => {
  test('needles: each value of the gold stands once in the context, beside its key', async () => {
    const tasks = await tasksOf('needles', { characters: 30_000, count: 16, distractors: 20 })
    for (const task of tasks) {
      const golds = [task.answer].flat() as string[]
      const text = textOf(task)
      for (const gold of golds) {
        expect(text.split(gold)).toHaveLength(2)
        const key = new RegExp(`registry number of ([\\w-]+) is ${gold}\\.`).exec(text)?.[1] ?? '?'
        expect(task.prompt).toContain(key)
        // Whatever else the key has is in the gold too.
        const all = [...text.matchAll(new RegExp(`registry number of ${key} is (\\d+)`, 'g'))].map(
          (found) => found[1],
        )
        for (const value of all) expect(golds).toContain(value)
      }
    }
    expect(tasks.map(({ metadata }) => metadata['distractors'])).toContain(20)
  })

  test('multi-hop: the links lead to the number of the gold', async () => {
    for (const hops of [1, 5]) {
      for (const task of await tasksOf('multi-hop', { characters: 40_000, count: 4, hops })) {
        expect(task.metadata['hops']).toBe(hops)
        const documents = new Map(
          textOf(task)
            .split(/^# Document: /m)
            .slice(1)
            .map((part) => [part.slice(0, part.indexOf('\n')), part]),
        )
        let name = /Start at the document (.*?), and go/.exec(task.prompt)?.[1] ?? ''
        for (let hop = 0; hop < hops; hop += 1) {
          name = /^Its file was passed on to: (.*)\.$/m.exec(documents.get(name) ?? '')?.[1] ?? ''
        }
        expect(documents.get(name)).toContain(`Its file number is ${task.answer as string}.`)
      }
    }
  })

  test('labels, timeline, pairs: counted again from the labelled lines themselves', async () => {
    const source = Array.from({ length: 900 }, (_, index) => ['red', 'green', 'blue'][(index * 7) % 3] ?? '')
    const lines = source.map((label, index) => `${label}\ta ${label} text ${index}`)
    await writeFile(join(directory, 'colours.tsv'), lines.join('\n'))
    const options = { path: 'colours.tsv', characters: 12_000, count: 24, users: 9, split: 'all' }
    const dayOf = (text: string) => Date.parse(`${text} UTC`)
    const linesOf = (task: Task) =>
      [...textOf(task).matchAll(/^Date: (.*?) \|\| User: (\d+) \|\| Instance: a (\w+) text/gm)].map(
        (found) => ({
          day: dayOf(found[1] ?? ''),
          user: Number(found[2]),
          label: found[3] ?? '',
        }),
      )
    let asked = 0
    for (const task of [
      ...(await tasksOf('labels', options, directory)),
      ...(await tasksOf('timeline', options, directory)),
    ]) {
      const all = linesOf(task)
      const label = /label '(\w+)'/.exec(task.prompt)?.[1] ?? ''
      const count = (rows: typeof all, wanted: string) => rows.filter((row) => row.label === wanted).length
      const ranking = ['red', 'green', 'blue'].toSorted((a, b) => count(all, b) - count(all, a))
      const [, side, date] = /sent (before|after) (\w+ \d+, \d+) \(/.exec(task.prompt) ?? []
      const expected: Record<string, () => string> = {
        most: () => `['${ranking[0]}']`,
        least: () => `['${ranking.at(-1)}']`,
        second: () => `['${ranking[1]}']`,
        count: () => `[${count(all, label)}]`,
        before: () =>
          `[${count(
            all.filter(({ day }) => day < dayOf(date ?? '')),
            label,
          )}]`,
        after: () =>
          `[${count(
            all.filter(({ day }) => day > dayOf(date ?? '')),
            label,
          )}]`,
      }
      const gold = expected[task.metadata['kind'] as string]
      if (!gold) continue
      expect([task.id, task.answer, side]).toEqual([task.id, gold(), side])
      asked += 1
    }
    expect(asked).toBeGreaterThan(20)
  })

  test('pairs: either orientation counts, dates are strict and hold for a user without such lines', async () => {
    const day = (text: string) => Math.floor(Date.parse(`${text} UTC`) / 86_400_000)
    const rows = [
      { user: 1, label: 'a', day: day('Jan 01, 2024') },
      { user: 1, label: 'b', day: day('Jan 02, 2024') },
      { user: 2, label: 'a', day: day('Jan 03, 2024') },
      { user: 3, label: 'b', day: day('Jan 04, 2024') },
      { user: 4, label: 'c', day: day('Jan 05, 2024') },
    ]
    const both = { kind: 'both', anyOf: ['a', 'b'], least: 1, dated: null } as const
    expect(findPairs(rows, { ...both, anyOf: ['a', 'b'] })).toEqual([
      [1, 2],
      [1, 3],
      [2, 3],
    ])
    const dated = { label: 'a', side: 'before', day: day('Jan 03, 2024') } as const
    expect(findPairs(rows, { ...both, anyOf: ['a', 'b'], dated })).toEqual([[1, 3]])
    const one = (label: string, exactly = false) => ({ label, count: 1, exactly })
    expect(findPairs(rows, { kind: 'each', first: [one('c')], second: [one('a', true)] })).toEqual([
      [1, 4],
      [2, 4],
    ])
  })

  test('top: counted again in the text', async () => {
    for (const task of await tasksOf('top', { characters: 40_000, count: 12, form: 'dict' })) {
      const word = task.metadata['word'] as string
      const documents = task.context.kind === 'json' ? (task.context.value as Record<string, string>) : {}
      const counts = Object.entries(documents).map(([name, text]) => ({
        name,
        count: text
          .toLowerCase()
          .split(/[^\p{L}\p{N}_]+/u)
          .filter((token) => token === word).length,
      }))
      const ranking = counts.toSorted((a, b) => b.count - a.count)
      const expected: Record<string, unknown> = {
        most: ranking[0]?.name,
        top: ranking.slice(0, 3).map(({ name }) => name),
        documents: counts.filter(({ count }) => count > 0).length,
        total: counts.reduce((sum, { count }) => sum + count, 0),
      }
      expect(new Set([task.answer].flat())).toEqual(
        new Set([expected[task.metadata['kind'] as string]].flat()),
      )
    }
  })

  test('code: comments and strings are no code; TypeScript is read too', async () => {
    const root = join(directory, 'code')
    await mkdir(root, { recursive: true })
    const filler = `// ${'x'.repeat(400)}\n`
    await writeFile(
      join(root, 'a.js'),
      `${filler}import x from './lib.js'\n// import y from './lib.js'\nfunction one(name, other) { return x }\n`,
    )
    await writeFile(
      join(root, 'b.ts'),
      `${filler}import type { T } from './types.ts'\nexport { z } from './lib.js'\nexport function two(name: string = 'function no(name)'): void {}\n`,
    )
    await writeFile(
      join(root, 'c.mjs'),
      `${filler}const text = "import q from './lib.js'"\nexport const three = ({ name }, ...rest) => text\n`,
    )
    await writeFile(join(root, 'broken.js'), `${filler}function (`)
    const facts = async (name: string) => readCode(name, await readFile(join(root, name), 'utf8'))
    expect(await facts('a.js')).toMatchObject({
      imports: ['./lib.js'],
      functions: [{ declared: 'one', arity: 2, parameters: ['name', 'other'] }],
    })
    expect(await facts('b.ts')).toMatchObject({
      imports: ['./lib.js'],
      functions: [{ declared: 'two', parameters: ['name'] }],
    })
    expect(await facts('c.mjs')).toMatchObject({
      imports: [],
      functions: [{ declared: null, arity: 2, parameters: ['rest'] }],
    })
    expect(await facts('broken.js')).toBeNull()
  })

  test('code: the importers of the gold are those that a text search finds', async () => {
    for (const task of await tasksOf('code', { characters: 80_000, count: 6, kinds: ['importers'] })) {
      const module = /module "(.*?)"/.exec(task.prompt)?.[1] ?? ''
      const files = task.context.kind === 'json' ? (task.context.value as Record<string, string>) : {}
      const found = Object.entries(files).filter(([, text]) =>
        new RegExp(`(?:from|import)\\s*['"]${module.replaceAll('.', '[.]')}['"]`).test(text),
      )
      expect(found.map(([path]) => path).toSorted()).toEqual((task.answer as string[]).toSorted())
    }
  })
})
