// Foreign readers on our exports: `node test/interop/run.ts`. Each reader's content hash is compared
// with that of the rows the recipe made, before any Parquet. Exits with 1 when one differs. Python
// readers that cannot be installed are skipped, and that is said.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataType } from 'apache-arrow'
import { codecs, exportDataset, findRecipe, recipes } from '../../src/datasets/index.ts'
import { groupMean } from '../../src/datasets/advantages.ts'
import { parseChoice } from '../../src/datasets/choice.ts'
import { createContextPlacer } from '../../src/datasets/contexts.ts'
import { openTarget } from '../../src/datasets/directory.ts'
import { makeRows, unitsOf } from '../../src/datasets/make-rows.ts'
import { parseRecipeOptions } from '../../src/datasets/recipe-options.ts'
import { selectTrajectories } from '../../src/datasets/selection.ts'
import { splitTasks } from '../../src/datasets/split.ts'
import { createMemoryStore } from '../datasets/memory-store.ts'
import { withEngineTokens } from '../datasets/token-fixtures.ts'
import { hashRows } from './canonical.ts'
import { interopContent, largeContent } from './content.ts'
import { withDuckDB, withHyparquet, withParquetjs } from './javascript.ts'
import { examineDocuments } from './documents.ts'
import { jsonLines, preparePython } from './python.ts'
import { examineTrainers } from './trainers.ts'

const counts = { passed: 0, failed: 0, skipped: 0 }

function say(outcome: keyof typeof counts, what: string, detail = ''): void {
  counts[outcome] += 1
  process.stdout.write(`${outcome.padEnd(8)}${what}${detail ? `: ${detail}` : ''}\n`)
}

const evalFraction = 0.4
const content = interopContent()
const tokens = withEngineTokens(content.trajectories)
const python = await preparePython(['pyarrow', 'datasets', 'duckdb', 'polars', 'pandas', 'pytz'], {
  large: false,
})
if ('reason' in python)
  say('skipped', 'pyarrow, datasets, duckdb, polars and pandas of Python', python.reason)
const place = await mkdtemp(join(tmpdir(), 'descent-interop-'))
try {
  // Codecs are of the file, not of the recipe: one recipe shows them all.
  for (const { name, documents } of recipes) {
    if (documents) continue
    for (const codec of name === 'trajectories' ? codecs : codecs.slice(0, 1)) await examine(name, codec)
  }
  await examine('sft-turns', 'zstd', {
    name: 'sft-turns of several row groups',
    from: largeContent(),
    maxShardBytes: 1e9,
  })
  await examineDocuments(place, say)
  await examineTrainers(place, say)
} finally {
  await rm(place, { recursive: true, force: true })
}
process.stdout.write(
  `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}\n`,
)
process.exitCode = counts.failed > 0 ? 1 : 0

async function examine(
  recipe: string,
  codec: (typeof codecs)[number],
  { name = recipe, from = content, maxShardBytes = 60_000 } = {},
): Promise<void> {
  const directory = join(place, `${name}-${codec}`.replaceAll(' ', '-'))
  const { files } = await exportDataset({
    store: createMemoryStore({ ...from, tokens }),
    runIds: ['run-1'],
    recipe,
    directory,
    codec,
    evalFraction,
    maxShardBytes,
  })
  const expected = await expectedHashes(recipe, from)
  function compare(reader: string, split: string, found: { rows: number; hash: string }): void {
    const wanted = expected[split]
    const same = wanted?.hash === found.hash && wanted.rows === found.rows
    const detail = same ? `${found.rows} rows` : `${found.rows} rows of ${wanted?.rows}, another content`
    say(same ? 'passed' : 'failed', `${name} ${codec} ${split} by ${reader}`, detail)
  }
  for (const split of Object.keys(expected)) {
    const paths = files.filter((file) => file.split === split).map((file) => join(directory, file.path))
    compare('hyparquet', split, hashRows(await withHyparquet(paths)))
    compare('duckdb (Node)', split, hashRows(await withDuckDB(paths)))
    // It has no zstd, and no timestamps in microseconds, which `trajectories` has.
    if (codec !== 'zstd' && recipe === 'sft-turns') {
      compare('parquetjs-lite', split, hashRows(await withParquetjs(paths, numericColumns(recipe))))
    }
  }
  if ('reason' in python) return
  const program = join(import.meta.dirname, 'readers.py')
  const cache = join(place, 'cache', `${name}-${codec}`.replaceAll(' ', '-'))
  for (const line of await jsonLines(python.python, [
    program,
    recipe,
    directory,
    cache,
    ...Object.keys(expected),
  ])) {
    if (typeof line['check'] === 'string') {
      say(
        line['ok'] === true ? 'passed' : 'failed',
        `${name} ${codec} ${line['check']}`,
        String(line['detail']),
      )
    } else {
      compare(String(line['reader']), String(line['split']), {
        rows: Number(line['rows']),
        hash: String(line['hash']),
      })
    }
  }
}

function numericColumns(name: string): string[] {
  const numeric = findRecipe(name).columns.filter(
    ({ type }) => DataType.isInt(type) || DataType.isFloat(type),
  )
  return numeric.map((column) => column.name)
}

/** Of the rows as the recipe makes them, before any Parquet. */
async function expectedHashes(
  name: string,
  from: typeof content,
): Promise<Record<string, { rows: number; hash: string }>> {
  const recipe = findRecipe(name)
  const store = createMemoryStore({ ...from, tokens })
  const bySplit: Record<string, unknown[]> = { train: [], test: [] }
  const criteria = { statuses: recipe.statuses, threshold: 0.5, where: [], choice: parseChoice('all') }
  const { selected } = await selectTrajectories(store, from.runs, criteria)
  const options = parseRecipeOptions(recipe, {})
  const target = await openTarget(
    join(place, `expected-${name}`),
    { kind: 'export', fingerprint: name, datasetId: name, createdAt: '' },
    ['contexts'],
  )
  const contexts = createContextPlacer(store, target, options.contexts)
  const job = {
    store,
    recipe,
    options,
    threshold: 0.5,
    dropSingleTurn: false,
    contexts,
    tokenizer: null,
    advantages: groupMean.compute,
    signal: undefined,
  }
  const units = unitsOf(recipe, selected)
  const { sides } = splitTasks(
    selected.map(({ taskHash, document }) => ({ hash: taskHash, document })),
    { test: evalFraction, validation: 0 },
    0,
    'document',
  )
  for (const unit of units) {
    const split = sides.get(unit.taskHash) ?? 'train'
    await makeRows(job, unit, split, (row) => {
      const values = recipe.columns.map((column) => [column.name, project(column.type, row[column.name])])
      bySplit[split]?.push(Object.fromEntries(values))
      return Promise.resolve()
    })
  }
  await target.discard()
  return Object.fromEntries(Object.entries(bySplit).map(([split, rows]) => [split, hashRows(rows)]))
}

/** The value as its column can hold it: declared fields only, instants as dates, well-formed text. */
function project(type: DataType, value: unknown): unknown {
  if (value === null || value === undefined) return null
  const fields = type.children ?? []
  const [first] = fields
  if (DataType.isList(type) && first) {
    return Array.from(value as unknown[], (item) => project(first.type, item))
  }
  if (DataType.isStruct(type)) {
    const source = value as Record<string, unknown>
    return Object.fromEntries(fields.map((field) => [field.name, project(field.type, source[field.name])]))
  }
  if (DataType.isTimestamp(type)) return new Date(value as string)
  return typeof value === 'string' ? value.toWellFormed() : value
}
