// A row of a data file before anything is known of its meaning. A row always knows its place, so that
// whoever finds a mistake in it can name file and line; a row that could not even be read says why.
import { UsageError } from '../../errors.ts'

export interface RowSource {
  /** How the file is called in messages. */
  label: string
  /** What positions count: lines of a text, or rows of a table. */
  counts: 'line' | 'row'
  /** The line (from 1) of a position; asked for only when there is something to complain about. */
  lineOf(position: number): Promise<number>
}

export interface Row {
  value: unknown
  /** Why the row cannot be used; null when it was read. */
  problem: string | null
  position: number
  source: RowSource
}

/** `tasks.jsonl:3`, or `train-00000.parquet: row 3`. */
export async function placeOf({ source, position }: Pick<Row, 'source' | 'position'>): Promise<string> {
  if (source.counts === 'row') return `${source.label}: row ${position}`
  return `${source.label}:${await source.lineOf(position)}`
}

/** A source whose positions are lines already. */
export function lineSource(label: string): RowSource {
  return { label, counts: 'line', lineOf: async (position) => position }
}

/** UTF-8 without its byte order mark, or null for bytes that are not UTF-8. */
export function decodeUtf8(data: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data)
  } catch {
    return null
  }
}

export const notUtf8 = 'not valid UTF-8; save the file as UTF-8'

/** The row of one JSON text. */
export function rowOfJson(data: Buffer, position: number, source: RowSource): Row {
  const text = decodeUtf8(data)
  if (text === null) return { value: null, problem: notUtf8, position, source }
  try {
    return { value: JSON.parse(text) as unknown, problem: null, position, source }
  } catch (error) {
    const problem = `not valid JSON: ${oneLine((error as Error).message)}`
    return { value: null, problem, position, source }
  }
}

function oneLine(message: string): string {
  return message.replaceAll(/\s+/g, ' ').slice(0, 160)
}

/** What the file system's refusal means to a person; other errors as they are. */
export function fileError(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return new UsageError(`task file ${path}: no such file`)
  if (code === 'EISDIR') return new UsageError(`task file ${path}: is a directory; give a file`)
  if (code === 'EACCES') return new UsageError(`task file ${path}: permission to read it is denied`)
  return error
}
