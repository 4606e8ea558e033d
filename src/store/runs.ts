// Runs: rows, lists, summaries, and the lock that tells a living run from an interrupted one.
import { and, desc, eq, inArray, lt, sql } from 'drizzle-orm'
import { UsageError } from '../errors.ts'
import { sha256 } from '../hash.ts'
import { endClient } from './connect.ts'
import type { NewRun, Page, RunSummary, Store, StoredRun } from './contract.ts'
import { checkLimit, makePage, readCursor } from './cursor.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import { encodeRow, insertRows } from './insert.ts'
import { toIso } from './instant.ts'
import { findId } from './reference.ts'
import { runs } from './schema.ts'
import { summarize } from './summary.ts'

/** Errors raised: StoreError. A run whose id is there already is left as it is. */
export async function createRun(database: Database, run: NewRun): Promise<void> {
  await query(database, () => insertRows(database.raw, [encodeRow(runs, run)]))
}

export async function updateRun(
  database: Database,
  runId: string,
  change: Parameters<Store['updateRun']>[1],
): Promise<void> {
  if (Object.values(change).every((value) => value === undefined)) return
  const changed = await query(database, () =>
    database.db.update(runs).set(change).where(eq(runs.id, runId)).returning({ id: runs.id }),
  )
  if (changed.length === 0) throw new UsageError(`no run ${runId} in the store at ${database.location}`)
}

export async function findRun(database: Database, reference: string): Promise<StoredRun> {
  const latest = async () => {
    const [row] = await database.db.select({ id: runs.id }).from(runs).orderBy(desc(runs.id)).limit(1)
    return row?.id ?? null
  }
  const id = await findId(
    database,
    { table: runs, id: runs.id, label: runs.name, nouns: ['run', 'runs'], latest },
    reference,
  )
  return await readRun(database, id)
}

/** Errors raised: UsageError when there is no such run. */
export async function readRun(database: Database, id: string): Promise<StoredRun> {
  const [row] = await query(database, () => database.db.select().from(runs).where(eq(runs.id, id)))
  if (!row) throw new UsageError(`no run ${id} in the store at ${database.location}`)
  return toStoredRun(row)
}

function toStoredRun(row: typeof runs.$inferSelect): StoredRun {
  const { schemaVersion: _version, ...rest } = row
  return {
    ...rest,
    status: row.status as StoredRun['status'],
    createdAt: toIso(row.createdAt),
    startedAt: toIso(row.startedAt),
    endedAt: toIso(row.endedAt),
  }
}

/** Newest first: ids sort by the time they were made. */
export async function listRuns(
  database: Database,
  options: { limit: number; cursor?: string | null },
): Promise<Page<RunSummary>> {
  const limit = checkLimit(options.limit)
  const after = readCursor(options.cursor, 'runs', 1)
  return await query(database, async () => {
    const rows = await database.db
      .select()
      .from(runs)
      .where(after ? lt(runs.id, String(after[0])) : undefined)
      .orderBy(desc(runs.id))
      .limit(limit + 1)
    const page = makePage(rows, limit, 'runs', (row) => [row.id])
    return { items: await summarize(database, page.items.map(toStoredRun)), next: page.next }
  })
}

export async function summarizeRun(database: Database, runId: string): Promise<RunSummary> {
  const run = await readRun(database, runId)
  const [summary] = await summarize(database, [run])
  if (!summary) throw new UsageError(`no run ${runId} in the store at ${database.location}`)
  return summary
}

export async function findInterrupted(database: Database, configHash: string): Promise<StoredRun | null> {
  const unfinished = inArray(runs.status, ['running', 'interrupted', 'pending'])
  return await query(database, async () => {
    const rows = await database.db
      .select()
      .from(runs)
      .where(and(eq(runs.configHash, configHash), unfinished))
      .orderBy(desc(runs.id))
      .limit(100)
    if (rows.length === 0) return null
    const held = await database.db.execute<{ key: string }>(sql`
      select ((classid::bigint << 32) | objid::bigint)::text as key from pg_locks
      where locktype = 'advisory' and objsubid = 1 and granted
        and database = (select oid from pg_database where datname = current_database())`)
    const keys = new Set([...held].map((row) => row.key))
    const row = rows.find((candidate) => !keys.has(lockKey(candidate.id)))
    return row ? toStoredRun(row) : null
  })
}

/** The advisory lock of a run: 64 bits of a hash of its id, as PostgreSQL prints a bigint. */
function lockKey(runId: string): string {
  return sha256(`run ${runId}`).readBigInt64BE(0).toString()
}

/**
 * The lock lives as long as a connection of its own, so it ends with this process. When the server is
 * restarted under it, it is taken again as soon as the server answers.
 */
export async function lockRun(
  database: Database,
  runId: string,
): Promise<{ release(): Promise<void> } | null> {
  let released = false
  const client = database.connect({ name: 'descent-run-lock', onclose: () => void relock() })
  const take = () => client<{ got: boolean }[]>`select pg_try_advisory_lock(${lockKey(runId)}::bigint) as got`
  let held = false

  async function relock(): Promise<void> {
    if (released || !held || database.isClosed()) return
    held = false
    // If another process was faster, it owns the run now, and the guards on trajectories decide.
    await query(database, take).then(
      ([row]) => (held = row?.got ?? false),
      () => {},
    )
  }
  async function release(): Promise<void> {
    released = true
    await endClient(client)
  }

  try {
    const [row] = await query(database, take)
    held = row?.got ?? false
  } catch (error) {
    await release()
    throw error
  }
  if (held) return { release }
  await release()
  return null
}
