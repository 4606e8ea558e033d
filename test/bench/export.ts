// Export speed: `node test/bench/export.ts [ROWS]`. Rows of `sft-turns` into one Parquet file by our
// writer, by parquetjs-lite, and by pyarrow when Python is there; rounds are interleaved, so that a
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

const rounds = 3

interface Cost {
  seconds: number
  /** User and system, of all threads. */
  cpuSeconds: number
}

const { rows, bytes } = await makeRows(Number(process.argv[2] ?? 20_000))
const place = await mkdtemp(join(tmpdir(), 'descent-bench-'))
const contenders: { name: string; write: (path: string) => Promise<Cost> }[] = [
  { name: 'ours, zstd 3', write: (path) => timed(() => writeOurs(rows, path, 'zstd')) },
  { name: 'ours, snappy', write: (path) => timed(() => writeOurs(rows, path, 'snappy')) },
  { name: 'parquetjs-lite, snappy', write: (path) => timed(() => writeParquetjs(rows, path)) },
]
try {
  await addPyarrow()
  console.log(`${rows.length} rows, ${megabytes(bytes)} MB of text, ${rounds} rounds, ${cpus().length} cores`)
  await measure()
} finally {
  await rm(place, { recursive: true, force: true })
}

async function addPyarrow(): Promise<void> {
  const python = await preparePython(['pyarrow', 'datasets', 'duckdb', 'pytz'])
  if ('reason' in python) {
    console.log(`pyarrow is left out: ${python.reason}`)
    return
  }
  const source = join(place, 'rows.jsonl')
  await pipeline(Readable.from(jsonLines(rows)), createWriteStream(source))
  for (const codec of ['zstd', 'snappy']) {
    contenders.push({
      name: codec === 'zstd' ? 'pyarrow, zstd 3' : 'pyarrow, snappy',
      async write(path) {
        const program = join(import.meta.dirname, 'export_pyarrow.py')
        const { stdout } = await promisify(execFile)(python.python, [program, source, path, codec])
        const [seconds, cpuSeconds] = stdout.trim().split(' ').map(Number)
        return { seconds: seconds ?? Number.NaN, cpuSeconds: cpuSeconds ?? Number.NaN }
      },
    })
  }
}

async function measure(): Promise<void> {
  const results = contenders.map((contender) => ({ ...contender, costs: [] as Cost[], size: 0 }))
  for (let round = 0; round < rounds; round += 1) {
    for (const result of results) {
      const path = join(place, 'out.parquet')
      result.costs.push(await result.write(path))
      result.size = (await stat(path)).size
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
