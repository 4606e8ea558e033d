// The rows of all selected trajectories into Parquet files with partial names: split by split, one
// trajectory in memory at a time, in the order of the selection.
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { Store } from '../store/contract.ts'
import { createBatchBuilder } from './arrow.ts'
import { codeVersion } from './code-version.ts'
import type { Target } from './directory.ts'
import type { DatasetFile } from './manifest.ts'
import { type Codec, createParquetWriter } from './parquet.ts'
import type { Recipe } from './recipe.ts'
import type { Selected } from './selection.ts'
import { createShardWriter, type ShardWriter } from './shards.ts'
import { type Split, splits } from './split.ts'
import { type Collector, createCollector, type Statistics } from './statistics.ts'

export interface WriteJob {
  store: Store
  recipe: Recipe
  selected: Selected[]
  /** By task hash. */
  sides: Map<string, Split>
  codec: Codec
  maxShardBytes: number
  target: Target
  signal: AbortSignal | undefined
  onProgress: ((progress: { trajectories: number; rows: number }) => void) | undefined
}

export interface WrittenRows {
  files: (DatasetFile & { partial: string })[]
  rows: number
  statistics: Statistics
  repairedStrings: number
}

export async function writeRows(job: WriteJob): Promise<WrittenRows> {
  const { recipe, target, sides } = job
  const builder = createBatchBuilder(recipe.schema)
  const collector = createCollector()
  const writer = createParquetWriter({
    schema: recipe.schema,
    codec: job.codec,
    metadata: { descent: `${recipe.name}@${recipe.version}`, descent_code_version: codeVersion() },
  })
  const progress = { trajectories: 0, rows: 0 }
  const files: WrittenRows['files'] = []
  try {
    for (const split of splits) {
      const shards = createShardWriter({
        writer,
        builder,
        maximumBytes: job.maxShardBytes,
        pathOf: (index) => target.partial(`data/${split}-${String(index).padStart(5, '0')}`),
      })
      try {
        for (const selected of job.selected) {
          if (sides.get(selected.taskHash) !== split) continue
          job.signal?.throwIfAborted()
          progress.rows += await addTrajectory(job, selected, split, shards, collector)
          progress.trajectories += 1
          job.onProgress?.({ ...progress })
        }
        for (const [index, { path, rows }, all] of numbered(await shards.finish())) {
          files.push({
            partial: path,
            path: finalName(split, index, all),
            rows,
            ...(await seal(path)),
            split,
          })
        }
      } catch (error) {
        await shards.abort('The export was given up.')
        throw error
      }
    }
  } finally {
    await writer.close()
  }
  return { files, rows: progress.rows, statistics: collector.summarize(), repairedStrings: builder.repaired }
}

/** The number of rows it gave. */
async function addTrajectory(
  { store, recipe, signal }: WriteJob,
  selected: Selected,
  split: Split,
  shards: ShardWriter,
  collector: Collector,
): Promise<number> {
  const task = await store.readTask(selected.run.id, selected.taskId)
  const trajectory = await store.readTrajectory(selected.id)
  const leftOut: string[] = []
  const context = { run: selected.run, leaveOut: (reason: string) => void leftOut.push(reason) }
  let rows = 0
  for (const row of recipe.rows(trajectory, task, context)) {
    signal?.throwIfAborted()
    await shards.add(row)
    rows += 1
  }
  collector.add(split, selected.taskHash, trajectory, rows, leftOut)
  return rows
}

function* numbered<Item>(items: Item[]): Generator<[number, Item, number]> {
  for (const [index, item] of items.entries()) yield [index, item, items.length]
}

/** As on the Hugging Face Hub: `data/train-00000-of-00002.parquet`. */
function finalName(split: Split, index: number, count: number): string {
  const digits = (value: number) => String(value).padStart(5, '0')
  return `data/${split}-${digits(index)}-of-${digits(count)}.parquet`
}

/** Flushes a complete file to the disk, and measures it. */
async function seal(path: string): Promise<{ bytes: number; sha256: string }> {
  const file = await open(path, 'r+')
  try {
    await file.datasync()
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      hash.update(chunk as Buffer)
      bytes += (chunk as Buffer).length
    }
    return { bytes, sha256: hash.digest('hex') }
  } finally {
    await file.close()
  }
}
