// The journal: `append` resolves when its entries are durable. Group commit: while one transaction is in
// flight, the entries of all callers gather, and the next transaction takes them together. Entries of one
// `append` share a transaction always; a group that the database refuses fails alone. Every insert may be
// sent twice (keys decide), so a lost connection is answered by sending again.
import { DescentError } from '../errors.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import type { JournalEntry } from './contract.ts'
import type { BlobRow } from './blobs.ts'
import { encodeRow, insertRows } from './insert.ts'
import type { EncodedRow, Values } from './insert.ts'
import { blobs, calls, cells, invocations, messages, turns } from './schema.ts'
import { codeLimit, splitText, textLimit } from './text.ts'
import { packNumbers } from './tokens.ts'

const tables = { invocations, messages, turns, cells, calls }

/** The text columns that have a blob beside them, with their limits in characters. */
export const journalTexts: Record<JournalEntry['table'], Record<string, number>> = {
  invocations: { answer: textLimit },
  messages: { content: textLimit },
  turns: {},
  cells: { code: codeLimit, stdout: textLimit, stderr: textLimit, finalAnswer: textLimit },
  calls: { prompt: textLimit, response: textLimit, reasoning: textLimit },
}

/** Characters of JSON taken into one transaction, unless a single group is larger. */
const transactionCharacters = 8 * 1024 * 1024
/** How many hashes of blobs that are known to be stored are remembered. */
const knownBlobs = 20_000

interface Group {
  rows: EncodedRow[]
  blobs: Map<string, EncodedRow>
  characters: number
  resolve: () => void
  reject: (error: unknown) => void
}

export interface Journal {
  append(entries: JournalEntry[]): Promise<void>
  /** Waits until everything that was appended is durable, or has failed. */
  drain(): Promise<void>
}

export function openJournal(database: Database): Journal {
  const known = new Set<string>()
  let queue: Group[] = []
  const open = new Set<Promise<void>>()
  let flushing: Promise<void> | null = null

  async function append(entries: JournalEntry[]): Promise<void> {
    const appended = enqueue(entries)
    open.add(appended)
    try {
      await appended
    } finally {
      open.delete(appended)
    }
  }

  async function enqueue(entries: JournalEntry[]): Promise<void> {
    if (entries.length === 0) return
    const prepared = await prepare(entries, known)
    let characters = 0
    for (const row of [...prepared.rows, ...prepared.blobs.values()]) characters += row.json.length
    const committed = new Promise<void>((resolve, reject) => {
      queue.push({ ...prepared, characters, resolve, reject })
    })
    flushing ??= flushAll()
    return await committed
  }

  async function flushAll(): Promise<void> {
    // The callers of this very tick join the first transaction.
    await Promise.resolve()
    while (queue.length > 0) await flush(takeGroups())
    flushing = null
  }

  function takeGroups(): Group[] {
    let size = 0
    let count = 0
    for (const group of queue) {
      if (count > 0 && size + group.characters > transactionCharacters) break
      size += group.characters
      count++
    }
    const taken = queue.slice(0, count)
    queue = queue.slice(count)
    return taken
  }

  async function flush(groups: Group[]): Promise<void> {
    try {
      await write(groups)
      for (const group of groups) group.resolve()
    } catch (error) {
      const [first] = groups
      if (groups.length === 1 && first) return first.reject(error)
      // Nothing but a refusal of some row is worth trying again one by one.
      if (error instanceof DescentError && ['unreachable', 'disk_full'].includes(error.code)) {
        return rejectAll(groups, error)
      }
      for (const group of groups) await flush([group])
    }
  }

  async function write(groups: Group[]): Promise<void> {
    const fresh = new Map<string, EncodedRow>()
    for (const group of groups)
      for (const [hash, row] of group.blobs) if (!known.has(hash)) fresh.set(hash, row)
    // In the order of their keys, so that two processes with the same blobs wait but never deadlock.
    const ordered = [...fresh].toSorted(([a], [b]) => (a < b ? -1 : 1))
    const rows = [...ordered.map(([, row]) => row), ...groups.flatMap((group) => group.rows)]
    await query(database, () => database.raw.begin((sql) => insertRows(sql, rows)))
    for (const [hash] of ordered) remember(known, hash)
  }

  return {
    append,
    async drain() {
      await Promise.allSettled(open)
    },
  }
}

function rejectAll(groups: Group[], error: unknown): void {
  for (const group of groups) group.reject(error)
}

function remember(known: Set<string>, hash: string): void {
  known.delete(hash)
  known.add(hash)
  const oldest = known.size > knownBlobs ? known.values().next().value : undefined
  if (oldest !== undefined) known.delete(oldest)
}

async function prepare(
  entries: JournalEntry[],
  known: Set<string>,
): Promise<{ rows: EncodedRow[]; blobs: Map<string, EncodedRow> }> {
  const rows: EncodedRow[] = []
  const found = new Map<string, EncodedRow>()
  for (const { table, row } of entries) {
    const values: Values = { ...row }
    for (const [name, limit] of Object.entries(journalTexts[table])) {
      const text = values[name]
      if (typeof text !== 'string') continue
      const split = await splitText(text, limit)
      values[name] = split.column
      values[`${name}Blob`] = split.hash
      addBlobs(found, split.blobs, known)
    }
    for (const [name, value] of Object.entries(values)) {
      if (value instanceof Int32Array || value instanceof Float32Array) values[name] = packNumbers(value)
    }
    rows.push(encodeRow(tables[table], values))
  }
  return { rows, blobs: found }
}

function addBlobs(found: Map<string, EncodedRow>, list: BlobRow[], known: Set<string>): void {
  for (const blob of list) {
    const hash = blob.hash.toString('hex')
    if (!known.has(hash)) found.set(hash, encodeRow(blobs, { ...blob }))
  }
}

/** The tables of the journal, children first: what an earlier attempt left is deleted in this order. */
export const journalTables = [calls, cells, turns, messages, invocations]
