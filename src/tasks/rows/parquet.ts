// Parquet through DuckDB, in pages. A row of a long context may be megabytes, so a page is sized by what
// its rows weigh and not by their number; no more than a page and a row group is in memory.
import { stat } from 'node:fs/promises'
import type { DuckDBConnection, DuckDBValueConverter, Json } from '@duckdb/node-api'
import { UsageError } from '../../errors.ts'
import { fileError } from './row.ts'
import type { Row, RowSource } from './row.ts'

export interface TableOptions {
  /** The columns to read; all by default. Those that a file lacks are left out of its rows. */
  columns?: readonly string[]
  /** A list of values that a column must have one of, checked before the other columns are read. */
  only?: Record<string, readonly (string | number)[]>
}

const pageBytes = 64 * 2 ** 20
/** DuckDB reads this many rows at a time. */
const vectorRows = 2048

/** Errors raised: UsageError for a file that cannot be read as what its name says. */
export async function* parquetRows(path: string, label: string, options: TableOptions): AsyncIterable<Row> {
  const source: RowSource = { label, counts: 'row', lineOf: async (position) => position }
  yield* withDuckDb(path, label, async function* (connection) {
    const facts = await readFacts(connection, path)
    const convert = await converter()
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

async function* withDuckDb(
  path: string,
  label: string,
  use: (connection: DuckDBConnection) => AsyncIterable<Row>,
): AsyncIterable<Row> {
  await stat(path).catch((error: unknown) => {
    throw fileError(path, error)
  })
  // Loaded when it is needed: a native module, and most runs read no Parquet.
  const { DuckDBInstance } = await import('@duckdb/node-api')
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

/** The first line of DuckDB's long messages. */
function readable(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
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
    columns: described.getRowObjectsJson().map(({ column_name: name }) => name as string),
    rows: Number(counted.getRowObjectsJson()[0]?.['rows'] ?? 0),
    bytes: new Map(sizes.getRowObjectsJson().map(({ name, bytes }) => [name as string, Number(bytes)])),
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

/** JSON values; whole numbers as numbers where JavaScript can hold them. */
async function converter(): Promise<DuckDBValueConverter<Json>> {
  const { JsonDuckDBValueConverter } = await import('@duckdb/node-api')
  return (value, type, inner) => {
    if (typeof value !== 'bigint') return JsonDuckDBValueConverter(value, type, inner)
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : String(value)
  }
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
