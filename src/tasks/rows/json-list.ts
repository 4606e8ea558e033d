// A JSON file whose root is a list, read element by element: no more than an element is in memory. A
// file of this name that holds one object a line, as the Hub's often do, is read as JSON lines.
import { createReadStream } from 'node:fs'
import { UsageError } from '../../errors.ts'
import { isBlank, jsonLines } from './jsonl.ts'
import { fileError, lineSource, rowOfJson } from './row.ts'
import type { Row } from './row.ts'

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const lineFeed = 0x0a
const opening = new Set([0x5b, 0x7b])
const closing = new Set([0x5d, 0x7d])

/** Errors raised: UsageError for a file that is no list, or ends before its list does. */
export async function* jsonList(path: string, label: string): AsyncIterable<Row> {
  const first = await firstByte(path)
  if (first === null) return
  if (first === 0x7b) {
    yield* jsonLines(path, label)
    return
  }
  if (first !== 0x5b) throw new UsageError(`${label}: must hold a list of tasks at its top level`)
  const source = lineSource(label)
  let depth = 0
  let inString = false
  let escaped = false
  let line = 1
  let elementLine = 1
  let isEmpty = true
  let elements = 0
  let pieces: Buffer[] = []
  function take(): Row | null {
    const data = Buffer.concat(pieces)
    pieces = []
    return rowOfJson(data, elementLine, source)
  }
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      const data = chunk as Buffer
      let start = 0
      for (let index = 0; index < data.length; index += 1) {
        const byte = data[index] as number
        if (byte === lineFeed) line += 1
        if (inString) {
          if (escaped) escaped = false
          else if (byte === backslash) escaped = true
          else if (byte === quote) inString = false
          continue
        }
        if (byte === quote) inString = true
        if (opening.has(byte)) {
          depth += 1
          if (depth === 1) {
            start = index + 1
            continue
          }
        }
        const ends = closing.has(byte)
        if (ends) depth -= 1
        if ((ends && depth === 0) || (byte === comma && depth === 1)) {
          pieces.push(data.subarray(start, index))
          start = index + 1
          // `[]` has no element; `[1,]` has an empty one, which is a mistake.
          const row = ends && isEmpty && elements === 0 ? null : take()
          elements += 1
          pieces = []
          isEmpty = true
          if (row) yield row
          if (ends) depth = -1
        } else if (depth >= 1 && isEmpty && byte > 0x20) {
          isEmpty = false
          elementLine = line
        } else if (depth < 0 && byte > 0x20) {
          throw new UsageError(`${label}:${line}: not valid JSON: there is more after the end of the list`)
        }
      }
      if (depth > 0 && start < data.length) pieces.push(data.subarray(start))
    }
  } catch (error) {
    throw fileError(path, error)
  }
  if (depth >= 0) throw new UsageError(`${label}:${line}: not valid JSON: the file ends inside its list`)
}

async function firstByte(path: string): Promise<number | null> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 4096 })) {
      const data = chunk as Buffer
      const start = data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf ? 3 : 0
      const rest = data.subarray(start)
      if (isBlank(rest)) continue
      return rest.find((byte) => byte > 0x20) ?? null
    }
  } catch (error) {
    throw fileError(path, error)
  }
  return null
}
