// Secrets in what `rl-prompts` writes beside the rows: contexts of every kind, gold answers, metadata. And
// in the audit, which quotes what repairs changed.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exportDataset, type ExportOptions } from '../../src/datasets/index.ts'
import { sha256, sha256Hex } from '../../src/hash.ts'
import { packContexts, unpackContexts } from '../../src/tasks/several.ts'
import { makeContent, makeTask, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore, type MemoryTask } from './memory-store.ts'
import { readRows, temporaryDirectory } from './reading.ts'

const key = `ghp_${'aB3d'.repeat(10)}`
const mark = '[REDACTED:github-token]'

async function write(tasks: MemoryTask[], options: Partial<ExportOptions>) {
  const content = makeContent(0, 0)
  content.runs = makeContent(1, 0).runs
  content.tasks = tasks
  content.trajectories = tasks.map(({ id }) => makeTrajectory('run-1', id, 0))
  const directory = join(await temporaryDirectory(), 'set')
  const given = { runIds: ['run-1'], recipe: 'rl-prompts', evalFraction: 0, ...options }
  const { funnel } = await exportDataset({ store: createMemoryStore(content), ...given, directory })
  const read = async (path: string) => await readFile(join(directory, path), 'utf8')
  const manifest = JSON.parse(await read('manifest.json')) as {
    contexts: { path: string; bytes: number; sha256: string }[]
  }
  const rows = await readRows(join(directory, 'data/train-00000-of-00001.parquet'))
  const audit = (await read('audit.jsonl')).split('\n').filter(Boolean)
  const lines = audit.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { directory, funnel, manifest, rows, lines, read }
}

test('a redacted context is the file that is written, named in the audit, without the secret', async () => {
  const tasks = [
    makeTask('task-0', { context: `one ${key} two ${key}`, metadata: { owner: 'ann@example.org' } }),
    makeTask('task-1', { context: 'nothing here' }),
  ]
  const { read, manifest, lines, rows } = await write(tasks, { clean: ['secrets', 'emails'] })
  const [first, second] = manifest.contexts
  const text = await read(first?.path ?? '')
  expect(text).toBe(`one ${mark} two ${mark}`)
  expect(first).toMatchObject({ bytes: text.length, sha256: sha256Hex(text) })
  expect(await read(second?.path ?? '')).toBe('nothing here')
  expect(lines.map(({ task_id, rule, action, detail }) => [task_id, rule, action, detail])).toEqual([
    ['task-0', 'secrets', 'redacted', 'github-token in the context, 2 times'],
    ['task-0', 'emails', 'redacted', 'a e-mail in the task'],
  ])
  expect(
    JSON.stringify(
      rows.map((row) => row['extra_info']),
      (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
    ),
  ).not.toContain('ann@example.org')
  const inline = await write(tasks, { clean: ['secrets'], recipeOptions: { contexts: 'inline' } })
  expect(inline.rows.map((row) => (row['info'] as { context: string }).context)).toEqual([
    `one ${mark} two ${mark}`,
    'nothing here',
  ])
})

test('a context of JSON stays the JSON that it was', async () => {
  const escaped = String.raw`"a \" quote \\"`
  const context = `[1e400, 12345678901234567890, ${escaped}, {"k": "x ${key} y"},  "ann\\u0040example.org"]`
  const { read, manifest } = await write([makeTask('task-0', { context, contextFormat: 'json' })], {
    clean: ['secrets', 'emails'],
  })
  const [file] = manifest.contexts
  expect(file?.path).toMatch(/\.json$/)
  expect(await read(file?.path ?? '')).toBe(
    `[1e400, 12345678901234567890, ${escaped}, {"k": "x ${mark} y"},  "[REDACTED:e-mail]"]`,
  )
})

test('several contexts in one file stay readable as such', async () => {
  const place = await temporaryDirectory()
  const parts = await Promise.all(
    [`first ${key} 😀`, 'second'].map(async (text, index) => {
      const file = join(place, `part-${index}`)
      await writeFile(file, text)
      const facts = { type: 'str' as const, characters: text.length, bytes: Buffer.byteLength(text) }
      return { file, hash: sha256(text), format: 'text' as const, ...facts }
    }),
  )
  await mkdir(join(place, 'packed'))
  const packed = await packContexts(parts, join(place, 'packed'))
  const context = await readFile(packed.file, 'utf8')
  const { directory, manifest } = await write([makeTask('task-0', { context, contextFormat: 'several' })], {
    clean: ['secrets'],
  })
  const unpacked = await unpackContexts(join(directory, manifest.contexts[0]?.path ?? ''))
  const texts = await Promise.all(unpacked.map(({ file }) => readFile(file.path, 'utf8')))
  expect(texts).toEqual([`first ${mark} 😀`, 'second'])
})

test('a task with a secret goes when secrets are to drop, and stays where contexts are not written', async () => {
  const tasks = [makeTask('task-0', { context: key }), makeTask('task-1')]
  const dropped = await write(tasks, { clean: ['secrets=drop'] })
  expect(dropped.rows.map((row) => row['task_id'])).toEqual(['task-1'])
  expect(dropped.lines[0]).toMatchObject({
    action: 'trajectory dropped',
    detail: 'a github-token in the context',
  })
  const kept = await write(tasks, { clean: ['secrets=drop'], recipeOptions: { contexts: 'none' } })
  expect(kept.rows).toHaveLength(2)
  const gold = await write([makeTask('task-0', { answer: { is: key } }), makeTask('task-1')], {
    clean: ['secrets=drop'],
    recipeOptions: { contexts: 'none' },
  })
  expect(gold.rows.map((row) => row['task_id'])).toEqual(['task-1'])
})

test('the audit of a repair holds no secret that the rows are without', async () => {
  const content = makeContent(1, 0)
  const said = `\`\`\`repl\nprint("${key}")\n\`\`\`\nand\n\`\`\`repl\nprint(2)\n\`\`\``
  content.trajectories = [
    makeTrajectory('run-1', 'task-0', 0, { turns: makeTurns('q', [said, 'It is so.']) }),
  ]
  const directory = join(await temporaryDirectory(), 'set')
  await exportDataset({
    store: createMemoryStore(content),
    runIds: ['run-1'],
    recipe: 'sft-turns',
    evalFraction: 0,
    clean: ['secrets'],
    repair: ['several-blocks'],
    directory,
    tools: {
      openReplayer: () =>
        Promise.resolve({
          turn: ({ cells }) =>
            Promise.resolve({ cells, answer: null, feedback: null, difference: `it printed ${key}` }),
          close: () => Promise.resolve(),
        }),
    },
  })
  const audit = await readFile(join(directory, 'audit.jsonl'), 'utf8')
  expect(audit).toContain('"before":')
  expect(audit).toContain(`it printed ${mark}`)
  expect(audit).not.toContain(key)
})
