// CSV (and TSV) by RFC 4180, record by record: no more than a record is in memory, and each knows the
// line on which it starts. All cells are texts, an empty one is null: nothing is guessed.
import { createReadStream } from 'node:fs'
import { UsageError } from '../../errors.ts'
import { isBlank } from './jsonl.ts'
import { decodeUtf8, fileError, lineSource, notUtf8 } from './row.ts'
import type { Row } from './row.ts'

const quote = 0x22
const lineFeed = 0x0a
const carriageReturn = 0x0d

/** A quote that is never closed must not draw the rest of a large file into memory. */
const mostBytes = 256 * 2 ** 20

/** Errors raised: UsageError for a file without a heading, or a record that does not end. */
export async function* csvRows(path: string, label: string): AsyncIterable<Row> {
  const source = lineSource(label)
  const delimiter = /\.tsv$/i.test(path) ? '\t' : ','
  let heading: string[] | null = null
  for await (const { data, line } of records(path, label, delimiter.charCodeAt(0))) {
    const record = decodeUtf8(data)
    const cells = record === null ? null : splitRecord(record, delimiter)
    if (heading === null) {
      if (cells === null) throw new UsageError(`${label}:${line}: the heading cannot be read`)
      heading = cells
      const twice = heading.find((name, index) => cells.indexOf(name) !== index)
      if (twice !== undefined)
        throw new UsageError(`${label}:${line}: two columns are called ${JSON.stringify(twice)}`)
      continue
    }
    if (cells?.length === heading.length) {
      const value = Object.fromEntries(heading.map((name, index) => [name, cells[index] || null]))
      yield { value, problem: null, position: line, source }
      continue
    }
    const problem =
      record === null
        ? notUtf8
        : cells === null
          ? 'a quote stands where none may be, or is not closed'
          : `${cells.length} cells, where the heading has ${heading.length}`
    yield { value: null, problem, position: line, source }
  }
}

/** The bytes of each record without its line feed; empty lines are none. */
async function* records(
  path: string,
  label: string,
  delimiter: number,
): AsyncIterable<{ data: Buffer; line: number }> {
  // A quote opens a cell only at its start; within it, two are one, and one ends it.
  let state: 'start' | 'plain' | 'quoted' | 'quote' = 'start'
  let line = 1
  let recordLine = 1
  let pieces: Buffer[] = []
  let bytes = 0
  let isFirst = true
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      let data = chunk as Buffer
      if (isFirst && data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf) data = data.subarray(3)
      isFirst = false
      let start = 0
      for (let index = 0; index < data.length; index += 1) {
        const byte = data[index] as number
        if (byte === lineFeed) line += 1
        if (state === 'quoted') {
          if (byte === quote) state = 'quote'
        } else if (byte === lineFeed) {
          pieces.push(data.subarray(start, index))
          const record = Buffer.concat(pieces)
          if (!isBlank(record)) yield { data: withoutReturn(record), line: recordLine }
          pieces = []
          bytes = 0
          start = index + 1
          recordLine = line
          state = 'start'
        } else if (byte === quote) state = state === 'plain' ? 'plain' : 'quoted'
        else state = byte === delimiter ? 'start' : 'plain'
      }
      if (start < data.length) pieces.push(data.subarray(start))
      bytes += data.length - start
      if (bytes > mostBytes) {
        throw new UsageError(
          `${label}:${recordLine}: a record of more than ${mostBytes / 2 ** 20} MiB; is a quote not closed?`,
        )
      }
    }
  } catch (error) {
    throw fileError(path, error)
  }
  const rest = Buffer.concat(pieces)
  if (!isBlank(rest)) yield { data: withoutReturn(rest), line: recordLine }
}

function withoutReturn(record: Buffer): Buffer {
  return record.at(-1) === carriageReturn ? record.subarray(0, -1) : record
}

/** Null for a record with a quote where none may be. */
function splitRecord(record: string, delimiter: string): string[] | null {
  const cells: string[] = []
  for (let at = 0; at <= record.length;) {
    if (record[at] === '"') {
      const cell = quotedCell(record, at)
      if (!cell || (cell.end < record.length && record[cell.end] !== delimiter)) return null
      cells.push(cell.text)
      at = cell.end + 1
    } else {
      const end = record.indexOf(delimiter, at)
      cells.push(record.slice(at, end < 0 ? undefined : end))
      if (end < 0) break
      at = end + 1
    }
  }
  return cells
}

function quotedCell(record: string, start: number): { text: string; end: number } | null {
  let text = ''
  let from = start + 1
  for (;;) {
    const at = record.indexOf('"', from)
    if (at < 0) return null
    text += record.slice(from, at)
    if (record[at + 1] !== '"') return { text, end: at + 1 }
    text += '"'
    from = at + 2
  }
}
