// Brings a database to this version's tables. Any number of processes may do it at once: drizzle's
// migrator takes no lock, so an advisory lock is held around it.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator'
import { UsageError } from '../errors.ts'
import { endClient, openClient } from './connect.ts'
import type { Sql, Target } from './connect.ts'
import { failureCode } from './failures.ts'

/** The oldest server that is tested. */
const oldestServer = 150_000

/** Errors raised: UsageError for a server that is too old, or a store made by a newer Descent. */
export async function migrate(session: Sql, target: Target, where: string): Promise<void> {
  const folder = migrationsFolder()
  const newest = newestMigration(folder)
  const state = await readState(session)
  if (state.server < oldestServer) {
    const version = Math.floor(state.server / 10_000)
    throw new UsageError(`${where} is PostgreSQL ${version}: Descent needs 15 or newer`)
  }
  if (state.applied > newest) {
    throw new UsageError(
      `${where} was written by a newer version of Descent: update this one (npm install descent@latest)`,
    )
  }
  if (state.applied === newest) return
  const client = openClient(target, { max: 1, name: 'descent-migrate' })
  try {
    await client`select pg_advisory_lock(4, 1999)`
    await applyMigrations(drizzle({ client }), { migrationsFolder: folder })
  } finally {
    // Ending the session frees the lock.
    await endClient(client)
  }
}

/** The server's version and the time of the last migration that was applied, 0 for an empty database. */
async function readState(session: Sql): Promise<{ server: number; applied: number }> {
  const [row] = await session<
    { server: number }[]
  >`select current_setting('server_version_num')::int as server`
  const server = row?.server ?? 0
  try {
    const [last] = await session<{ at: string | null }[]>`
      select max(created_at) as at from drizzle.__drizzle_migrations`
    return { server, applied: Number(last?.at ?? 0) }
  } catch (error) {
    // No such schema, no such table: nothing was applied yet.
    if (['3F000', '42P01'].includes(failureCode(error))) return { server, applied: 0 }
    throw error
  }
}

/** At the root of the package, from src/store/ as from dist/src/store/. */
function migrationsFolder(): string {
  for (const path of ['../../migrations', '../../../migrations']) {
    const folder = fileURLToPath(new URL(path, import.meta.url))
    if (existsSync(`${folder}/meta/_journal.json`)) return folder
  }
  throw new UsageError('this installation of Descent has no migrations folder: install it again')
}

function newestMigration(folder: string): number {
  const journal = JSON.parse(readFileSync(`${folder}/meta/_journal.json`, 'utf8')) as {
    entries: { when: number }[]
  }
  return Math.max(...journal.entries.map((entry) => entry.when))
}
