// Rows of data files of every kind: one file, or a directory of shards as the Hub's datasets are laid
// out. Files are read in the order of their names, and rows in the order of their file.
import { readdir, stat } from 'node:fs/promises'
import { basename, extname, join, relative } from 'node:path'
import { UsageError } from '../../errors.ts'
import { csvRows } from './csv.ts'
import { jsonLines } from './jsonl.ts'
import { jsonList } from './json-list.ts'
import { fileError } from './row.ts'
import type { Row } from './row.ts'
import { parquetRows } from './parquet.ts'
import type { TableOptions } from './parquet.ts'
import { yamlList } from './yaml-list.ts'

export { placeOf } from './row.ts'
export type { Row } from './row.ts'

export interface RowOptions extends TableOptions {
  /** Of a directory, only the files of this split: `train-…`, `train.…` or under `train/`. */
  split?: string
}

const readers: Record<string, (path: string, label: string, options: TableOptions) => AsyncIterable<Row>> = {
  '.jsonl': jsonLines,
  '.ndjson': jsonLines,
  '.json': jsonList,
  '.yaml': yamlList,
  '.yml': yamlList,
  '.csv': csvRows,
  '.tsv': csvRows,
  '.parquet': parquetRows,
}

export const rowExtensions: readonly string[] = Object.keys(readers)

/** Errors raised: UsageError for a file of another kind. */
export function checkExtension(path: string): void {
  if (!Object.hasOwn(readers, extname(path).toLowerCase())) {
    throw new UsageError(
      `${path}: not a task file by its extension; allowed are ${rowExtensions.join(', ')}, or a directory of such files`,
    )
  }
}

/**
 * The rows of `path`, a file or a directory. Errors raised while iterating: UsageError for files that
 * are missing, of another kind or broken as a whole; a row that is broken by itself has a `problem`.
 */
export async function* openRows(path: string, options: RowOptions = {}): AsyncIterable<Row> {
  for (const { file, label } of await filesOf(path, options.split)) {
    const reader = readers[extname(file).toLowerCase()]
    if (!reader) continue
    for await (const row of reader(file, label, options)) {
      if (row.problem !== null || isWanted(row.value, options.only)) yield row
    }
  }
}

function isWanted(value: unknown, only: TableOptions['only']): boolean {
  if (!only || typeof value !== 'object' || value === null) return true
  return Object.entries(only).every(([name, values]) => {
    const cell = (value as Record<string, unknown>)[name]
    return cell === undefined || values.some((wanted) => `${wanted}` === cell || wanted === cell)
  })
}

async function filesOf(path: string, split: string | undefined): Promise<{ file: string; label: string }[]> {
  const found = await stat(path).catch((error: unknown) => {
    throw fileError(path, error)
  })
  if (!found.isDirectory()) {
    checkExtension(path)
    return [{ file: path, label: basename(path) }]
  }
  const entries = await readdir(path, { recursive: true })
  const files = entries
    .filter((entry) => Object.hasOwn(readers, extname(entry).toLowerCase()) && !hidden.test(entry))
    .toSorted()
    .map((entry) => join(path, entry))
  const ofSplit = split === undefined ? files : files.filter((file) => isOfSplit(relative(path, file), split))
  if (ofSplit.length === 0) {
    const what = split === undefined ? '' : ` of the split ${JSON.stringify(split)}`
    throw new UsageError(`${path}: no data files${what} in this directory (${rowExtensions.join(', ')})`)
  }
  return ofSplit.map((file) => ({ file, label: relative(path, file) }))
}

/** Files that datasets carry beside their data. */
const hidden = /(?:^|[/\\])\.|(?:^|[/\\])(?:dataset_infos?|dataset_dict|state|package|manifest)\.json$/

/** Whether the Hub would count the file to the split. */
export function isOfSplit(name: string, split: string): boolean {
  const escaped = split.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`(?:^|[/\\\\._-])${escaped}(?:[/\\\\._-]|$)`).test(name)
}
