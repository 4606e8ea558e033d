// The shards of one split: rows go into batches, batches into a file, and the next file is begun
// before a row would take this one above the limit. Only the rows of one batch are held here.
import type { BatchBuilder, RecipeRow } from './arrow.ts'
import type { ParquetFile, ParquetWriter } from './parquet.ts'

/** A batch is also the least that a row group can hold: small, for fat rows. */
const batchRows = 512
const batchBytes = 4 * 1024 * 1024

export interface Shard {
  path: string
  rows: number
}

export interface ShardWriter {
  add(row: RecipeRow): Promise<void>
  /** Completes the last file; none when no row was added. */
  finish(): Promise<void>
  abort(reason: string): Promise<void>
}

export interface ShardOptions {
  /** Counts uncompressed data; a row above it gets a file of its own. */
  maximumBytes: number
  /** The path of the n-th file, from 0. */
  pathOf: (index: number) => string
  /** Files that are there already. */
  first?: number
  /** Called when a file is complete, before the next one is begun. */
  onShard: (shard: Shard) => Promise<void> | void
}

export function createShardWriter(
  options: ShardOptions & { writer: ParquetWriter; builder: BatchBuilder },
): ShardWriter {
  const { writer, builder, maximumBytes, pathOf, onShard } = options
  let count = options.first ?? 0
  let current: { file: ParquetFile; shard: Shard; bytes: number } | null = null

  async function flush(): Promise<void> {
    if (builder.rows === 0 || !current) return
    await current.file.write(builder.finish())
  }

  async function close(): Promise<void> {
    if (!current) return
    await flush()
    await current.file.finish()
    const { shard } = current
    current = null
    await onShard(shard)
  }

  return {
    async add(row) {
      const size = builder.measure(row)
      if (current && current.bytes + size > maximumBytes) await close()
      if (!current) {
        const path = pathOf(count)
        count += 1
        current = { file: writer.open(path), shard: { path, rows: 0 }, bytes: 0 }
      }
      builder.append(row, size)
      current.bytes += size
      current.shard.rows += 1
      if (builder.rows >= batchRows || builder.bytes >= batchBytes) await flush()
    },
    finish: close,
    async abort(reason) {
      await current?.file.abort(reason)
      current = null
    },
  }
}
