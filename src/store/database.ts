// What every part of the store works with: the connections, and one door for queries that retries what a
// restarted server broke and lets no driver error out (they carry parameters).
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { Sql } from './connect.ts'
import { isConflict, isConnectionLoss, storeFailure } from './failures.ts'

/** What reads need: the database or a transaction of it. */
export type Reader = Pick<PostgresJsDatabase, 'select' | 'selectDistinct' | 'selectDistinctOn' | 'execute'>

export interface Database {
  /** The store's place, without a password. */
  location: string
  /** Drizzle has a client of its own: it changes how that client reads JSON and dates. */
  db: PostgresJsDatabase
  raw: Sql
  /** Opens one more client, for a session that must last (a lock). */
  connect(options: { name: string; onclose: () => void }): Sql
  /** Brings the server back, when it is ours to start; else does nothing. */
  recover(): Promise<void>
  isClosed(): boolean
}

/** A minute in all: a server that is restarted or fails over is waited for. */
const retryMilliseconds = [50, 200, 500, 1000, 2000, 4000, 8000, 15_000, 30_000]

/**
 * Runs queries that may be run again. Errors raised: StoreError, or UsageError for a full disk and
 * missing permissions; never an error of the driver.
 */
export async function query<T>(database: Database, work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const pause = retryMilliseconds[attempt]
      const passing = isConnectionLoss(error) || isConflict(error)
      if (pause === undefined || !passing || database.isClosed()) throw storeFailure(error, database.location)
      await sleep(pause)
      if (isConnectionLoss(error)) await database.recover()
    }
  }
}

/** For queries over one run, which the planner would answer from the whole table when the run is much of it. */
export async function withoutScans<T>(database: Database, work: (db: Reader) => Promise<T>): Promise<T> {
  return await database.db.transaction(async (db) => {
    await db.execute(sql`set local enable_seqscan = off`)
    return await work(db)
  })
}
