import { expect, test } from 'vitest'
import { factbookTaskset } from '../../src/tasks/factbook.ts'
import { codePoints } from '../../src/tasks/json-length.ts'
import type { Task } from '../../src/tasks/task.ts'

async function generate(options: unknown): Promise<Task[]> {
  const tasks: Task[] = []
  for await (const task of factbookTaskset(options).tasks()) tasks.push(task)
  return tasks
}

function documentTexts(context: Task['context']): string[] {
  if (context.kind === 'text') return [context.text]
  return context.kind === 'json' ? (context.value as string[]) : []
}

function documentsOf({ context }: Task): Map<string, string> {
  const text = documentTexts(context)
  const pieces = text.flatMap((part) => part.split(/^(?=### Country: )/m))
  return new Map(pieces.map((piece) => [/^### Country: (.*)/.exec(piece)?.[1] ?? '', piece]))
}

function field(document: string, path: string): string | undefined {
  return document
    .split('\n')
    .find((line) => line.startsWith(`${path}: `))
    ?.slice(path.length + 2)
}

test('the same options give the same tasks, another seed others', async () => {
  const options = { count: 8, maxCharacters: 200_000, seed: 5 }
  const first = await generate(options)
  expect(await generate(options)).toEqual(first)
  expect((await generate({ ...options, seed: 6 })).map(({ prompt }) => prompt)).not.toEqual(
    first.map(({ prompt }) => prompt),
  )
})

test('twelve tasks by default: all kinds, both context types, sizes over the whole range, full metadata', async () => {
  const tasks = await generate({})
  expect(tasks).toHaveLength(12)
  expect(new Set(tasks.map(({ id }) => id)).size).toBe(12)
  expect(new Set(tasks.map(({ metadata }) => metadata['kind']))).toEqual(
    new Set(['counting', 'needle', 'multi-hop', 'comparison']),
  )
  expect(new Set(tasks.map(({ context }) => context.kind))).toEqual(new Set(['text', 'json']))
  const sizes = tasks.map(({ metadata }) => Number(metadata['characters'])).toSorted((a, b) => a - b)
  expect(sizes[0]).toBeGreaterThanOrEqual(10_000)
  expect(sizes[0]).toBeLessThan(25_000)
  expect(sizes[11]).toBeLessThanOrEqual(2_000_000)
  expect(sizes[11]).toBeGreaterThan(1_000_000)
  for (const { metadata, context } of tasks) {
    expect(Object.keys(metadata).toSorted()).toEqual([
      'answerType',
      'characters',
      'difficulty',
      'documents',
      'kind',
      'seed',
      'source',
    ])
    const characters = documentTexts(context).reduce((sum, text) => sum + codePoints(text), 0)
    expect(characters).toBe(metadata['characters'])
  }
})

test('sizes stay within the range and gold follows from the text of the context, over 160 tasks', async () => {
  const tasks = await generate({ count: 160, minCharacters: 6000, maxCharacters: 60_000, seed: 3 })
  let checked = 0
  for (const task of tasks) {
    const documents = documentsOf(task)
    expect(Number(task.metadata['characters'])).toBeGreaterThanOrEqual(6000)
    expect(Number(task.metadata['characters'])).toBeLessThanOrEqual(60_000)
    expect(documents.size).toBe(task.metadata['documents'])
    const path = [...task.prompt.matchAll(/field "([^"]+)"/g)].at(-1)?.[1] ?? ''
    const values = new Map<string, number>()
    for (const [name, document] of documents) {
      const text = field(document, path)
      const number = /^\$?(-?[\d,]+(?:\.\d+)?)/.exec(text ?? '')?.[1]
      if (number) values.set(name, Number(number.replaceAll(',', '')))
    }
    const borders = /profile of (.+?) lists/.exec(task.prompt)?.[1]
    const town = / is "([^"]+)" lists/.exec(task.prompt)?.[1]
    const centre = town
      ? [...documents].find(([, document]) => field(document, 'Government / Capital / name') === town)?.[0]
      : borders
    const names = [...values.keys()].filter((name) => {
      const listed =
        centre && field(documents.get(centre) ?? '', 'Geography / Land boundaries / border countries')
      return !centre || listed?.split(', ').some((part) => part.replace(/ [\d,.]+ km$/, '') === name)
    })
    const ranked = names.toSorted((a, b) => (values.get(b) ?? 0) - (values.get(a) ?? 0))
    const limit = Number(/at (?:least|most) (-?[\d,.]+)/.exec(task.prompt)?.[1]?.replaceAll(',', ''))
    let expected: unknown
    if (task.prompt.includes('value of at least')) {
      const above = ranked.filter((name) => (values.get(name) ?? 0) >= limit)
      expected = task.metadata['answerType'] === 'set' ? above.toSorted() : above.length
    } else if (task.prompt.includes('value of at most')) {
      expected = ranked.filter((name) => (values.get(name) ?? 0) <= limit).length
    } else if (/highest|lowest/.test(task.prompt)) {
      if (task.prompt.includes('lowest')) ranked.reverse()
      const count = task.metadata['answerType'] === 'set' ? 3 : 1
      expected = count === 3 ? ranked.slice(0, 3).toSorted() : ranked[0]
      if (values.get(ranked[count - 1] ?? '') === values.get(ranked[count] ?? '')) expected = 'a tie'
    } else if (task.prompt.includes('mention "')) {
      const word = /mention "([^"]+)"/.exec(task.prompt)?.[1] ?? ''
      expected = [...documents.values()].filter((document) =>
        new RegExp(`\\b${word}\\b`, 'i').test(field(document, path) ?? ''),
      ).length
    } else if (task.prompt.includes('What is the value')) {
      expected = values.get(/ for (.+?)\? Answer/.exec(task.prompt)?.[1] ?? '')
    } else if (task.prompt.includes("Which country's profile")) {
      const value = /gives "([^"]+)"/.exec(task.prompt)?.[1]
      expected = [...documents]
        .filter(([, document]) => field(document, path) === value)
        .map(([name]) => name)[0]
    } else {
      expected = field(
        documents.get(
          / of ([^?]+), as given/.exec(task.prompt)?.[1]?.replace(/^the capital of /, '') ?? '',
        ) ?? '',
        path,
      )
    }
    const answer = Array.isArray(task.answer) ? task.answer.map(String).toSorted() : task.answer
    expect([task.id, task.prompt, answer]).toEqual([task.id, task.prompt, expected])
    checked += 1
  }
  expect(checked).toBe(160)
})

test('kinds can be chosen; a range that nothing fits is a clear mistake', async () => {
  const tasks = await generate({ count: 3, kinds: ['needle'], maxCharacters: 20_000 })
  expect(tasks.map(({ metadata }) => metadata['kind'])).toEqual(['needle', 'needle', 'needle'])
  expect(() => factbookTaskset({ minCharacters: 30_000, maxCharacters: 30_000 })).toThrow(/1\.2 times/)
  expect(() => factbookTaskset({ kinds: ['nedle'] })).toThrow(/needle/)
})
