// Tasks of a person's file: JSONL read line by line, YAML and JSON read whole (a list of tasks). Every
// row is checked; a bad one is a UsageError that names file, line and field, never a skipped row.
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, resolve } from 'node:path'
import { LineCounter, isSeq, parseDocument } from 'yaml'
import { UsageError } from '../errors.ts'
import type { Json } from '../json.ts'
import { describeRowProblem } from './row-problem.ts'
import { taskLineSchema } from './task.ts'
import type { Task, Taskset } from './task.ts'

interface Row {
  value: unknown
  position: number
  /** The line (from 1) of a position; asked for only when there is something to complain about. */
  lineOf: (position: number) => number
}

const readers: Record<string, (path: string, label: string) => AsyncIterable<Row>> = {
  '.jsonl': jsonLines,
  '.ndjson': jsonLines,
  '.json': jsonList,
  '.yaml': yamlList,
  '.yml': yamlList,
}

/**
 * The taskset of a file: `.jsonl`/`.ndjson` (one task a line), `.json`, `.yaml`/`.yml` (a list).
 * Errors raised, the first at once and the others while iterating: UsageError.
 */
export function taskFile(path: string): Taskset {
  const label = basename(path)
  const reader = readers[extname(path).toLowerCase()]
  if (!reader) {
    throw new UsageError(
      `${path}: not a task file by its extension; allowed are ${Object.keys(readers).join(', ')}`,
    )
  }
  return {
    name: label,
    async *tasks() {
      const seen = new Map<string, number>()
      for await (const row of reader(path, label)) {
        const place = () => `${label}:${row.lineOf(row.position)}`
        const task = await taskOfRow(row.value, place, dirname(resolve(path)))
        const first = seen.get(task.id)
        if (first !== undefined) {
          throw new UsageError(
            `${place()}: id: ${JSON.stringify(task.id)} is already the id of line ${row.lineOf(first)}; ids must be unique`,
          )
        }
        seen.set(task.id, row.position)
        yield task
      }
      if (seen.size === 0) {
        throw new UsageError(`${label}: no tasks in it; give at least one, such as ${example}`)
      }
    },
  }
}

const example = '{"id": "1", "prompt": "How many lines?", "context": "one\\ntwo", "answer": 2}'

async function taskOfRow(value: unknown, place: () => string, directory: string): Promise<Task> {
  const parsed = taskLineSchema.safeParse(value)
  if (!parsed.success) throw new UsageError(`${place()}: ${describeRowProblem(parsed.error, value)}`)
  const { id, prompt, context, contextFile, answer, metadata } = parsed.data
  const shared = { id, prompt, answer: answer ?? null, metadata }
  if (contextFile !== undefined) {
    const path = resolve(directory, contextFile)
    const found = await stat(path).catch(() => null)
    if (!found?.isFile()) {
      const what = found ? 'not a file' : 'no such file'
      throw new UsageError(
        `${place()}: contextFile: ${what}: ${contextFile} (paths are relative to the task file: ${path})`,
      )
    }
    const format = extname(path).toLowerCase() === '.json' ? 'json' : 'text'
    return { ...shared, context: { kind: 'file', path, format } }
  }
  return {
    ...shared,
    context:
      typeof context === 'string'
        ? { kind: 'text', text: context }
        : { kind: 'json', value: context as Json },
  }
}

/** Splits at line feeds only: U+2028 and its like are allowed inside JSON strings. */
async function* jsonLines(path: string, label: string): AsyncIterable<Row> {
  let line = 0
  let pieces: Buffer[] = []
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) {
      let rest = chunk as Buffer
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        pieces.push(rest.subarray(0, end))
        line += 1
        yield* rowOfLine(Buffer.concat(pieces), line, label)
        pieces = []
        rest = rest.subarray(end + 1)
      }
      if (rest.length > 0) pieces.push(rest)
    }
  } catch (error) {
    throw fileError(path, error)
  }
  if (pieces.length > 0) yield* rowOfLine(Buffer.concat(pieces), line + 1, label)
}

function* rowOfLine(data: Buffer, line: number, label: string): Iterable<Row> {
  // The decoder drops a byte order mark at the start of a line, which only the first one has.
  const text = decode(data, `${label}:${line}`).trim()
  if (text === '') return
  try {
    yield { position: line, lineOf: (position) => position, value: JSON.parse(text) as unknown }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new UsageError(`${label}:${line}: not valid JSON: ${error.message.slice(0, 160)}`, { cause: error })
  }
}

function decode(data: Uint8Array, place: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data)
  } catch (error) {
    throw new UsageError(`${place}: not valid UTF-8; save the file as UTF-8`, { cause: error })
  }
}

async function* jsonList(path: string, label: string): AsyncIterable<Row> {
  const text = await readText(path, label)
  if (text.trim() === '') return
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${label}: not valid JSON: ${(error as Error).message.slice(0, 160)}`, {
      cause: error,
    })
  }
  yield* rowsOfList(value, label, () => {
    // JSON is YAML: the other parser tells on which line each task starts.
    const lineCounter = new LineCounter()
    return itemLines(parseDocument(text, { lineCounter }), lineCounter)
  })
}

async function* yamlList(path: string, label: string): AsyncIterable<Row> {
  const text = await readText(path, label)
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter })
  const problem = document.errors[0]
  if (problem) {
    const { line } = lineCounter.linePos(problem.pos[0])
    throw new UsageError(`${label}:${line}: not valid YAML: ${problem.message.split('\n')[0]}`)
  }
  const value: unknown = document.toJS()
  if (value === null) return
  yield* rowsOfList(value, label, () => itemLines(document, lineCounter))
}

function* rowsOfList(value: unknown, label: string, findLines: () => number[]): Iterable<Row> {
  if (!Array.isArray(value)) throw new UsageError(`${label}: must hold a list of tasks at its top level`)
  let lines: number[] | undefined
  const lineOf = (position: number) => {
    lines ??= findLines()
    return lines[position] ?? 1
  }
  for (const [position, item] of value.entries()) yield { position, lineOf, value: item as unknown }
}

function itemLines(document: { contents: unknown }, lineCounter: LineCounter): number[] {
  if (!isSeq(document.contents)) return []
  return document.contents.items.map((item) => {
    const range = (item as { range?: [number, number, number] | null } | null)?.range
    return range ? lineCounter.linePos(range[0]).line : 1
  })
}

async function readText(path: string, label: string): Promise<string> {
  const data = await readFile(path).catch((error: unknown) => {
    throw fileError(path, error)
  })
  return decode(data, label)
}

function fileError(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return new UsageError(`task file ${path}: no such file`)
  if (code === 'EISDIR') return new UsageError(`task file ${path}: is a directory; give a file`)
  if (code === 'EACCES') return new UsageError(`task file ${path}: permission to read it is denied`)
  return error
}
