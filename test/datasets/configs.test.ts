// Several recipes in one directory, other formats, splits by document, and a dataset made again from its
// manifest.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { exportDataset, type ExportOptions, rebuildDataset } from '../../src/datasets/index.ts'
import { makeContent, makeTask, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { readFooter, readRows, temporaryDirectory } from './reading.ts'
import { withEngineTokens } from './token-fixtures.ts'
import { writeTokenizer } from './tokenizer.ts'

async function run(content: ReturnType<typeof makeContent>, changes: Partial<ExportOptions> = {}) {
  const directory = join(await temporaryDirectory(), 'set')
  const store = createMemoryStore(content)
  const result = await exportDataset({
    store,
    runIds: ['run-1'],
    recipe: 'sft-turns',
    evalFraction: 0,
    ...changes,
    directory,
  })
  return { directory, result, store }
}

test('several recipes are configs of one dataset, with each task on the same side in all', async () => {
  const { directory, result } = await run(makeContent(10, 2), {
    recipe: ['sft-turns', 'trajectories', 'rl-prompts'],
    recipeOptions: { contexts: 'none', maxPromptCharacters: 10_000 },
    evalFraction: 0.3,
    validationFraction: 0.2,
  })
  expect((await readdir(join(directory, 'data'))).toSorted()).toEqual([
    'rl-prompts',
    'sft-turns',
    'trajectories',
  ])
  expect(result.configs.map(({ name, rows }) => [name, rows])).toEqual([
    ['sft-turns', 40],
    ['trajectories', 20],
    ['rl-prompts', 10],
  ])
  const card = await readFile(join(directory, 'README.md'), 'utf8')
  const { configs } = parse(card.split('---\n')[1] ?? '') as {
    configs: { config_name: string; data_files: { split: string; path: string }[] }[]
  }
  expect(configs.map(({ config_name }) => config_name)).toEqual(['sft-turns', 'trajectories', 'rl-prompts'])
  expect(configs[1]?.data_files).toEqual(
    ['train', 'validation', 'test'].map((split) => ({ split, path: `data/trajectories/${split}-*.parquet` })),
  )
  const sides = new Map<string, Set<string>>()
  for (const file of result.files) {
    for (const row of await readRows(join(directory, file.path))) {
      const task = String(row['task_id'])
      sides.set(task, (sides.get(task) ?? new Set()).add(file.split))
    }
  }
  expect([...sides.values()].map((side) => side.size)).toEqual(Array.from({ length: 10 }, () => 1))
  await expect(run(makeContent(1, 1), { recipe: ['kto', 'kto'] })).rejects.toThrow(/"kto" is named twice/)
  await expect(
    run(makeContent(1, 1), { recipe: ['kto', 'sft-turns'], recipeOptions: { contexts: 'none' } }),
  ).rejects.toThrow(/None of the recipes kto, sft-turns has an option contexts/)
})

test('tasks about one document are on one side, in every draw', async () => {
  const content = makeContent(24, 1)
  content.tasks = content.tasks.map((task, index) => ({ ...task, context: `document ${index % 8}` }))
  for (const seed of [0, 1, 2, 3]) {
    const { directory, result } = await run(content, { evalFraction: 0.25, validationFraction: 0.25, seed })
    const sides = new Map<number, Set<string>>()
    for (const file of result.files) {
      for (const row of await readRows(join(directory, file.path))) {
        const document = Number(String(row['task_id']).slice(5)) % 8
        sides.set(document, (sides.get(document) ?? new Set()).add(file.split))
      }
    }
    expect([...sides.values()].every((side) => side.size === 1)).toBe(true)
    expect(new Set(result.files.map(({ split }) => split))).toEqual(new Set(['train', 'validation', 'test']))
  }
  const byTask = await run(content, { evalFraction: 0.25, splitBy: 'task' })
  expect(await readFile(join(byTask.directory, 'README.md'), 'utf8')).toContain(
    'All rollouts of a task are in one split',
  )
})

test('when all tasks are about one document they are divided by task, and the card says so', async () => {
  const content = makeContent(12, 1)
  content.tasks = content.tasks.map((task) => ({ ...task, context: 'the only one' }))
  const { directory, result } = await run(content, { evalFraction: 0.25 })
  expect(new Set(result.files.map(({ split }) => split))).toEqual(new Set(['train', 'test']))
  const card = await readFile(join(directory, 'README.md'), 'utf8')
  expect(card).toContain('All tasks are about one document, so the splits are made of whole tasks')
  expect(JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8'))).toMatchObject({
    split: { unit: 'task', units: 12 },
  })
})

test('JSON lines hold the same rows: exact numbers, nulls and empty lists, typed arrays as lists', async () => {
  const content = makeContent(1, 0)
  const bare = { invocations: [], scores: [], reward: null }
  const list = [
    makeTrajectory('run-1', 'task-0', 0, { turns: makeTurns('q\ud800', ['é 😀\u0000']), reward: Number.NaN }),
    makeTrajectory('run-1', 'task-0', 1, bare),
  ]
  const parquet = await run({ ...content, trajectories: list }, { recipe: 'trajectories' })
  const lines = await run({ ...content, trajectories: list }, { recipe: 'trajectories', format: 'jsonl' })
  const text = await readFile(join(lines.directory, 'data/train-00000-of-00001.jsonl'), 'utf8')
  const rows = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const columns = await readRows(join(parquet.directory, 'data/train-00000-of-00001.parquet'))
  expect(rows.map((row) => Object.keys(row))).toEqual(columns.map((row) => Object.keys(row)))
  expect(rows[0]?.['messages']).toEqual(columns[0]?.['messages'])
  expect(rows.map(({ reward, scores, models }) => [reward, scores, models])).toEqual([
    [
      null,
      [{ reward: 'exact', version: '1', value: 1, weight: 1, error: null, details: null }],
      ['policy-1'],
    ],
    [null, [], []],
  ])
  const tokens = withEngineTokens(list.slice(0, 1))
  const directory = join(await temporaryDirectory(), 'set')
  await exportDataset({
    store: createMemoryStore({ ...content, trajectories: list.slice(0, 1), tokens }),
    runIds: ['run-1'],
    recipe: 'sft-tokens',
    directory,
    format: 'jsonl',
  })
  const row = JSON.parse(
    await readFile(join(directory, 'data/train-00000-of-00001.jsonl'), 'utf8'),
  ) as Record<string, number[]>
  expect(row['loss_mask']?.length).toBe(row['input_ids']?.length)
})

test('the footer tells `datasets` its features', async () => {
  const { directory } = await run(makeContent(1, 1))
  const footer = await readFooter(join(directory, 'data/train-00000-of-00001.parquet'))
  const text = footer.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value ?? ''
  const { info } = JSON.parse(text) as { info: { features: Record<string, unknown> } }
  expect(info.features['prompt']).toEqual({
    feature: { role: { dtype: 'string', _type: 'Value' }, content: { dtype: 'string', _type: 'Value' } },
    _type: 'List',
  })
  expect(info.features['turn']).toEqual({ dtype: 'int32', _type: 'Value' })
})

test('a manifest makes the same bytes again, and tells what differs when the runs do', async () => {
  const content = makeContent(8, 2)
  const place = join(await temporaryDirectory(), 'tiny')
  await writeTokenizer(place)
  const { directory, store } = await run(content, {
    recipe: ['sft-turns', 'sft-tokens'],
    recipeOptions: { tokenizer: place, per: 'turn' },
    where: 'reward > 0.5',
    select: 'best',
    evalFraction: 0.3,
    maxShardBytes: 3000,
  })
  const manifest = join(directory, 'manifest.json')
  const again = { store, manifest, directory: join(directory, '..', 'again') }
  await expect(rebuildDataset(again)).rejects.toThrow(/made with the tokenizer tiny\. .*--tokenizer/)
  const made = await rebuildDataset({ ...again, tokenizer: place })
  expect(made.different).toEqual([])
  expect(made.same).toBe(made.files.length + made.beside.length)
  expect(made.same).toBeGreaterThan(4)

  const [first] = content.trajectories
  if (first) first.reward = 0
  const changed = await rebuildDataset({ ...again, tokenizer: place })
  expect(changed.different.length).toBeGreaterThan(0)
})

test('what is no manifest is one clear line', async () => {
  const { store, directory } = await run(makeContent(1, 1))
  const options = { store, directory: join(directory, '..', 'again') }
  await expect(rebuildDataset({ ...options, manifest: join(directory, 'no.json') })).rejects.toThrow(
    /cannot be read/,
  )
  await expect(rebuildDataset({ ...options, manifest: join(directory, 'README.md') })).rejects.toThrow(
    /is not JSON/,
  )
  const package_ = join(import.meta.dirname, '../../package.json')
  await expect(rebuildDataset({ ...options, manifest: package_ })).rejects.toThrow(
    /is not the manifest\.json of a dataset/,
  )
})

test('progress counts to the end, with rows and bytes', async () => {
  const seen: { trajectories: number; of: number; rows: number; bytes: number }[] = []
  const content = makeContent(3, 2)
  content.tasks.push(makeTask('other'))
  await run(content, { recipe: ['sft-turns', 'kto'], onProgress: (progress) => seen.push(progress) })
  expect(seen.at(-1)).toMatchObject({ trajectories: 12, of: 12, rows: 24, secondsLeft: 0 })
  expect(seen.at(-1)?.bytes).toBeGreaterThan(2000)
  expect(seen.map(({ trajectories }) => trajectories)).toEqual(seen.map((_, index) => index + 1))
})
