// Readers in JavaScript: hyparquet, DuckDB, and parquetjs-lite where it knows the types.
import { DuckDBInstance, JSDuckDBValueConverter } from '@duckdb/node-api'
import parquet from 'parquetjs-lite'
import { readRows } from '../datasets/reading.ts'

export async function withHyparquet(paths: string[]): Promise<unknown[]> {
  return (await Promise.all(paths.map(readRows))).flat()
}

export async function withDuckDB(paths: string[]): Promise<unknown[]> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  const rows: unknown[] = []
  for (const path of paths) {
    const reader = await connection.runAndReadAll(`SELECT * FROM '${path}'`)
    rows.push(...reader.convertRowObjects(JSDuckDBValueConverter))
  }
  connection.closeSync()
  instance.closeSync()
  return rows
}

/**
 * It shows the three levels of a list as they are stored, leaves out what is null, and gives numbers
 * of dictionary pages as text: all three are undone here.
 */
export async function withParquetjs(paths: string[], numeric: string[]): Promise<unknown[]> {
  const rows: unknown[] = []
  for (const path of paths) {
    const reader = await parquet.ParquetReader.openFile(path)
    const cursor = reader.getCursor()
    const absent = Object.fromEntries(Object.keys(reader.schema.fields).map((name) => [name, null]))
    for (let row = await cursor.next(); row; row = await cursor.next()) {
      const values: Record<string, unknown> = { ...absent, ...(unwrapLists(row) as object) }
      for (const name of numeric) if (values[name] !== null) values[name] = Number(values[name])
      rows.push(values)
    }
    await reader.close()
  }
  return rows
}

function unwrapLists(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (Array.isArray(value)) return value.map(unwrapLists)
  const { list } = value as { list?: { element: unknown }[] }
  if (Array.isArray(list)) return list.map(({ element }) => unwrapLists(element))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrapLists(inner)]))
}
