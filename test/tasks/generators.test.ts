import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkTaskset } from '../../api/check-tasks.ts'
import { openTaskset } from '../../src/tasks/index.ts'
import { temporaryDirectory } from '../support/directory.ts'
import { mistakeOf, tasksOf, textOf } from './support/collect.ts'

let directory = ''
beforeAll(async () => {
  directory = await temporaryDirectory('generators')
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const names = ['needles', 'labels', 'timeline', 'pairs', 'multi-hop', 'top', 'code', 'ruler']
const lengths = [10_000, 60_000, 400_000]

describe.each(names)('%s', (name) => {
  test('is sound at three lengths, and as long as asked for', async () => {
    for (const characters of lengths) {
      const taskset = openTaskset({ taskset: name, options: { characters, count: 12 } }, directory)
      const check = await checkTaskset(taskset, { examples: 0, otherwise: { name: 'auto' } })
      expect(check.problems.examples).toEqual([])
      expect(check).toMatchObject({ ok: true, tasks: 12, scored: 12 })
      expect(check.characters.most).toBeLessThanOrEqual(characters)
      expect(check.characters.least).toBeGreaterThan(characters * 0.85)
      expect(Object.keys(check.difficulties).length).toBeGreaterThan(0)
    }
  })

  test('the same seed gives the same tasks, another one others', async () => {
    const options = { characters: 12_000, count: 4 }
    const first = await tasksOf(name, options)
    expect(await tasksOf(name, options)).toEqual(first)
    const other = await tasksOf(name, { ...options, seed: 1 })
    expect(other.map(textOf)).not.toEqual(first.map(textOf))
  })
})

describe('train and eval', () => {
  test('of documents: no country of the one is in the other', async () => {
    for (const name of ['needles', 'multi-hop', 'top', 'factbook']) {
      const countries = async (split: string) => {
        const size = name === 'factbook' ? {} : { characters: 60_000 }
        const tasks = await tasksOf(name, { ...size, count: 12, split })
        return new Set(
          tasks.flatMap((task) =>
            [...textOf(task).matchAll(/^#+ (?:Document|Country): (.*)$/gm)].map((found) => found[1]),
          ),
        )
      }
      const [train, evaluation] = [await countries('train'), await countries('eval')]
      expect(train.size).toBeGreaterThan(20)
      expect(evaluation.size).toBeGreaterThan(5)
      expect([...train].filter((country) => evaluation.has(country))).toEqual([])
    }
  })

  test('of lines: no text of the one is in the other, also when it stands twice in the file', async () => {
    const lines = Array.from(
      { length: 400 },
      (_, index) => `${'ab'[index % 2]}\tmessage number ${index % 300}`,
    )
    await writeFile(join(directory, 'lines.tsv'), lines.join('\n'))
    for (const name of ['labels', 'timeline', 'pairs']) {
      const texts = async (split: string) => {
        const options = { path: 'lines.tsv', characters: 8000, count: 4, split, users: 6 }
        const tasks = await tasksOf(name, options, directory)
        return new Set(
          tasks.flatMap((task) => [...textOf(task).matchAll(/Instance: (.*)$/gm)].map((found) => found[1])),
        )
      }
      const [train, evaluation] = [await texts('train'), await texts('eval')]
      expect(train.size).toBeGreaterThan(50)
      expect(evaluation.size).toBeGreaterThan(20)
      expect([...train].filter((text) => evaluation.has(text))).toEqual([])
    }
  })

  test('of code: no file of the one is in the other', async () => {
    const files = async (split: string) => {
      const tasks = await tasksOf('code', { characters: 60_000, count: 8, split })
      return new Set(
        tasks.flatMap(({ context }) =>
          context.kind === 'json' ? Object.values(context.value as object) : [],
        ),
      )
    }
    const [train, evaluation] = [await files('train'), await files('eval')]
    expect(evaluation.size).toBeGreaterThan(5)
    expect([...train].filter((text) => evaluation.has(text))).toEqual([])
  })
})

describe('a source of one’s own', () => {
  test('documents of a directory, as text, list or dict', async () => {
    const root = join(directory, 'prose')
    await mkdir(root, { recursive: true })
    for (let index = 0; index < 12; index += 1) {
      await writeFile(
        join(root, `${index}.md`),
        `Chapter ${index}. ${'Plain words make a line.\n'.repeat(60)}`,
      )
    }
    for (const form of ['text', 'list', 'dict']) {
      const options = { directory: 'prose', characters: 6000, count: 4, form, split: 'all' }
      const taskset = openTaskset({ taskset: 'needles', options }, directory)
      const check = await checkTaskset(taskset, { examples: 0, otherwise: { name: 'auto' } })
      expect(check).toMatchObject({
        ok: true,
        contextTypes: { [{ text: 'str', list: 'list', dict: 'dict' }[form] ?? '']: 4 },
      })
    }
    expect(await mistakeOf('needles', { directory: 'prose', characters: 90_000 }, directory)).toContain(
      'characters can be made of its',
    )
    expect(await mistakeOf('needles', { directory: 'nowhere' }, directory)).toContain('no such directory')
  })

  test('labelled lines: a line that is none is named', async () => {
    await writeFile(join(directory, 'bad.label'), 'LOC:city Where ?\nno label\n')
    expect(await mistakeOf('labels', { path: 'bad.label' }, directory)).toBe(
      'bad.label:2: not a label and a text',
    )
  })
})
