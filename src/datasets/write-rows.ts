// The rows of all selected trajectories into Parquet files with partial names: split by split, in the
// order of the selection.
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { createBatchBuilder } from './arrow.ts'
import { codeVersion } from './code-version.ts'
import type { Target } from './directory.ts'
import type { DatasetFile } from './manifest.ts'
import { type Codec, createParquetWriter } from './parquet.ts'
import { makeRows, type RowJob, unitsOf } from './make-rows.ts'
import type { Selected } from './selection.ts'
import { createShardWriter } from './shards.ts'
import { type Split, splits } from './split.ts'
import { createCollector, type Statistics } from './statistics.ts'

export interface WriteJob extends RowJob {
  selected: Selected[]
  /** By task hash. */
  sides: Map<string, Split>
  codec: Codec
  maxShardBytes: number
  target: Target
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
  const units = unitsOf(recipe, job.selected)
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
        for (const unit of units) {
          if (sides.get(unit.taskHash) !== split) continue
          job.signal?.throwIfAborted()
          const { rows, used, leftOut } = await makeRows(job, unit, split, (row) => shards.add(row))
          collector.add(split, unit.taskHash, used, rows, leftOut)
          progress.rows += rows
          progress.trajectories += unit.members.length
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
