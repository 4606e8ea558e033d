// Bulk inserts. All rows of a table travel as one JSON parameter, so each table has one prepared
// statement whatever the number of rows, and the main thread spends little on a row. Rows that are there
// already (same key) are left as they are: every insert may be sent again.
import { getTableColumns, getTableName, is, SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Session } from './connect.ts'
import { encodeJson } from './json-column.ts'
import { searchWords } from './search-texts.ts'
import { cleanText } from './text.ts'

export type Values = Record<string, unknown>

/** A row ready to be sent: its place and its JSON text. */
export interface EncodedRow {
  table: PgTable
  json: string
}

/** Characters of JSON sent by one statement, unless a single row is larger. */
const statementCharacters = 4 * 1024 * 1024

/** What is asked of a column for each row. */
interface Encoder {
  key: string
  /** The column's name as the key of a JSON object. */
  name: string
  type: string
  fallback: unknown
}

const encoders = new Map<PgTable, Encoder[]>()

function encodersOf(table: PgTable): Encoder[] {
  const known = encoders.get(table)
  if (known) return known
  const made = Object.entries(getTableColumns(table)).map(([key, column]) => ({
    key,
    name: `${JSON.stringify(column.name)}:`,
    type: column.getSQLType(),
    // A default that is SQL (the time of a row) is left to the statement.
    fallback: is(column.default, SQL) ? null : (column.default ?? null),
  }))
  encoders.set(table, made)
  return made
}

/** Values by their names in schema.ts; columns left out are null or the column's default. */
export function encodeRow(table: PgTable, values: Values): EncodedRow {
  const parts: string[] = []
  for (const { key, name, type, fallback } of encodersOf(table)) {
    const value = values[key] ?? fallback
    if (value !== null) parts.push(name + encodeValue(type, value))
  }
  return { table, json: `{${parts.join(',')}}` }
}

function encodeValue(type: string, value: unknown): string {
  if (type === 'jsonb') return encodeJson(value)
  if (type === 'tsvector') {
    const texts = Object.entries(value as Record<string, string>)
    return JSON.stringify(Object.fromEntries(texts.map(([weight, text]) => [weight, searchWords(text)])))
  }
  if (Buffer.isBuffer(value)) return `"\\\\x${value.toString('hex')}"`
  if (typeof value === 'string') return JSON.stringify(cleanText(value))
  // JSON has no NaN and no infinity; PostgreSQL reads them from strings.
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`
  if (Array.isArray(value))
    return JSON.stringify(value.map((item) => (typeof item === 'string' ? cleanText(item) : item)))
  return JSON.stringify(value)
}

/** Inserts rows of any tables, in the given order within a table, in as few statements as is sensible. */
export async function insertRows(sql: Session, rows: Iterable<EncodedRow>): Promise<void> {
  const byTable = new Map<PgTable, string[]>()
  for (const { table, json } of rows) {
    const list = byTable.get(table)
    if (list) list.push(json)
    else byTable.set(table, [json])
  }
  const sent: Promise<unknown>[] = []
  for (const [table, texts] of byTable) {
    for (const batch of batches(texts))
      sent.push(sql.unsafe(insertStatement(table), [batch], { prepare: true }))
  }
  const results = await Promise.allSettled(sent)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

function* batches(texts: string[]): Generator<string> {
  let from = 0
  let size = 0
  for (const [at, text] of texts.entries()) {
    if (at > from && size + text.length > statementCharacters) {
      yield `[${texts.slice(from, at).join(',')}]`
      from = at
      size = 0
    }
    size += text.length
  }
  if (from < texts.length) yield `[${texts.slice(from).join(',')}]`
}

const statements = new Map<PgTable, string>()

function insertStatement(table: PgTable): string {
  const known = statements.get(table)
  if (known) return known
  const columns = Object.values(getTableColumns(table))
  const names = columns.map((column) => `"${column.name}"`).join(', ')
  const dialect = new PgDialect()
  const values = columns.map((column) => {
    if (column.getSQLType() === 'tsvector') return weighted(column.name)
    return is(column.default, SQL)
      ? `coalesce("${column.name}", ${dialect.sqlToQuery(column.default).sql})`
      : `"${column.name}"`
  })
  const types = columns
    .map((column) => [column.name, column.getSQLType()] as const)
    .map(([name, type]) => `"${name}" ${type === 'tsvector' ? 'json' : type}`)
    .join(', ')
  const statement =
    `insert into "${getTableName(table)}" (${names}) select ${values.join(', ')} ` +
    `from json_to_recordset($1::text::json) as given(${types}) on conflict do nothing`
  statements.set(table, statement)
  return statement
}

/** Texts by weight to one search document. 'simple': no stemming, as code and data have no language. */
function weighted(name: string): string {
  return ['A', 'B', 'C', 'D']
    .map((weight) => `setweight(to_tsvector('simple', coalesce("${name}"->>'${weight}', '')), '${weight}')`)
    .join(' || ')
}
