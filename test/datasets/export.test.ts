// The export through its door: what lies in the directory, what the rows hold, what a failure leaves.
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { exportDataset, type ExportOptions, findRecipe } from '../../src/datasets/index.ts'
import { makeCall, makeContent, makeRun, makeTask, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { readFooter, readRows, temporaryDirectory } from './reading.ts'

async function run(content: ReturnType<typeof makeContent>, changes: Partial<ExportOptions> = {}) {
  const store = createMemoryStore(content)
  const directory = changes.directory ?? join(await temporaryDirectory(), 'set')
  const result = await exportDataset({
    store,
    runIds: content.runs.map(({ id }) => id),
    recipe: 'sft-turns',
    evalFraction: 0,
    ...changes,
    directory,
  })
  return { store, directory, result }
}

async function listing(directory: string): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).toSorted()
}

describe('a whole export', () => {
  test('holds shards, card and manifest, and is recorded in the store', async () => {
    const { store, directory, result } = await run(makeContent(6, 2), { evalFraction: 0.3 })
    expect(await listing(directory)).toEqual([
      'README.md',
      'card',
      'card/depth.svg',
      'card/reward.svg',
      'card/tokens.svg',
      'card/turns.svg',
      'data',
      'data/test-00000-of-00001.parquet',
      'data/train-00000-of-00001.parquet',
      'manifest.json',
    ])
    expect(result.rows).toBe(24)
    for (const file of result.files) {
      const bytes = await readFile(join(directory, file.path))
      expect(file.bytes).toBe(bytes.length)
      expect(file.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
      expect(await readRows(join(directory, file.path))).toHaveLength(file.rows)
    }
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as Record<
      string,
      unknown
    >
    expect(manifest).toMatchObject({
      kind: 'descent-dataset',
      schemaVersion: 1,
      datasetId: result.datasetId,
      recipe: { name: 'sft-turns', version: '2' },
      rows: 24,
      files: result.files,
      scripted: false,
      runs: [{ id: 'run-1' }],
    })
    expect(store.datasets).toMatchObject([{ id: result.datasetId, recipe: 'sft-turns', rows: 24, directory }])
  })

  test('keeps the order of tasks, rollouts and turns, whatever the order of listing in a task', async () => {
    const content = makeContent(3, 3)
    content.trajectories.reverse()
    const { directory } = await run(content)
    const rows = await readRows(join(directory, 'data/train-00000-of-00001.parquet'))
    const keys = rows.map(
      (row) => `${String(row['task_id'])} ${String(row['rollout'])} ${String(row['turn'])}`,
    )
    const expected = ['task-2', 'task-1', 'task-0'].flatMap((task) =>
      [0, 1, 2].flatMap((rollout) => [0, 1].map((turn) => `${task} ${rollout} ${turn}`)),
    )
    expect(keys).toEqual(expected)
  })

  test('gives the same bytes twice', async () => {
    const first = await run(makeContent(4, 2), { evalFraction: 0.5 })
    const second = await run(makeContent(4, 2), { evalFraction: 0.5 })
    expect(first.result.files).toEqual(second.result.files)
    expect(first.result.datasetId).not.toBe(second.result.datasetId)
  })

  test('cuts shards below the limit and leaves no row out', async () => {
    const content = makeContent(40, 1)
    for (const [index, trajectory] of content.trajectories.entries()) {
      for (const turn of trajectory.invocations[0]?.turns ?? []) {
        turn.call.response.text = `${index}:`.padEnd(5000, String.fromCodePoint(97 + (index % 26)))
      }
    }
    const { directory, result } = await run(content, { codec: 'none', maxShardBytes: 100_000 })
    expect(result.files.length).toBeGreaterThan(4)
    expect(result.files.map(({ path }) => path)[1]).toBe(
      `data/train-00001-of-${String(result.files.length).padStart(5, '0')}.parquet`,
    )
    for (const file of result.files.slice(0, -1)) expect(file.bytes).toBeLessThan(110_000)
    const rows = await Promise.all(result.files.map(({ path }) => readRows(join(directory, path))))
    expect(rows.flat().map((row) => row['trajectory_id'])).toEqual(
      content.trajectories.flatMap(({ id }) => [id, id]),
    )
  })

  test('writes the recipe into the footer, with the codec asked for', async () => {
    for (const [codec, name] of [
      ['zstd', 'ZSTD'],
      ['snappy', 'SNAPPY'],
      ['none', 'UNCOMPRESSED'],
    ] as const) {
      const { directory } = await run(makeContent(2, 1), { codec })
      const footer = await readFooter(join(directory, 'data/train-00000-of-00001.parquet'))
      expect(footer.key_value_metadata).toContainEqual({ key: 'descent', value: 'sft-turns@2' })
      const used = footer.row_groups.flatMap(({ columns }) =>
        columns.map((column) => column.meta_data?.codec),
      )
      expect(new Set(used)).toEqual(new Set([name]))
    }
  })
})

describe('selection', () => {
  test('counts what each condition left', async () => {
    const content = makeContent(1, 0)
    content.trajectories = [
      makeTrajectory('run-1', 'task-0', 0),
      makeTrajectory('run-1', 'task-0', 1, { reward: 0.2 }),
      makeTrajectory('run-1', 'task-0', 2, { reward: null }),
      makeTrajectory('run-1', 'task-0', 3, { stopReason: 'max_turns' }),
      makeTrajectory('run-1', 'task-0', 4, { status: 'failed', stopReason: 'model_error' }),
      makeTrajectory('run-1', 'task-0', 5, { status: 'pending', stopReason: null }),
    ]
    const broken = makeTurns('?', ['a', 'b'])
    if (broken[1]) {
      broken[1].call = makeCall({
        error: { boundary: 'model', code: 'timeout', message: 'gone' },
        response: { text: null, reasoning: null, finishReason: null },
      })
    }
    content.trajectories.push(makeTrajectory('run-1', 'task-0', 6, { turns: broken }))
    const { result } = await run(content, { minReward: 0.5, onlyAnswered: true })
    expect(result.funnel).toEqual([
      { step: 'in the runs', trajectories: 7 },
      { step: 'status done', trajectories: 5 },
      { step: 'stop reason answered', trajectories: 4 },
      { step: 'reward of 0.5 or more', trajectories: 2 },
      { step: 'left out: turns whose call failed', trajectories: 1, rows: 1 },
      { step: 'exported', trajectories: 2, rows: 3 },
    ])
  })

  test('takes several runs, each once, and keeps a task of both on one side', async () => {
    const one = makeContent(8, 1, 'run-1')
    const two = makeContent(8, 1, 'run-2')
    const content = {
      ...one,
      runs: [...one.runs, ...two.runs],
      trajectories: [...one.trajectories, ...two.trajectories],
    }
    const { directory, result } = await run(content, {
      runIds: ['run-1', 'run-2', 'run-1'],
      evalFraction: 0.5,
    })
    expect(result.rows).toBe(32)
    const sides = new Map<string, Set<string>>()
    for (const file of result.files) {
      for (const row of await readRows(join(directory, file.path))) {
        const task = String(row['task_id'])
        sides.set(task, (sides.get(task) ?? new Set()).add(file.split))
      }
    }
    expect([...sides.values()].every((set) => set.size === 1)).toBe(true)
    expect(new Set([...sides.values()].flatMap((set) => [...set]))).toEqual(new Set(['train', 'test']))
  })

  test('with nothing left says at which step, and makes no directory', async () => {
    const parent = await temporaryDirectory()
    const attempt = run(makeContent(1, 1), { minReward: 2, directory: join(parent, 'set') })
    await expect(attempt).rejects.toThrow(/Nothing to export.*reward of 2 or more 0/)
    expect(await listing(parent)).toEqual([])
  })
})

describe('the split', () => {
  test.each([
    [2, 0.0001, 1],
    [2, 0.9999, 1],
    [1, 0.5, 0],
    [5, 0, 0],
  ])('of %i tasks at %d has %i in test', async (tasks, evalFraction, expected) => {
    const { result } = await run(makeContent(tasks, 1), { evalFraction })
    const held = result.files.filter(({ split }) => split === 'test')
    expect(held.reduce((sum, { rows }) => sum + rows, 0)).toBe(expected * 2)
    expect(result.files.some(({ split }) => split === 'train')).toBe(true)
  })

  test('moves no task when others join', async () => {
    async function testTasks(tasks: number) {
      const { directory } = await run(makeContent(tasks, 1), { evalFraction: 0.4, seed: 3 })
      const rows = await readRows(join(directory, 'data/test-00000-of-00001.parquet'))
      return new Set(rows.map((row) => String(row['task_id'])))
    }
    const few = await testTasks(20)
    const many = await testTasks(40)
    expect(few.size).toBeGreaterThan(2)
    expect([...many].filter((task) => Number(task.slice(5)) < 20).toSorted()).toEqual([...few].toSorted())
  })
})

describe('the directory', () => {
  test('that holds something else is refused and left alone', async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, 'thesis.tex'), 'years of work')
    await expect(run(makeContent(1, 1), { directory })).rejects.toThrow(UsageError)
    expect(await listing(directory)).toEqual(['thesis.tex'])
    await writeFile(join(directory, 'manifest.json'), '{"kind": "web app"}')
    await expect(run(makeContent(1, 1), { directory })).rejects.toThrow(/not an earlier export/)
    await expect(run(makeContent(1, 1), { directory: join(directory, 'thesis.tex') })).rejects.toThrow(
      /is a file/,
    )
  })

  test('of an earlier export is replaced, its shards gone, files of others kept', async () => {
    const first = await run(makeContent(20, 1), { maxShardBytes: 2000 })
    const { directory } = first
    await writeFile(join(directory, 'notes.md'), 'mine')
    expect(first.result.files.length).toBeGreaterThan(2)
    const second = await run(makeContent(2, 1), { directory, recipe: 'trajectories' })
    expect(await listing(directory)).toEqual([
      'README.md',
      'card',
      'card/depth.svg',
      'card/reward.svg',
      'card/tokens.svg',
      'card/turns.svg',
      'data',
      'data/train-00000-of-00001.parquet',
      'manifest.json',
      'notes.md',
    ])
    expect(second.result.rows).toBe(2)
  })

  test('gets nothing, and keeps what it had, when a trajectory cannot be read half way', async () => {
    const { directory } = await run(makeContent(2, 1))
    const before = await readFile(join(directory, 'manifest.json'), 'utf8')
    const content = makeContent(30, 1)
    content.trajectories.splice(20, 1, makeTrajectory('run-1', 'missing', 0))
    await expect(run(content, { directory })).rejects.toThrow(/no task missing/)
    const store = createMemoryStore(makeContent(30, 1))
    const readTrajectory = store.readTrajectory.bind(store)
    store.readTrajectory = (id) =>
      id.includes('task-20') ? Promise.reject(new Error('connection lost')) : readTrajectory(id)
    await expect(exportDataset({ store, runIds: ['run-1'], recipe: 'sft-turns', directory })).rejects.toThrow(
      'connection lost',
    )
    expect(await readFile(join(directory, 'manifest.json'), 'utf8')).toBe(before)
    expect((await listing(directory)).filter((name) => name.endsWith('.partial'))).toEqual([])
  })

  test('is not made when the export is aborted', async () => {
    const parent = await temporaryDirectory()
    const controller = new AbortController()
    const attempt = run(makeContent(30, 1), {
      directory: join(parent, 'deep', 'set'),
      signal: controller.signal,
      onProgress: ({ trajectories }) => trajectories === 7 && controller.abort(new Error('stopped by hand')),
    })
    await expect(attempt).rejects.toThrow('stopped by hand')
    expect(await listing(parent)).toEqual([])
  })

  test('of an export that was killed is not in the way', async () => {
    const directory = await temporaryDirectory()
    await mkdir(join(directory, 'data'))
    await writeFile(join(directory, 'data/train-00000.0123456789ab.partial'), 'half')
    const { result } = await run(makeContent(1, 1), { directory })
    expect(result.rows).toBe(2)
  })
})

describe('the card', () => {
  test('names the files of each split and says plainly that rows are scripted', async () => {
    const content = makeContent(4, 1)
    content.runs = [makeRun('run-1', { name: 'a | "quoted": name\nof two lines', scripted: true })]
    for (const trajectory of content.trajectories) trajectory.scripted = true
    const { directory } = await run(content, { evalFraction: 0.5 })
    const card = await readFile(join(directory, 'README.md'), 'utf8')
    const [, yaml = ''] = card.split('---\n')
    expect(parse(yaml)).toMatchObject({
      license: 'unknown',
      size_categories: ['n<1K'],
      configs: [
        {
          config_name: 'default',
          data_files: [
            { split: 'train', path: 'data/train-*.parquet' },
            { split: 'test', path: 'data/test-*.parquet' },
          ],
        },
      ],
    })
    expect(card).toContain('**SCRIPTED')
    for (const column of findRecipe('sft-turns').columns) expect(card).toContain(`| \`${column.name}\` |`)
    expect(card).toContain('| reward | 4 | 0 | 1 |')
    const plain = await run(makeContent(1, 1))
    expect(await readFile(join(plain.directory, 'README.md'), 'utf8')).not.toContain('SCRIPTED')
  })
})

describe('options', () => {
  test('that are wrong are one clear line', async () => {
    expect(() => findRecipe('sft')).toThrow(/no recipe "sft".*sft-turns, .*trajectories/)
    await expect(run(makeContent(1, 1), { evalFraction: 1.5 })).rejects.toThrow(/evalFraction/)
    await expect(run(makeContent(1, 1), { codec: 'lzma' as 'zstd' })).rejects.toThrow(/codec/)
  })

  test('only touch trajectories that are selected', async () => {
    const content = makeContent(2, 2)
    content.tasks.push(makeTask('other'))
    const { store } = await run(content)
    expect(store.reads).toEqual(content.trajectories.map(({ id }) => id))
  })
})
