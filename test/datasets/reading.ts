// Reads an export back with DuckDB and, independently, with hyparquet; temporary directories.
import { readFile, rm } from 'node:fs/promises'
import { zstdDecompressSync } from 'node:zlib'
import { type FileMetaData, parquetMetadata, parquetReadObjects } from 'hyparquet'
import { onTestFinished } from 'vitest'
import * as support from '../support/directory.ts'

export type ReadRow = Record<string, unknown>

export async function temporaryDirectory(): Promise<string> {
  const directory = await support.temporaryDirectory('datasets')
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** The rows of a file, by hyparquet. */
export async function readRows(path: string): Promise<ReadRow[]> {
  const file = await bytesOf(path)
  return (await parquetReadObjects({
    file,
    compressors: { ZSTD: (input) => new Uint8Array(zstdDecompressSync(input)) },
  })) as ReadRow[]
}

export async function readFooter(path: string): Promise<FileMetaData> {
  return parquetMetadata(await bytesOf(path))
}

async function bytesOf(path: string): Promise<ArrayBuffer> {
  const bytes = await readFile(path)
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
}
