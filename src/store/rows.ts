// Many rows of one table, quickly. Drizzle walks every value of every row through its column types; here
// the database names the values as the code does, and only those that the driver leaves as text are turned
// into what they mean. What comes out is what `select` gives.
import { is, sql } from 'drizzle-orm'
import type { GetColumnData, SQL } from 'drizzle-orm'
import { PgArray, PgBigInt53, PgColumn, PgCustomColumn, PgDialect } from 'drizzle-orm/pg-core'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Reader } from './database.ts'
import { repeated } from './repeated.ts'

type Field = PgColumn | SQL
export type Fields = Record<string, Field>
export type RowOf<F extends Fields> = {
  [Key in keyof F]: F[Key] extends PgColumn ? GetColumnData<F[Key]> : F[Key] extends SQL<infer T> ? T : never
}

export interface RowReader<F extends Fields> {
  /** `rest` is what follows `from table`: `where …` and `order by …`, of one text or few. */
  read(db: Reader, rest: SQL): Promise<RowOf<F>[]>
}

/**
 * A reader of these fields of a table. An expression among them must come as the driver gives it. `distinct`
 * stands before the fields.
 */
export function rowReader<F extends Fields>(table: PgTable, fields: F, distinct = sql``): RowReader<F> {
  const entries = Object.entries<Field>(fields)
  const list = sql.join(
    entries.map(([key, field]) => sql`${field} as ${sql.identifier(key)}`),
    sql`, `,
  )
  const decoders = entries.flatMap(([key, field]) => {
    const decode = decoderOf(field)
    return decode ? [{ key, decode }] : []
  })
  // Put together once: Drizzle walks every column of it.
  const beginning = new PgDialect().sqlToQuery(sql`${repeated} select ${distinct} ${list} from ${table}`)
  const head = sql.raw(beginning.sql)
  return {
    async read(db, rest) {
      const rows: Record<string, unknown>[] = await db.execute(sql`${head} ${rest}`)
      for (const row of rows) {
        for (const { key, decode } of decoders) {
          const value = row[key]
          if (value !== null) row[key] = decode(value)
        }
      }
      return rows as RowOf<F>[]
    },
  }
}

/** Null where the driver's value is the value. */
function decoderOf(field: Field): ((value: unknown) => unknown) | null {
  if (!is(field, PgColumn)) return null
  const column: { mapFromDriverValue(value: unknown): unknown } = field
  const isDecoded = [PgBigInt53, PgCustomColumn, PgArray].some((kind) => is(field, kind))
  return isDecoded ? (value) => column.mapFromDriverValue(value) : null
}

/** `= any (…)` of ids, as one parameter however many they are. */
export function isOneOf(column: PgColumn, ids: readonly string[]): SQL {
  return sql`${column} = any(${`{${ids.join(',')}}`}::uuid[])`
}
