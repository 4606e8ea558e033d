// Export speed: `node test/bench/export.ts [ROWS] [ROLLOUTS] [ROUNDS]`. Rows of `sft-turns`, then rows of
// token arrays, into one Parquet file by our writer, by parquetjs-lite, and by pyarrow when Python is
// there; the way from a store is in export-path.ts. Rounds are interleaved, so that a
// busy machine is busy for all. Prints medians and ratios; on a
// busy machine the CPU seconds tell more than the time.
import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import type { RecipeRow } from '../../src/datasets/arrow.ts'
import { preparePython } from '../interop/python.ts'
import { writeOurs, writeParquetjs } from './export-peers.ts'
import { makeRows } from './export-rows.ts'
import {
  makeTokenRows,
  tokenSchema,
  tokensPerRow,
  writeTokenFiles,
  writeTokensParquetjs,
} from './export-tokens.ts'

interface Cost {
  seconds: number
  /** User and system, of all threads. */
  cpuSeconds: number
}

interface Contender {
  name: string
  /** Its share of the rows: 1, or less for one that would take too long. */
  share: number
  write: (path: string) => Promise<Cost>
}

const textRows = Number(process.argv[2] ?? 50_000)
const tokenRowCount = Number(process.argv[3] ?? 20_000)
const rounds = Number(process.argv[4] ?? 3)
const place = await mkdtemp(join(tmpdir(), 'descent-bench-'))
const python = await preparePython(['pyarrow', 'datasets', 'duckdb', 'polars', 'pandas', 'pytz'])
if ('reason' in python) console.log(`pyarrow is left out: ${python.reason}`)
try {
  if (textRows > 0) await compareText()
  if (tokenRowCount > 0) await compareTokens()
} finally {
  await rm(place, { recursive: true, force: true })
}

async function compareText(): Promise<void> {
  const { rows, bytes } = await makeRows(textRows)
  const contenders: Contender[] = [
    { name: 'ours, zstd', share: 1, write: (path) => timed(() => writeOurs(rows, path, 'zstd')) },
    { name: 'ours, snappy', share: 1, write: (path) => timed(() => writeOurs(rows, path, 'snappy')) },
    { name: 'parquetjs-lite, snappy', share: 1, write: (path) => timed(() => writeParquetjs(rows, path)) },
  ]
  const source = join(place, 'rows.jsonl')
  if (!('reason' in python)) await pipeline(Readable.from(jsonLines(rows)), createWriteStream(source))
  contenders.push(...withPyarrow(source, []))
  console.log(
    `sft-turns: ${rows.length} rows, ${megabytes(bytes)} MB of text, ${rounds} rounds, ${cpus().length} cores`,
  )
  await measure(contenders, bytes)
}

async function compareTokens(): Promise<void> {
  const made = makeTokenRows(tokenRowCount)
  const { rows } = made
  const bytes = rows.length * tokensPerRow * 9
  const few = rows.slice(0, Math.ceil(rows.length / 20))
  const contenders: Contender[] = [
    {
      name: 'ours, zstd',
      share: 1,
      write: (path) => timed(() => writeOurs(rows, path, 'zstd', tokenSchema)),
    },
    {
      name: 'ours, snappy',
      share: 1,
      write: (path) => timed(() => writeOurs(rows, path, 'snappy', tokenSchema)),
    },
    {
      name: 'parquetjs-lite, snappy',
      share: few.length / rows.length,
      write: (path) => timed(() => writeTokensParquetjs(few, path)),
    },
  ]
  const source = join(place, 'tokens')
  if (!('reason' in python)) await writeTokenFiles(made, source)
  contenders.push(...withPyarrow(source, [String(tokensPerRow)]))
  console.log(
    `rl-rollouts: ${rows.length} rows, ${megabytes(rows.length * tokensPerRow * 3)} M values in lists, ${rounds} rounds; ` +
      'parquetjs-lite writes every 20th row, and is counted in proportion',
  )
  await measure(contenders, bytes)
}

function withPyarrow(source: string, width: string[]): Contender[] {
  if ('reason' in python) return []
  return ['zstd', 'snappy'].map((codec) => ({
    name: codec === 'zstd' ? 'pyarrow, zstd 3' : 'pyarrow, snappy',
    share: 1,
    async write(path) {
      const program = join(import.meta.dirname, 'export_pyarrow.py')
      const { stdout } = await promisify(execFile)(python.python, [program, source, path, codec, ...width])
      const [seconds, cpuSeconds] = stdout.trim().split(' ').map(Number)
      return { seconds: seconds ?? Number.NaN, cpuSeconds: cpuSeconds ?? Number.NaN }
    },
  }))
}

async function measure(contenders: Contender[], bytes: number): Promise<void> {
  const results = contenders.map((contender) => ({ ...contender, costs: [] as Cost[], size: 0 }))
  for (let round = 0; round < rounds; round += 1) {
    for (const result of results) {
      const path = join(place, 'out.parquet')
      const { seconds, cpuSeconds } = await result.write(path)
      const { share } = result
      result.costs.push({ seconds: seconds / share, cpuSeconds: cpuSeconds / share })
      result.size = (await stat(path)).size / share
      await rm(path)
    }
  }
  const first = medianCost(results[0]?.costs ?? [])
  for (const { name, costs, size } of results) {
    const { seconds, cpuSeconds } = medianCost(costs)
    console.log(
      `${name.padEnd(24)}${seconds.toFixed(2).padStart(6)} s ${cpuSeconds.toFixed(2).padStart(6)} CPU s ` +
        `${(bytes / 1e6 / seconds).toFixed(0).padStart(5)} MB/s ${megabytes(size).padStart(6)} MB file; against ` +
        `the first: ${(seconds / first.seconds).toFixed(2)} x time, ${(cpuSeconds / first.cpuSeconds).toFixed(2)} x CPU`,
    )
  }
}

async function timed(work: () => Promise<void>): Promise<Cost> {
  const start = performance.now()
  const cpu = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 }
}

function* jsonLines(all: RecipeRow[]): Generator<string> {
  for (const row of all) yield `${JSON.stringify(row)}\n`
}

function medianCost(costs: Cost[]): Cost {
  return {
    seconds: median(costs.map((cost) => cost.seconds)),
    cpuSeconds: median(costs.map((cost) => cost.cpuSeconds)),
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

function megabytes(size: number): string {
  return (size / 1e6).toFixed(1)
}
