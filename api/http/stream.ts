// Rows on the wire. What is made waits until it is taken, so that a slow reader costs a batch of memory and
// no more; a reader who leaves ends the making.
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { batchToIpc } from '../../src/datasets/batch.ts'
import { createParquetWriter } from '../../src/datasets/parquet.ts'
import type { RowStream } from '../../src/datasets/stream.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** Bytes as `produce` writes them; `write` resolves when they were taken and rejects once nobody reads. */
export function streamOf(
  produce: (write: (bytes: Bytes) => Promise<void>) => Promise<void>,
): ReadableStream<Bytes> {
  const { readable, writable } = new TransformStream<Bytes, Bytes>()
  const writer = writable.getWriter()
  // A reader who leaves rejects these too; the write that waits tells `produce`.
  writer.closed.catch(() => {})
  writer.ready.catch(() => {})
  produce(async (bytes) => {
    await writer.ready
    await writer.write(bytes)
  }).then(
    async () => await writer.close().catch(() => {}),
    async (error: unknown) => await writer.abort(error).catch(() => {}),
  )
  return readable
}

export const rowFormats = ['arrow', 'parquet', 'jsonl'] as const
export type RowFormat = (typeof rowFormats)[number]

export const rowTypes: Record<RowFormat, string> = {
  arrow: 'application/vnd.apache.arrow.stream',
  parquet: 'application/vnd.apache.parquet',
  jsonl: 'application/jsonl',
}

export function streamRows(stream: RowStream, format: RowFormat): ReadableStream<Bytes> {
  if (format === 'arrow') return streamOf((write) => writeArrow(stream, write))
  if (format === 'parquet') return streamOf((write) => writeParquet(stream, write))
  const encoder = new TextEncoder()
  return streamOf((write) => stream.rows(async (row) => await write(encoder.encode(`${jsonLine(row)}\n`))))
}

/** A row as JSON: 64-bit integers as numbers, typed arrays as lists, instants in ISO 8601. */
export function jsonLine(row: unknown): string {
  return JSON.stringify(row, (_key, value: unknown) => {
    if (typeof value === 'bigint') return Number(value)
    if (ArrayBuffer.isView(value)) return Array.from(value as Int32Array)
    return value
  })
}

const endOfStream = new Uint8Array([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])

/**
 * One Arrow IPC stream out of several that have one batch each: the schema message of the first, the batches
 * of all, one end. Source: Arrow columnar format, "IPC Streaming Format" and "Encapsulated message format".
 */
async function writeArrow(stream: RowStream, write: (bytes: Bytes) => Promise<void>): Promise<void> {
  let first = true
  await stream.batches(async (rows) => {
    const batch = batchToIpc(stream.schema, rows)
    const body = batch.subarray(0, batch.length - endOfStream.length)
    // The schema message has no body: a continuation mark, the length of its metadata, its metadata.
    const schemaLength = 8 + new DataView(batch.buffer, batch.byteOffset).getInt32(4, true)
    await write(first ? body : body.subarray(schemaLength))
    first = false
  })
  if (first) return
  await write(endOfStream)
}

/** Parquet ends with its index, so the file is made beside first and sent then. */
async function writeParquet(stream: RowStream, write: (bytes: Bytes) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'descent-rows-'))
  const { schema, recipe } = stream
  const metadata = { descent: `${recipe.name}@${recipe.version}` }
  const writer = createParquetWriter({ schema, codec: 'zstd', metadata })
  try {
    const place = path.join(directory, 'rows.parquet')
    const file = writer.open(place)
    try {
      await stream.batches(async (batch) => await file.write(batch))
      await file.finish()
    } catch (error) {
      await file.abort('The stream was given up.')
      throw error
    }
    for await (const chunk of createReadStream(place)) await write(new Uint8Array(chunk as Buffer))
  } finally {
    await writer.close()
    await rm(directory, { recursive: true, force: true })
  }
}
