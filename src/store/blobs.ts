// Content-addressed bytes, each stored once. Up to 8 MiB are one row; more is cut into rows of 8 MiB and
// one that lists them (`uri` = "chunks:" and their hashes), so that a context of any size passes through
// a bounded memory and also reaches workers that share no disk.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { promisify } from 'node:util'
import { zstdCompress, zstdCompressSync } from 'node:zlib'
import { eq, sql } from 'drizzle-orm'
import { StoreError, UsageError } from '../errors.ts'
import { sha256 } from '../hash.ts'
import type { Reader } from './database.ts'
import { decompress, loadDecoder } from './decompress.ts'
import { rowReader } from './rows.ts'
import { blobs } from './schema.ts'

/** Bits of `codec`. */
const zstd = 1
export const utf16 = 2

const chunkBytes = 8 * 1024 * 1024
const smallestCompressed = 512
/** Above this, compression runs off the main thread. */
const largestSync = 64 * 1024

export interface StoredBlob {
  codec: number
  /** Bytes before they were compressed. */
  size: number
  data: Buffer | null
  /** What the bytes say, once they were asked: a system prompt stands in every tree of a batch. */
  text?: string
}

export interface BlobRow extends StoredBlob {
  hash: Buffer
  uri: string | null
}

/** The rows that hold `bytes`; the last one is the blob itself, those before it its chunks. */
export async function packBytes(bytes: Buffer, flags = 0): Promise<BlobRow[]> {
  const hash = sha256(bytes)
  if (bytes.length <= chunkBytes) return [await packOne(bytes, hash, flags)]
  const rows: BlobRow[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes)
    rows.push(await packOne(chunk, sha256(chunk), 0))
  }
  return [
    ...rows,
    listRow(
      hash,
      bytes.length,
      flags,
      rows.map((row) => row.hash),
    ),
  ]
}

/**
 * The rows that hold a file, one at a time, the blob itself last. Errors raised: UsageError when the
 * file's content is not (or no more) the one whose SHA-256 is `hash`.
 */
export async function* packFile(path: string, hash: Buffer): AsyncGenerator<BlobRow> {
  const digest = createHash('sha256')
  const chunks: Buffer[] = []
  let size = 0
  let only: BlobRow | null = null
  for await (const chunk of readChunks(path)) {
    digest.update(chunk)
    size += chunk.length
    if (only) yield only
    only = await packOne(chunk, sha256(chunk), 0)
    chunks.push(only.hash)
  }
  if (!digest.digest().equals(hash))
    throw new UsageError(`${path} changed while it was being stored: run again`)
  if (chunks.length > 1) {
    if (only) yield only
    yield listRow(hash, size, 0, chunks)
  } else {
    yield only ?? (await packOne(Buffer.alloc(0), hash, 0))
  }
}

async function* readChunks(path: string): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let held = 0
  for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    let rest = part as Buffer
    while (held + rest.length >= chunkBytes) {
      const taken = chunkBytes - held
      yield Buffer.concat([...parts, rest.subarray(0, taken)])
      rest = rest.subarray(taken)
      parts = []
      held = 0
    }
    if (rest.length > 0) parts.push(rest)
    held += rest.length
  }
  if (held > 0) yield Buffer.concat(parts)
}

async function packOne(bytes: Buffer, hash: Buffer, flags: number): Promise<BlobRow> {
  const size = bytes.length
  if (size > smallestCompressed) {
    const packed = size > largestSync ? await promisify(zstdCompress)(bytes) : zstdCompressSync(bytes)
    if (packed.length < size) return { hash, size, codec: flags | zstd, data: packed, uri: null }
  }
  return { hash, size, codec: flags, data: bytes, uri: null }
}

function listRow(hash: Buffer, size: number, flags: number, chunks: Buffer[]): BlobRow {
  const uri = `chunks:${chunks.map((chunk) => chunk.toString('hex')).join(',')}`
  return { hash, size, codec: flags, data: null, uri }
}

/** The uncompressed bytes of a blob that was read whole. Errors raised: StoreError when they are damaged. */
export function unpackBlob({ codec, data, size }: StoredBlob, hash: Buffer): Buffer {
  const packed = data ?? Buffer.alloc(0)
  if ((codec & zstd) === 0) return packed
  try {
    return decompress(packed, size)
  } catch (error) {
    const name = hash.toString('hex')
    throw new StoreError('blob', `the blob ${name} is damaged in the store: restore it from a backup`, {
      cause: error,
    })
  }
}

const hashesPerQuery = 1000
const columns = {
  hash: blobs.hash,
  codec: blobs.codec,
  size: blobs.size,
  data: blobs.data,
  uri: blobs.uri,
}
const reader = rowReader(blobs, columns)

/** The blobs of these hashes, whole, by hexadecimal hash; those that do not exist are left out. */
export async function readBlobs(
  db: Reader,
  hashes: Iterable<Buffer | null>,
): Promise<Map<string, StoredBlob>> {
  const wanted = new Map<string, Buffer>()
  for (const hash of hashes) if (hash) wanted.set(hash.toString('hex'), hash)
  const found = new Map<string, StoredBlob>()
  if (wanted.size > 0) await loadDecoder()
  const list = [...wanted.values()]
  for (let at = 0; at < list.length; at += hashesPerQuery) {
    const part = list.slice(at, at + hashesPerQuery)
    const array = `{${part.map((hash) => `"\\\\x${hash.toString('hex')}"`).join(',')}}`
    const rows = await reader.read(db, sql`where ${blobs.hash} = any (${array}::bytea[])`)
    for (const { hash, codec, size, data, uri } of rows) {
      const whole = uri === null ? data : await joinChunks(db, uri)
      found.set(hash.toString('hex'), { codec, size, data: whole })
    }
  }
  return found
}

async function joinChunks(db: Reader, uri: string): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of streamChunks(db, uri)) parts.push(part)
  return Buffer.concat(parts)
}

/** The bytes of one blob, at most a chunk in memory at a time. */
export async function* streamBlob(db: Reader, hash: Buffer): AsyncGenerator<Buffer> {
  const row = await readRow(db, hash)
  if (row.uri === null) yield unpackBlob(row, hash)
  else yield* streamChunks(db, row.uri)
}

async function* streamChunks(db: Reader, uri: string): AsyncGenerator<Buffer> {
  const [kind, list = ''] = uri.split(':')
  if (kind !== 'chunks')
    throw new StoreError('blob', `a blob is kept at ${uri}, which this version cannot read`)
  for (const name of list.split(',')) {
    const hash = Buffer.from(name, 'hex')
    yield unpackBlob(await readRow(db, hash), hash)
  }
}

async function readRow(db: Reader, hash: Buffer): Promise<StoredBlob & { uri: string | null }> {
  const [row] = await db.select(columns).from(blobs).where(eq(blobs.hash, hash))
  if (!row) throw new StoreError('blob', `the blob ${hash.toString('hex')} is missing from the store`)
  return row
}
