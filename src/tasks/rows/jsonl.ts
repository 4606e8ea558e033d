// JSON lines, one row a line, read in pieces: no more than a line is in memory.
import { createReadStream } from 'node:fs'
import { fileError, lineSource, rowOfJson } from './row.ts'
import type { Row, RowSource } from './row.ts'

/** Splits at line feeds only: U+2028 and its like are allowed inside JSON strings. */
export async function* jsonLines(path: string, label: string): AsyncIterable<Row> {
  const source = lineSource(label)
  let line = 0
  let pieces: Buffer[] = []
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) {
      let rest = chunk as Buffer
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        pieces.push(rest.subarray(0, end))
        line += 1
        yield* rowOfLine(Buffer.concat(pieces), line, source)
        pieces = []
        rest = rest.subarray(end + 1)
      }
      if (rest.length > 0) pieces.push(rest)
    }
  } catch (error) {
    throw fileError(path, error)
  }
  if (pieces.length > 0) yield* rowOfLine(Buffer.concat(pieces), line + 1, source)
}

function* rowOfLine(data: Buffer, line: number, source: RowSource): Iterable<Row> {
  // JSON texts need no white space around them; a line of nothing else is no row.
  if (isBlank(data)) return
  yield rowOfJson(data, line, source)
}

/** White space, or the byte order mark that only the first line may have. */
export function isBlank(data: Buffer): boolean {
  const start = data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf ? 3 : 0
  for (let index = start; index < data.length; index += 1) {
    const byte = data[index]
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0a) return false
  }
  return true
}
