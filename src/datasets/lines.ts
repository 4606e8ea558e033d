// JSON lines in place of Parquet: the same rows, their columns in order, one object a line. Numbers are
// exact, also beyond 2^53; NaN, which JSON cannot hold, is null. A recipe of documents gives its own lines.
import { type FileHandle, open, rm } from 'node:fs/promises'
import type { RecipeRow } from './arrow.ts'
import type { Shard, ShardOptions, ShardWriter } from './shards.ts'

const bufferedBytes = 1024 * 1024

export interface LineOptions extends ShardOptions {
  /** Names of the columns; null for rows that are `{ documents: […] }`. */
  columns: string[] | null
  /** Each row gets a file of its own. */
  ownFiles: boolean
}

export interface LineShardWriter extends ShardWriter {
  /** Strings that held a lone surrogate, which became U+FFFD. */
  readonly repaired: number
  /** Written so far. */
  readonly bytes: number
}

export function createLineShardWriter(options: LineOptions): LineShardWriter {
  const { maximumBytes, pathOf, columns, ownFiles, onShard } = options
  let count = options.first ?? 0
  let repaired = 0
  let bytes = 0
  let current: { file: FileHandle; shard: Shard; bytes: number; waiting: string[]; size: number } | null =
    null

  function plain(this: unknown, _key: string, value: unknown): unknown {
    if (typeof value === 'string') {
      if (value.isWellFormed()) return value
      repaired += 1
      return value.toWellFormed()
    }
    if (typeof value === 'bigint') return exact(value)
    return ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value
  }

  function textOf(row: RecipeRow): string {
    const values = columns
      ? [Object.fromEntries(columns.map((name) => [name, row[name] ?? null]))]
      : (row['documents'] as unknown[])
    return values.map((value) => `${JSON.stringify(value, plain)}\n`).join('')
  }

  async function flush(): Promise<void> {
    if (!current) return
    await current.file.write(current.waiting.join(''))
    current.waiting = []
    current.size = 0
  }

  async function close(): Promise<void> {
    if (!current) return
    await flush()
    const { file, shard } = current
    current = null
    await file.close()
    await onShard(shard)
  }

  return {
    get repaired() {
      return repaired
    },
    get bytes() {
      return bytes
    },
    async add(row) {
      const text = textOf(row)
      const size = Buffer.byteLength(text)
      if (current && (ownFiles || current.bytes + size > maximumBytes)) await close()
      if (!current) {
        const path = pathOf(count)
        count += 1
        const file = await open(path, 'w')
        current = { file, shard: { path, rows: 0 }, bytes: 0, waiting: [], size: 0 }
      }
      current.waiting.push(text)
      current.size += size
      current.bytes += size
      bytes += size
      current.shard.rows += 1
      if (current.size > bufferedBytes) await flush()
    },
    finish: close,
    async abort() {
      if (!current) return
      const { file, shard } = current
      current = null
      await file.close()
      await rm(shard.path, { force: true })
    },
  }
}

/** As the digits that it has: a number would round it. */
function exact(value: bigint): unknown {
  const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown }
  return rawJSON(String(value))
}
