// A YAML file that holds a list of tasks. YAML has no streaming form: the file is read whole.
import { readFile } from 'node:fs/promises'
import { LineCounter, isSeq, parseDocument } from 'yaml'
import { UsageError } from '../../errors.ts'
import { decodeUtf8, fileError, notUtf8 } from './row.ts'
import type { Row, RowSource } from './row.ts'

/** Errors raised: UsageError for a file that is not YAML or holds no list. */
export async function* yamlList(path: string, label: string): AsyncIterable<Row> {
  const data = await readFile(path).catch((error: unknown) => {
    throw fileError(path, error)
  })
  const text = decodeUtf8(data)
  if (text === null) throw new UsageError(`${label}: ${notUtf8}`)
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter })
  const problem = document.errors[0]
  if (problem) {
    const { line } = lineCounter.linePos(problem.pos[0])
    throw new UsageError(`${label}:${line}: not valid YAML: ${problem.message.split('\n')[0]}`)
  }
  const value: unknown = document.toJS()
  if (value === null) return
  if (!Array.isArray(value)) throw new UsageError(`${label}: must hold a list of tasks at its top level`)
  const lines = itemLines(document, lineCounter)
  const source: RowSource = { label, counts: 'line', lineOf: async (position) => lines[position] ?? 1 }
  for (const [position, item] of value.entries()) {
    yield { value: item as unknown, problem: null, position, source }
  }
}

function itemLines(document: { contents: unknown }, lineCounter: LineCounter): number[] {
  if (!isSeq(document.contents)) return []
  return document.contents.items.map((item) => {
    const range = (item as { range?: [number, number, number] | null } | null)?.range
    return range ? lineCounter.linePos(range[0]).line : 1
  })
}
