// How people name rows: a whole id, six or more characters of its beginning or its end, or `latest`.
import { desc, sql } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import { UsageError } from '../errors.ts'
import { isId } from '../ids.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'

const shortest = 6
const shown = 8

export interface Referable {
  table: PgTable
  id: PgColumn
  /** What a row is called, and several. */
  nouns: readonly [string, string]
  /** A few words that tell one candidate from another. */
  label: PgColumn
  latest(): Promise<string | null>
}

/** The id of the one row that `reference` names. Errors raised: UsageError that lists the candidates. */
export async function findId(database: Database, kind: Referable, reference: string): Promise<string> {
  const given = reference.trim().toLowerCase()
  const found = await candidates(database, kind, given)
  const [only] = found
  if (found.length === 1 && only) return only.id
  if (found.length > 1) {
    throw new UsageError(
      `"${reference}" could be several ${kind.nouns[1]}: ${list(found)}; give more characters`,
    )
  }
  const newest = await query(database, () =>
    database.db.select({ id: kind.id, label: kind.label }).from(kind.table).orderBy(desc(kind.id)).limit(5),
  )
  if (newest.length === 0)
    throw new UsageError(`the store at ${database.location} has no ${kind.nouns[1]} yet`)
  throw new UsageError(
    `no ${kind.nouns[0]} is named "${reference}": give an id, ${shortest} or more characters of its beginning or end, or "latest"; the newest are ${list(newest as Candidate[])}`,
  )
}

interface Candidate {
  id: string
  label: string
}

function list(rows: Candidate[]): string {
  const names = rows.slice(0, shown).map((row) => `${row.id} (${row.label})`)
  return names.join(', ') + (rows.length > shown ? ', …' : '')
}

async function candidates(database: Database, kind: Referable, given: string): Promise<Candidate[]> {
  if (given === 'latest') {
    const id = await query(database, () => kind.latest())
    return id === null ? [] : [{ id, label: 'latest' }]
  }
  const digits = given.replaceAll('-', '')
  if (digits.length < shortest || digits.length > 32 || !/^[0-9a-f]+$/.test(digits)) return []
  const condition = isId(given)
    ? sql`${kind.id} = ${given}::uuid`
    : sql`${kind.id} between ${withDashes(digits.padEnd(32, '0'))}::uuid and ${withDashes(digits.padEnd(32, 'f'))}::uuid
        or reverse(${kind.id}::text) like ${reversedSuffix(digits)}`
  const rows = await query(database, () =>
    database.db
      .select({ id: kind.id, label: kind.label })
      .from(kind.table)
      .where(condition)
      .limit(shown + 1),
  )
  return rows as Candidate[]
}

function withDashes(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** As the index on the reversed id has it. */
function reversedSuffix(digits: string): string {
  const suffix = withDashes(digits.padStart(32, '.')).replace(/^[.-]+/, '')
  return `${suffix.split('').toReversed().join('')}%`
}
