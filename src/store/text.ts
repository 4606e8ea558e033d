// Texts in columns. A text above its column's limit, or one that PostgreSQL cannot hold (NUL, lone
// surrogates), goes whole to a blob and the column keeps a clean preview. Invariant: joinText of what
// splitText gave is the same string, code unit for code unit.
import { packBytes, unpackBlob, utf16 } from './blobs.ts'
import type { BlobRow, StoredBlob } from './blobs.ts'

/** Characters (UTF-16 code units) kept in the column itself. */
export const codeLimit = 20_000
export const textLimit = 2_000
const previewCharacters = 200

export interface SplitText {
  column: string
  hash: Buffer | null
  blobs: BlobRow[]
}

export async function splitText(text: string, limit: number): Promise<SplitText> {
  const wellFormed = text.isWellFormed()
  if (text.length <= limit && wellFormed && !text.includes('\0'))
    return { column: text, hash: null, blobs: [] }
  const blobs = wellFormed
    ? await packBytes(Buffer.from(text, 'utf8'))
    : await packBytes(Buffer.from(`\uFEFF${text}`, 'utf16le'), utf16)
  return { column: preview(text), hash: blobs.at(-1)?.hash ?? null, blobs }
}

function preview(text: string): string {
  const last = text.charCodeAt(previewCharacters - 1)
  const cutsPair = last >= 0xd800 && last <= 0xdbff
  return cleanText(text.slice(0, cutsPair ? previewCharacters - 1 : previewCharacters))
}

/** For columns without a blob: NUL becomes its symbol, lone surrogates the replacement character. */
export function cleanText(text: string): string {
  return text.includes('\0') || !text.isWellFormed() ? text.toWellFormed().replaceAll('\0', '\u2400') : text
}

/** The whole text of a column, its blob among `blobs` by hexadecimal hash. */
export function joinText(column: string, hash: Buffer | null, blobs: Map<string, StoredBlob>): string
export function joinText(
  column: string | null,
  hash: Buffer | null,
  blobs: Map<string, StoredBlob>,
): string | null
export function joinText(
  column: string | null,
  hash: Buffer | null,
  blobs: Map<string, StoredBlob>,
): string | null {
  if (hash === null) return column
  const blob = blobs.get(hash.toString('hex'))
  // A blob is committed with its row, so this is a database that was edited by hand.
  if (!blob) return column
  return (blob.text ??= decode(unpackBlob(blob, hash)))
}

function decode(bytes: Buffer): string {
  // No UTF-8 text begins with these two bytes: equal bytes are always the same text.
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe
  return isUtf16 ? bytes.subarray(2).toString('utf16le') : bytes.toString('utf8')
}
