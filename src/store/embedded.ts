// The embedded store's server: a real PostgreSQL of this user's, one per directory, shared by every
// process that opens it. The first process starts it, the others adopt it; a keeper process (keeper.ts)
// stops it when nobody is connected any more. Invariants: at most one server per directory; a server
// that was handed out stays up as long as its anchor connection is open.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile, realpath, rm } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { StoreError, UsageError } from '../errors.ts'
import { findBinaries } from './binaries.ts'
import { endClient, openClient } from './connect.ts'
import type { Sql, Target } from './connect.ts'
import { failureCode } from './failures.ts'
import * as homes from './home.ts'
import type { Home } from './home.ts'
import { cleanEnvironment, initialize, placeFailure } from './initialize.ts'
import { keeperName } from './keeper-orders.ts'
import type { KeeperOrders } from './keeper-orders.ts'
import { isLocked, waitForLock } from './lock.ts'
import { isAlive, isOurServer } from './postmaster.ts'

export interface EmbeddedServer {
  target: Target
  /** A connection that keeps the server up; end it last. */
  anchor: Sql
  /** Whether the server was running already. */
  adopted: boolean
}

const startMilliseconds = 60_000

/**
 * A running server for the store in `directory`, created when missing. Safe for any number of processes
 * at once. Errors raised: UsageError for a directory that cannot be used, StoreError (with the log's path
 * and last lines) when the server does not start.
 */
export async function openEmbedded(directory: string): Promise<EmbeddedServer> {
  const home = await homes.prepareHome(directory)
  // A server is stopped only under the lock and only without clients, so one that we are connected to
  // while nobody holds the lock stays.
  const running = await adopt(home)
  if (running && !isLocked(home.lock)) return running
  await endClient(running?.anchor)
  const lock = await waitForLock(home.lock, Date.now() + startMilliseconds)
  if (!lock) throw new StoreError('locked', `${home.lock} was held by another process for too long`)
  try {
    return (await adoptOrWait(home)) ?? (await start(home))
  } catch (error) {
    throw homes.directoryFailure(home.directory, error)
  } finally {
    lock.release()
  }
}

async function adopt(home: Home): Promise<EmbeddedServer | null> {
  const found = await homes.readTarget(home)
  if (!found?.ready) return null
  const anchor = openClient(found, { max: 1, connectTimeout: 5, name: 'descent-anchor' })
  try {
    const [row] = await anchor<{ data: string; kept: boolean }[]>`
      select current_setting('data_directory') as data,
        pg_postmaster_start_time() > now() - interval '2 seconds'
          or exists(select from pg_stat_activity where application_name = ${keeperName}) as kept`
    // A server that has just been started has a keeper that is about to connect.
    // The port may by now belong to another store's server; the password alone does not tell a copy.
    if ((await realpath(row?.data ?? '')) !== (await realpath(home.data))) throw new Error('another store')
    if (!row?.kept) await startKeeper(home, { mode: 'adopt', pid: found.pid, target: found })
    return { target: found, anchor, adopted: true }
  } catch (error) {
    await endClient(anchor)
    if (failureCode(error) === '53300') throw error
    return null
  }
}

/** Adopts the server, also one that is still recovering; null when none runs. Under the lock. */
async function adoptOrWait(home: Home): Promise<EmbeddedServer | null> {
  const deadline = Date.now() + startMilliseconds
  for (;;) {
    const running = await adopt(home)
    if (running) return running
    const found = await homes.readTarget(home)
    if (!found) return null
    if (!isOurServer(found.pid, home.data)) {
      await rm(join(home.data, 'postmaster.pid'), { force: true })
      return null
    }
    if (Date.now() > deadline) {
      throw new StoreError(
        'unreachable',
        `the server of ${home.directory} (process ${found.pid}) does not answer; ${await lastWords(home)}`,
      )
    }
    await sleep(50)
  }
}

async function start(home: Home): Promise<EmbeddedServer> {
  const uid = await homes.serverUid(home)
  const binaries = await findBinaries(uid)
  if (!(await homes.hasData(home))) await initialize(home, binaries.initdb, uid)
  const made = (await readFile(join(home.data, 'PG_VERSION'), 'utf8')).trim()
  if (Number(made) !== binaries.major) {
    throw new UsageError(
      `the store ${home.directory} was made by PostgreSQL ${made}, this is ${binaries.major}: use the version of Descent that made it`,
    )
  }
  await homes.trimLog(home)
  const password = await homes.ensureSecret(home)
  const target = homes.localTarget(await choosePort(home), password)
  const data = await realpath(home.data)
  const keeper = await startKeeper(home, { mode: 'start', postgres: binaries.postgres, data, uid, target })
  const deadline = Date.now() + startMilliseconds
  for (;;) {
    const running = await adopt(home)
    if (running) return { ...running, adopted: false }
    if (!keeper.alive()) throw await startFailure(home, 'ended at once')
    if (Date.now() > deadline) throw await startFailure(home, 'did not answer in time')
    await sleep(10)
  }
}

async function startFailure(home: Home, what: string): Promise<Error> {
  const words = await lastWords(home)
  const reason = await placeFailure(home, words)
  return reason ?? new StoreError('start', `the embedded PostgreSQL of ${home.directory} ${what}; ${words}`)
}

async function lastWords(home: Home): Promise<string> {
  return `${home.log} ends with: ${await homes.logTail(home)}`
}

async function startKeeper(home: Home, orders: KeeperOrders): Promise<{ alive(): boolean }> {
  const file = import.meta.url.endsWith('.ts') ? './keeper.ts' : './keeper.js'
  const log = openSync(home.log, 'a', 0o600)
  try {
    const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), home.directory], {
      cwd: '/',
      detached: true,
      env: cleanEnvironment,
      stdio: ['pipe', log, log],
    })
    // Over a pipe, not as an argument: the password is in it.
    child.stdin?.on('error', () => {}).end(JSON.stringify({ ...orders, home }))
    child.on('error', () => {})
    child.unref()
    return { alive: () => child.pid !== undefined && isAlive(child.pid) }
  } finally {
    closeSync(log)
  }
}

/** The port of last time, so that other processes' connections find a restarted server; else a free one. */
async function choosePort(home: Home): Promise<number> {
  const options = await readFile(join(home.data, 'postmaster.opts'), 'utf8').catch(() => '')
  const last = Number(/"-p" "(\d+)"/.exec(options)?.[1] ?? 0)
  return (last > 0 ? await tryPort(last) : null) ?? (await tryPort(0)) ?? 0
}

async function tryPort(port: number): Promise<number | null> {
  const server = net.createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as net.AddressInfo).port
  } catch {
    return null
  } finally {
    server.close()
  }
}
