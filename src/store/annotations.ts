// What people say of trajectories and of their parts, and the tags of runs.
import { and, asc, desc, eq, gt, lt } from 'drizzle-orm'
import { UsageError } from '../errors.ts'
import { isId } from '../ids.ts'
import type { Page, StoredScore } from './contract.ts'
import { checkLimit, makePage, readCursor } from './cursor.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import { encodeRow, insertRows } from './insert.ts'
import { toIso } from './instant.ts'
import type { Annotation } from './read-contract.ts'
import { annotations, runs, scores } from './schema.ts'

const longestHistory = 1000

export async function addAnnotation(
  database: Database,
  annotation: Omit<Annotation, 'createdAt'>,
): Promise<Annotation> {
  await query(database, () => insertRows(database.raw, [encodeRow(annotations, annotation)]))
  return await readAnnotation(database, annotation.id)
}

/** Of a trajectory in the order in which they were made; of a run the newest first. */
export async function listAnnotations(
  database: Database,
  of: { trajectoryId: string } | { runId: string; label?: string | undefined },
  options: { limit: number; cursor?: string | null },
): Promise<Page<Annotation>> {
  const limit = checkLimit(options.limit)
  const after = readCursor(options.cursor, 'annotations', 1)
  const place = after && String(after[0])
  const oneTrajectory = 'trajectoryId' in of
  const rows = await query(database, () =>
    database.db
      .select()
      .from(annotations)
      .where(
        oneTrajectory
          ? and(eq(annotations.trajectoryId, of.trajectoryId), place ? gt(annotations.id, place) : undefined)
          : and(
              eq(annotations.runId, of.runId),
              of.label === undefined ? undefined : eq(annotations.label, of.label),
              place ? lt(annotations.id, place) : undefined,
            ),
      )
      .orderBy(oneTrajectory ? asc(annotations.id) : desc(annotations.id))
      .limit(limit + 1),
  )
  return makePage(rows.map(toAnnotation), limit, 'annotations', (row) => [row.id])
}

/** Errors raised: UsageError when there is none of this id. */
export async function removeAnnotation(database: Database, id: string): Promise<Annotation> {
  const found = await readAnnotation(database, id)
  await query(database, () => database.db.delete(annotations).where(eq(annotations.id, id)))
  return found
}

async function readAnnotation(database: Database, id: string): Promise<Annotation> {
  const missing = new UsageError('there is no annotation of this id')
  if (!isId(id)) throw missing
  const [row] = await query(database, () =>
    database.db.select().from(annotations).where(eq(annotations.id, id)),
  )
  if (!row) throw missing
  return toAnnotation(row)
}

function toAnnotation(row: typeof annotations.$inferSelect): Annotation {
  return { ...row, target: row.target as Annotation['target'], createdAt: toIso(row.createdAt) }
}

export async function tagRun(database: Database, runId: string, tags: string[]): Promise<void> {
  await query(database, () => database.db.update(runs).set({ tags }).where(eq(runs.id, runId)))
}

export async function scoreHistory(database: Database, trajectoryId: string): Promise<StoredScore[]> {
  if (!isId(trajectoryId)) return []
  const rows = await query(database, () =>
    database.db
      .select()
      .from(scores)
      .where(eq(scores.trajectoryId, trajectoryId))
      .orderBy(asc(scores.createdAt), asc(scores.id))
      .limit(longestHistory),
  )
  return rows.map((row) => ({
    id: row.id,
    reward: row.reward,
    version: row.version,
    optionsHash: row.optionsHash,
    weight: row.weight,
    value: row.value,
    error: row.error,
    details: row.details,
    author: row.author,
    createdAt: toIso(row.createdAt),
  }))
}
