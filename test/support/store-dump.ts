// Everything that a store holds, as text: every column of every row of every table, compressed bytes
// unpacked. For questions that no door answers, such as whether a secret lies anywhere.
import { zstdDecompressSync } from 'node:zlib'
import postgres from 'postgres'
import { openEmbedded } from '../../src/store/embedded.ts'

export type DumpedRow = Record<string, unknown>

/** `store`: a `--store` value. The rows by table; bytes are texts. */
export async function dumpStore(store: string): Promise<Map<string, DumpedRow[]>> {
  if (/^postgres(ql)?:/.test(store)) return await dump(store)
  const server = await openEmbedded(store)
  const { host, port, user, password, database } = server.target
  try {
    return await dump(`postgres://${user}:${password}@${host}:${port}/${database}`)
  } finally {
    await server.anchor.end()
  }
}

async function dump(url: string): Promise<Map<string, DumpedRow[]>> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    const tables = await sql<{ schema: string; name: string }[]>`
      select table_schema as schema, table_name as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`
    const found = new Map<string, DumpedRow[]>()
    for (const { schema, name } of tables) {
      const rows = await sql<DumpedRow[]>`select * from ${sql(schema)}.${sql(name)}`
      found.set(name, rows.map(readable))
    }
    return found
  } finally {
    await sql.end()
  }
}

function readable(row: DumpedRow): DumpedRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? unpacked(value) : value]),
  )
}

function unpacked(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes)
  const isZstd = buffer.length > 4 && buffer.readUInt32LE(0) === 0xfd2fb528
  return (isZstd ? zstdDecompressSync(buffer) : buffer).toString('latin1')
}
