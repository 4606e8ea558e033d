// The Parquet writer. Each row group is written as a file of its own, by as many threads as there are cores,
// and the file is joined of them in their order: so its bytes do not depend on how many threads there were.
// A file exists under its name only when `finish` resolved.
import { rename, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { DataType, type Schema } from 'apache-arrow'
import type { Batch } from './batch.ts'
import { DescentError } from '../errors.ts'
import { joinParquet, type JoinedFile } from './parquet-join.ts'
import { startParquetThread, type ParquetFile, type ParquetThread } from './parquet-thread.ts'

export type { ParquetFile } from './parquet-thread.ts'

export const codecs = ['zstd', 'snappy', 'none'] as const
export type Codec = (typeof codecs)[number]

export interface ParquetWriter {
  /** Starts a file; the one before must be finished or aborted. Nothing may exist at `path`. */
  open(path: string): ParquetFile
  close(): Promise<void>
}

const rowGroupRows = 16_384
/** Of DuckDB's, which would begin another row group after so many. */
const mostRows = 1 << 30

interface Layout {
  /** Of zstd. */
  level: number
  /** Of a row group, uncompressed: HF's viewer and readers that take whole ones want them small. */
  bytes: number
}

/** Long lists of numbers become no smaller by more, and take DuckDB ten times their room while it writes them. */
const ofNumbers: Layout = { level: 1, bytes: 16 * 1024 * 1024 }
const ofTexts: Layout = { level: 3, bytes: 32 * 1024 * 1024 }

function layoutOf(schema: Schema): Layout {
  const isOfNumbers = schema.fields.some(({ type }) => {
    const inner = DataType.isList(type) ? type.valueType : null
    return DataType.isInt(inner) || DataType.isFloat(inner)
  })
  return isOfNumbers ? ofNumbers : ofTexts
}

/** A thread holds a row group, and what is made of it. */
const mostThreads = 4

/** A writer of files of one schema. `metadata` goes into each footer as key-value pairs. */
export function createParquetWriter(options: {
  schema: Schema
  codec: Codec
  metadata: Record<string, string>
}): ParquetWriter {
  const most = Math.min(mostThreads, availableParallelism())
  const layout = layoutOf(options.schema)
  // The first starts while the first rows are read, the others when there is a second row group.
  const threads: Thread[] = [{ thread: startParquetThread(options.schema), free: Promise.resolve() }]

  function threadOf(group: number): Thread {
    const thread = threads[group % most] ?? {
      thread: startParquetThread(options.schema),
      free: Promise.resolve(),
    }
    threads[group % most] = thread
    return thread
  }

  function statementOf(path: string): string {
    return copyStatement(path, { ...options, level: layout.level })
  }

  return {
    open: (path) => openFile(path, { threadOf, bytes: layout.bytes, statementOf }),
    async close() {
      await Promise.all(threads.map(async ({ thread }) => await thread.close()))
    },
  }
}

interface Thread {
  thread: ParquetThread
  /** Settles when it has written what it was given. */
  free: Promise<unknown>
}

interface Group {
  path: string
  file: ParquetFile
  rows: number
  bytes: number
}

function openFile(
  path: string,
  options: {
    threadOf: (group: number) => Thread
    statementOf: (path: string) => string
    /** Of a row group, uncompressed. */
    bytes: number
  },
): ParquetFile {
  const { threadOf, statementOf } = options
  const parts: string[] = []
  let current: Group | null = null
  let joined: JoinedFile | null = null
  let failure: DescentError | null = null
  /** Row groups are appended one after another. */
  let appended: Promise<void> = Promise.resolve()

  function fail(error: unknown): DescentError {
    const why = error instanceof Error ? error.message : String(error)
    failure ??=
      error instanceof DescentError
        ? error
        : new DescentError('dataset', 'write', `Writing ${path} failed: ${why}`)
    return failure
  }

  async function begin(): Promise<Group> {
    const thread = threadOf(parts.length)
    await thread.free
    const part = `${path}-${parts.length}.partial`
    parts.push(part)
    return { path: part, file: thread.thread.open(part, statementOf(part)), rows: 0, bytes: 0 }
  }

  /** Lets the thread write what it has; meanwhile another takes the next row group. */
  function end({ file, path: part }: Group): void {
    const written = file.finish()
    threadOf(parts.length - 1).free = written.catch(() => undefined)
    current = null
    appended = append(part, [appended, written])
    appended.catch(fail)
  }

  async function append(part: string, before: Promise<void>[]): Promise<void> {
    await Promise.all(before)
    joined ??= await joinParquet(path)
    await joined.add(part)
    await rm(part)
  }

  async function give(batch: Batch): Promise<void> {
    if (failure) throw failure
    if (current && (current.rows >= rowGroupRows || current.bytes >= options.bytes)) end(current)
    current ??= await begin()
    current.rows += batch.rows
    current.bytes += batch.buffer.byteLength
    await current.file.write(batch)
    if (failure) throw failure
  }

  async function complete(): Promise<void> {
    current ??= await begin()
    if (parts.length === 1) {
      await current.file.finish()
      return await rename(current.path, path)
    }
    end(current)
    await appended
    await joined?.finish()
    await joined?.close()
  }

  return {
    async write(batch) {
      await give(batch).catch((error: unknown) => {
        throw fail(error)
      })
    },
    async finish() {
      await complete().catch((error: unknown) => {
        throw fail(error)
      })
    },
    async abort(reason) {
      await current?.file.abort(reason)
      await appended.catch(() => undefined)
      await joined?.close()
      for (const left of [...parts, path]) await rm(left, { force: true })
    },
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function copyStatement(
  path: string,
  { codec, level, metadata }: { codec: Codec; level: number; metadata: Record<string, string> },
): string {
  const pairs = Object.entries(metadata).map(([key, value]) => `${quote(key)}: ${quote(value)}`)
  const compression = {
    zstd: `COMPRESSION zstd, COMPRESSION_LEVEL ${level}`,
    snappy: 'COMPRESSION snappy',
    none: 'COMPRESSION uncompressed',
  }[codec]
  // V1 pages: pyarrow refuses the wide deltas that V2 may write.
  return (
    `COPY (SELECT * FROM rows()) TO ${quote(path)} (FORMAT parquet, PARQUET_VERSION V1, USE_TMP_FILE false, ` +
    `${compression}, ` +
    // All rows are one row group.
    `ROW_GROUP_SIZE ${mostRows}` +
    `${pairs.length > 0 ? `, KV_METADATA {${pairs.join(', ')}}` : ''})`
  )
}
