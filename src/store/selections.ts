// Selections that were saved under a name, to be used by later exports.
import { asc } from 'drizzle-orm'
import { UsageError } from '../errors.ts'
import type { Json } from '../json.ts'
import type { SavedSelection } from './contract.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import { toIso } from './instant.ts'
import { selections } from './schema.ts'

export async function saveSelection(
  database: Database,
  name: string,
  plan: Record<string, Json>,
): Promise<void> {
  const updatedAt = new Date().toISOString()
  await query(database, () =>
    database.db
      .insert(selections)
      .values({ name, plan, updatedAt })
      .onConflictDoUpdate({ target: selections.name, set: { plan, updatedAt } }),
  )
}

/** Errors raised: UsageError that lists the names there are. */
export async function findSelection(database: Database, name: string): Promise<SavedSelection> {
  const all = await listSelections(database)
  const found = all.find((one) => one.name === name)
  if (found) return found
  const names = all.map((one) => one.name).join(', ')
  throw new UsageError(
    `there is no saved selection "${name}"; ${names === '' ? 'none is saved yet' : `there are ${names}`}`,
  )
}

/** By name. */
export async function listSelections(database: Database): Promise<SavedSelection[]> {
  const rows = await query(database, () =>
    database.db.select().from(selections).orderBy(asc(selections.name)),
  )
  return rows.map((row) => ({ ...row, updatedAt: toIso(row.updatedAt) ?? '' }))
}
