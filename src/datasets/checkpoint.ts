// How far an export is: a file of JSON lines beside its partial files. A line is appended, and flushed to
// the disk, once what it tells of is on the disk itself; a torn last line counts as not written. So a
// killed export is taken up after its last whole file, and one killed while names were given is completed.
import { appendFile, open, readFile } from 'node:fs/promises'
import type { ContextFile } from './contexts.ts'
import type { Split } from './split.ts'
import type { CollectorState } from './statistics.ts'

/** Names of partial files are relative to the directory. */
export interface Header {
  kind: 'export'
  /** Hash of everything that decides the rows. */
  fingerprint: string
  datasetId: string
  createdAt: string
}

export interface ShardLine {
  kind: 'shard'
  config: string
  split: Split
  partial: string
  rows: number
  bytes: number
  sha256: string
  /** The unit to go on with, and how many of its rows are in files; `null` when the split is whole. */
  next: { unit: number; rows: number } | null
  /** Counts of all units before that one, over the splits of the config so far. */
  state: RowState
}

export interface RowState {
  collector: CollectorState
  repairedStrings: number
  trajectories: number
  contexts: (ContextFile & { partial: string })[]
  /** The first row, for the card; null before it was written. */
  example: string | null
}

/** A split that ended without another file. */
export interface EndLine {
  kind: 'end'
  config: string
  split: Split
  state: RowState
}

/** All files are whole; from here on they only take their names. */
export interface CommitLine {
  kind: 'commit'
  files: { partial: string; name: string }[]
}

export type Line = ShardLine | EndLine | CommitLine

export interface Progress {
  header: Header
  lines: Line[]
}

/** Null when there is none, or nothing whole in it. */
export async function readCheckpoint(path: string): Promise<Progress | null> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  const values: unknown[] = []
  for (const line of text.split('\n').slice(0, -1)) {
    try {
      values.push(JSON.parse(line))
    } catch {
      break
    }
  }
  const [header, ...lines] = values as [Header?, ...Line[]]
  return header?.kind === 'export' ? { header, lines } : null
}

/** Starts the file anew. */
export async function beginCheckpoint(path: string, header: Header): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.write(`${JSON.stringify(header)}\n`)
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** Errors raised: those of the file system. */
export async function addLine(path: string, line: Line): Promise<void> {
  await appendFile(path, `${JSON.stringify(line)}\n`, { flush: true })
}

/** What a config has in whole files of a split, and where to go on. */
export function soFar(
  lines: Line[],
  config: string,
  split: Split,
): { shards: ShardLine[]; next: { unit: number; rows: number } | null } {
  const own = lines.filter((line) => line.kind !== 'commit' && line.config === config && line.split === split)
  const shards = own.filter((line) => line.kind === 'shard')
  const last = own.at(-1)
  if (!last) return { shards, next: { unit: 0, rows: 0 } }
  return { shards, next: last.kind === 'shard' ? last.next : null }
}

/** What was counted of a config when its last line was written. */
export function lastState(lines: Line[], config: string): RowState | null {
  const last = lines.findLast((line) => line.kind !== 'commit' && line.config === config)
  return last && last.kind !== 'commit' ? last.state : null
}
