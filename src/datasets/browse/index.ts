// The rows of a finished dataset by page, filtered and sorted, read from its files. A page is found over the
// columns that its condition needs, and only its own rows are then read, each text cut inside the database:
// the size of a page does not depend on the size of what is in the rows.
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { DescentError, UsageError } from '../../errors.ts'
import { cutRow, type CutLimits, type CutRow } from './cut-value.ts'
import { parseRowFilter } from './filter.ts'
import { type Column, cutExpression, findColumn, kindOf, plainPath, quoteName } from './sql.ts'

export interface BrowsedFile {
  /** Its number in the dataset, which names its rows. */
  index: number
  /** Absolute. */
  path: string
}

export interface RowQuery {
  where?: string | undefined
  /** A column, or a field of one; the order of the files when not given. */
  sort?: string | undefined
  order: 'up' | 'down'
  offset: number
  limit: number
}

export interface BrowsedRow extends CutRow {
  file: number
  /** Within the file, from 0. */
  row: number
}

export interface RowPage {
  columns: { name: string; type: string; kind: Column['kind'] }[]
  /** That meet the condition. */
  total: number
  rows: BrowsedRow[]
}

export interface DatasetBrowser {
  /** Files of one kind and one schema. Errors raised: UsageError for the condition, the sort, broken files. */
  page(files: BrowsedFile[], query: RowQuery, limits: CutLimits, signal?: AbortSignal): Promise<RowPage>
  /** One row; null when the file has no such row. */
  row(file: BrowsedFile, row: number, limits: CutLimits, signal?: AbortSignal): Promise<BrowsedRow | null>
  close(): void
}

interface Source {
  columns: Column[]
  /** Has the columns, and where each row is: position of the file among those given, number within it. */
  table: string
}

const memory = '1GB'
/** Bytes of a line of JSON; each thread holds two such. */
const longestLine = 64 * 1024 * 1024

/** One database in memory for all that is browsed; it is opened at the first look. */
export function openDatasetBrowser(): DatasetBrowser {
  let instance: Promise<DuckDBInstance> | null = null

  async function withConnection<T>(
    signal: AbortSignal | undefined,
    use: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T> {
    instance ??= openInstance()
    const connection = await (await instance).connect()
    const interrupt = () => connection.interrupt()
    signal?.addEventListener('abort', interrupt)
    try {
      signal?.throwIfAborted()
      return await use(connection)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof DescentError) throw error
      throw new UsageError(`The rows cannot be read: ${firstLine(error)}`, { cause: error })
    } finally {
      signal?.removeEventListener('abort', interrupt)
      connection.closeSync()
    }
  }

  return {
    page: (files, query, limits, signal) =>
      withConnection(signal, async (connection) => await readPage(connection, files, query, limits)),
    row: (file, row, limits, signal) =>
      withConnection(signal, async (connection) => {
        const { columns } = await openSource(connection, [file])
        const [found] = await readRows(connection, columns, [file], [{ file: 0, row }], limits)
        return found ?? null
      }),
    close() {
      void instance?.then(
        (open) => open.closeSync(),
        () => undefined,
      )
      instance = null
    },
  }
}

async function openInstance(): Promise<DuckDBInstance> {
  // Loaded when it is needed: a native module.
  const { DuckDBInstance: Instance } = await import('@duckdb/node-api')
  return await Instance.create(':memory:', {
    threads: '2',
    memory_limit: memory,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
}

async function readPage(
  connection: DuckDBConnection,
  files: BrowsedFile[],
  query: RowQuery,
  limits: CutLimits,
): Promise<RowPage> {
  const source = await openSource(connection, files)
  const filter = query.where === undefined ? null : parseRowFilter(query.where, source.columns)
  const from = `from ${source.table}${filter ? ` where ${filter.expression}` : ''}`
  const values = filter?.values ?? []
  // Counted along with the rows where there is a condition, so that the files are gone through once.
  const along = filter ? `, (count(*) over ())::double as ${totalName}` : ''
  const keys = await connection.runAndReadAll(
    `select ${fileName}, ${rowName}${along} ${from} order by ${orderOf(source, query)} limit ${query.limit} offset ${query.offset}`,
    values,
  )
  const found = keys.getRowObjectsJS()
  const places = found.map(({ [fileKey]: file, [rowKey]: row }) => ({ file: Number(file), row: Number(row) }))
  const total = filter && found[0] ? Number(found[0][totalKey]) : await count(connection, from, values)
  return {
    columns: source.columns.map(({ name, type, kind }) => ({ name, type, kind })),
    total,
    rows: await readRows(connection, source.columns, files, places, limits),
  }
}

async function count(
  connection: DuckDBConnection,
  from: string,
  values: (string | number | boolean)[],
): Promise<number> {
  const counted = await connection.runAndReadAll(`select count(*)::double as total ${from}`, values)
  return Number(counted.getRowObjectsJS()[0]?.['total'] ?? 0)
}

function orderOf({ columns }: Source, { sort, order }: RowQuery): string {
  if (sort === undefined) return `${fileName}, ${rowName}`
  const { expression, kind } = findColumn(columns, sort, (problem) => {
    throw new UsageError(`sort: ${problem}.`)
  })
  if (kind === 'nested') throw new UsageError(`sort: ${sort} is no single value; name a field of it.`)
  return `${expression} ${order === 'down' ? 'desc' : 'asc'} nulls last, ${fileName}, ${rowName}`
}

/** In the order of `places`; each file is read by itself, as a page touches few. */
async function readRows(
  connection: DuckDBConnection,
  columns: Column[],
  files: BrowsedFile[],
  places: { file: number; row: number }[],
  limits: CutLimits,
): Promise<BrowsedRow[]> {
  const list = columns.map(
    ({ name, duckType }) => `${cutExpression(quoteName(name), duckType, limits)} as ${quoteName(name)}`,
  )
  const found = new Map<string, BrowsedRow>()
  for (const [position, rows] of Map.groupBy(places, ({ file }) => file)) {
    const file = files[position]
    if (!file) continue
    const numbers = rows.map(({ row }) => row).join(', ')
    const read = await connection.runAndReadAll(
      `select ${rowName}, ${list.join(', ')} from (${tableOf(file, position)}) where ${rowName} in (${numbers})`,
    )
    for (const { [rowKey]: row, ...values } of read.getRowObjectsJS()) {
      const cut = cutRow(values, limits)
      found.set(`${position} ${Number(row)}`, { file: file.index, row: Number(row), ...cut })
    }
  }
  return places.flatMap(({ file, row }) => found.get(`${file} ${row}`) ?? [])
}

// Names that no recipe has, for where a row is and how many there are.
const [fileKey, rowKey, totalKey] = ['file of the row', 'number of the row', 'rows of the condition']
const [fileName, rowName, totalName] = [quoteName(fileKey), quoteName(rowKey), quoteName(totalKey)]

/** Parquet as it is; of JSON lines, each line is one text, as documents share no columns. */
function tableOf({ path }: BrowsedFile, position: number): string {
  return path.endsWith('.jsonl')
    ? `select ${position} as ${fileName}, row_number() over () - 1 as ${rowName}, json::varchar as line from read_ndjson_objects(${plainPath(path)}, maximum_object_size=${longestLine})`
    : `select ${position} as ${fileName}, file_row_number as ${rowName}, * exclude (file_row_number) from read_parquet(${plainPath(path)}, file_row_number=true)`
}

async function openSource(connection: DuckDBConnection, files: BrowsedFile[]): Promise<Source> {
  const table = `(${files.map((file, position) => tableOf(file, position)).join(' union all ')})`
  const described = await connection.runAndReadAll(`select * from ${table} limit 0`)
  const types = described.columnTypes()
  const columns = described.columnNames().flatMap((name, index) => {
    const duckType = types[index]
    if (name === fileKey || name === rowKey || !duckType) return []
    return [{ name, type: String(duckType), kind: kindOf(duckType), duckType }]
  })
  return { columns, table }
}

/** Of DuckDB's long messages, with files by their names: where they lie is no client's concern. */
function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const [line = ''] = message.split('\n')
  return line
    .replace(/^[A-Z][\w ]*Error: /, '')
    .replaceAll(/(["'])\/(?:(?!\1).)*?([^/"']+)\1/g, '$2')
    .slice(0, 300)
}
