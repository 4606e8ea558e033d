// Tables: Parquet and CSV through DuckDB, in pages. A row of a long context may be megabytes, so the
// page of a Parquet file is sized by what its rows weigh and not by their number.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { DuckDBInstance, JsonDuckDBValueConverter } from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBValueConverter, Json } from '@duckdb/node-api'
import { UsageError } from '../../errors.ts'
import { fileError } from './row.ts'
import type { Row, RowSource } from './row.ts'

export interface TableOptions {
  /** The columns to read; all by default. Those that a file lacks are left out of its rows. */
  columns?: readonly string[]
  /** A list of values that a column must have one of, checked before the other columns are read. */
  only?: Record<string, readonly (string | number)[]>
  /** CSV: give lines that cannot be read as rows with a problem; without it the first one ends the reading. */
  keepBadLines?: boolean
}

const pageBytes = 64 * 2 ** 20
/** DuckDB reads this many rows at a time. */
const vectorRows = 2048

/** Errors raised: UsageError for a file that cannot be read as what its name says. */
export async function* parquetRows(path: string, label: string, options: TableOptions): AsyncIterable<Row> {
  const source: RowSource = { label, counts: 'row', lineOf: async (position) => position }
  yield* withDuckDb(path, label, async function* (connection) {
    const facts = await readFacts(connection, path)
    const columns = options.columns?.filter((name) => facts.columns.includes(name)) ?? facts.columns
    const list = ['file_row_number', ...columns.map(identifier)].join(', ')
    const filter = filterOf(options.only ?? {}, facts.columns)
    const bytesPerRow = columns.reduce((sum, name) => sum + (facts.bytes.get(name) ?? 0), 0) / facts.rows
    const fitting = Math.max(1, Math.floor(pageBytes / Math.max(1, bytesPerRow)))
    const step = fitting >= vectorRows ? facts.rows : fitting
    for (let start = 0; start < facts.rows; start += step) {
      const range = step < facts.rows ? [`file_row_number between ${start} and ${start + step - 1}`] : []
      const where = [...range, ...filter].join(' and ') || 'true'
      const statement = `select ${list} from read_parquet(${text(path)}, file_row_number=true) where ${where}`
      const result = await connection.stream(statement)
      for await (const rows of result.yieldConvertedRowObjects(convert)) {
        for (const { file_row_number: number, ...value } of rows) {
          yield { value, problem: null, position: Number(number) + 1, source }
        }
      }
    }
  })
}

/** All cells are texts: nothing is guessed. Errors raised: UsageError. */
export async function* csvRows(path: string, label: string, options: TableOptions): AsyncIterable<Row> {
  const source: RowSource = { label, counts: 'line', lineOf: async (row) => await lineOfRow(path, row) }
  const found = await stat(path).catch((error: unknown) => {
    throw fileError(path, error)
  })
  if (found.size === 0) return
  yield* withDuckDb(path, label, async function* (connection) {
    const keep = options.keepBadLines === true
    const call =
      `read_csv(${text(path)}, header=true, all_varchar=true, parallel=false, null_padding=false, max_line_size=${64 * 2 ** 20}` +
      `${keep ? ', store_rejects=true' : ''}${/\.tsv$/i.test(path) ? ", delim='\t'" : ''})`
    const result = await connection.stream(`select * from ${call}`)
    let position = 0
    for await (const rows of result.yieldConvertedRowObjects(convert)) {
      for (const value of rows) {
        position += 1
        yield { value, problem: null, position, source }
      }
    }
    if (!keep) return
    const rejected = await connection.runAndReadAll(
      'select distinct line, error_message from reject_errors order by line',
    )
    for (const { line, error_message: message } of rejected.getRowObjectsJson()) {
      const problem = String(message).split('\n')[0] ?? 'not readable'
      yield { value: null, problem, position: Number(line), source: { ...source, lineOf: async (at) => at } }
    }
  })
}

async function* withDuckDb(
  path: string,
  label: string,
  use: (connection: DuckDBConnection) => AsyncIterable<Row>,
): AsyncIterable<Row> {
  await stat(path).catch((error: unknown) => {
    throw fileError(path, error)
  })
  // One thread keeps the rows in the order of the file; nothing is fetched over the network.
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    autoinstall_known_extensions: 'false',
  })
  const connection = await instance.connect()
  try {
    yield* use(connection)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${label}: ${readable(error)}`, { cause: error })
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** DuckDB's long messages as one line; for a CSV the line is named in it. */
function readable(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const csv = /CSV Error on Line: (\d+)[\s\S]*?\n(?:Original Line:[^\n]*\n)?([^\n]+)/.exec(message)
  if (csv) return `line ${csv[1]}: ${csv[2]}; skipBadRows leaves such lines out and counts them`
  return (message.split('\n')[0] ?? '').replace(/^[A-Z][\w ]*Error: /, '').slice(0, 300)
}

interface ParquetFacts {
  columns: string[]
  rows: number
  /** Uncompressed bytes of each top-level column. */
  bytes: Map<string, number>
}

async function readFacts(connection: DuckDBConnection, path: string): Promise<ParquetFacts> {
  const described = await connection.runAndReadAll(
    `describe select * from read_parquet(${text(path)}, file_row_number=false)`,
  )
  const sizes = await connection.runAndReadAll(
    `select split_part(path_in_schema, ', ', 1) as name, sum(total_uncompressed_size)::double as bytes from parquet_metadata(${text(path)}) group by 1`,
  )
  const counted = await connection.runAndReadAll(
    `select num_rows::double as rows from parquet_file_metadata(${text(path)})`,
  )
  return {
    columns: described.getRowObjectsJson().map(({ column_name: name }) => String(name)),
    rows: Number(counted.getRowObjectsJson()[0]?.['rows'] ?? 0),
    bytes: new Map(sizes.getRowObjectsJson().map(({ name, bytes }) => [String(name), Number(bytes)])),
  }
}

function filterOf(only: Record<string, readonly (string | number)[]>, columns: string[]): string[] {
  return Object.entries(only)
    .filter(([name]) => columns.includes(name))
    .map(
      ([name, values]) =>
        `${identifier(name)}::varchar in (${values.map((value) => text(String(value))).join(', ')})`,
    )
}

const convert: DuckDBValueConverter<Json> = (value, type, converter) => {
  if (typeof value !== 'bigint') return JsonDuckDBValueConverter(value, type, converter)
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** The line on which a row (from 1) of a CSV starts: line feeds inside quotes do not end a row. */
async function lineOfRow(path: string, row: number): Promise<number> {
  let line = 1
  let rows = 0
  let inQuotes = false
  let isEmpty = true
  for await (const chunk of createReadStream(path)) {
    for (const byte of chunk as Buffer) {
      if (byte === 0x22) inQuotes = !inQuotes
      if (byte !== 0x0a && byte !== 0x0d) isEmpty = false
      if (byte !== 0x0a) continue
      line += 1
      if (inQuotes) continue
      // The first is the heading; DuckDB does not count empty lines.
      if (!isEmpty) rows += 1
      isEmpty = true
      if (rows === row) return line
    }
  }
  return line
}
