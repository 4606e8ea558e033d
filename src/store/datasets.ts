// Exports that were made: what they were made of, and where their files are.
import { desc, eq } from 'drizzle-orm'
import type { NewDataset } from './contract.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import { encodeRow, insertRows } from './insert.ts'
import { toIso } from './instant.ts'
import { findId } from './reference.ts'
import { datasets } from './schema.ts'

type StoredDataset = NewDataset & { createdAt: string }

export async function addDataset(database: Database, dataset: NewDataset): Promise<void> {
  await query(database, () => insertRows(database.raw, [encodeRow(datasets, dataset)]))
}

/** Newest first. */
export async function listDatasets(database: Database): Promise<StoredDataset[]> {
  const rows = await query(database, () => database.db.select().from(datasets).orderBy(desc(datasets.id)))
  return rows.map((row) => ({ ...row, createdAt: toIso(row.createdAt) }))
}

/** By id, a unique part of it, or `latest`. Errors raised: UsageError when none or several match. */
export async function findDataset(database: Database, reference: string): Promise<StoredDataset> {
  const latest = async () => {
    const [row] = await database.db
      .select({ id: datasets.id })
      .from(datasets)
      .orderBy(desc(datasets.id))
      .limit(1)
    return row?.id ?? null
  }
  const nouns = ['dataset', 'datasets'] as const
  const id = await findId(
    database,
    { table: datasets, id: datasets.id, label: datasets.name, nouns, latest },
    reference,
  )
  const [row] = await query(database, () => database.db.select().from(datasets).where(eq(datasets.id, id)))
  if (!row) return await findDataset(database, reference)
  return { ...row, createdAt: toIso(row.createdAt) }
}
