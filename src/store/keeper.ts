// The keeper: a small process that owns the embedded server, so that it stops when its last client is
// gone, however that client ended. It is started detached by embedded.ts and is told what to do on stdin.
// Invariants: it stops the server only under the start lock, and only after it has seen no client
// for a while and again under the lock; it ends when the server has ended.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { endClient, openClient } from './connect.ts'
import type { Sql } from './connect.ts'
import type { Home } from './home.ts'
import { keeperName } from './keeper-orders.ts'
import type { KeeperOrders } from './keeper-orders.ts'
import { tryLock } from './lock.ts'
import { isAlive, pidIn, serverArguments } from './postmaster.ts'

const pollMilliseconds = 1000
const quietMilliseconds = 5000
/** A server that cannot be asked for so long (its directory was removed, say) is of no use to anyone. */
const deafMilliseconds = 60_000

const orders = JSON.parse(await text(process.stdin)) as KeeperOrders & { home: Home }
const serverPid = orders.mode === 'start' ? startServer(orders) : orders.pid
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stopServer('SIGINT'))
await watch()
process.exit()

function startServer(order: KeeperOrders & { mode: 'start' }): number {
  const ids = order.uid === null ? {} : { uid: order.uid, gid: order.uid }
  const child = spawn(order.postgres, serverArguments(order.data, order.target.port), {
    ...ids,
    cwd: order.data,
    env: process.env,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  })
  child.on('error', (error) => process.stderr.write(`keeper: ${error.message}\n`))
  child.on('exit', (code) => process.exit(code === 0 ? 0 : 1))
  return child.pid ?? -1
}

function stopServer(signal: 'SIGINT' | 'SIGQUIT'): void {
  try {
    process.kill(serverPid, signal)
  } catch {
    // It is gone already.
  }
}

async function watch(): Promise<void> {
  let client: Sql | null = null
  let lastClient = Date.now()
  let lastAnswer = Date.now()
  let started = false
  for (;;) {
    await sleep(client ? pollMilliseconds : 50)
    if (!isAlive(serverPid)) return
    if (started && isRemoved()) stopServer('SIGQUIT')
    try {
      client ??= await connect()
      started = true
      if ((await countClients(client)) > 0) lastClient = Date.now()
      lastAnswer = Date.now()
      if (Date.now() - lastClient > quietMilliseconds && (await stopIfQuiet(client))) return
    } catch {
      await endClient(client)
      client = null
      if (Date.now() - lastAnswer > deafMilliseconds) stopServer('SIGQUIT')
    }
  }
}

/**
 * Whether the data or the store's directory was removed or moved: PostgreSQL itself would notice the one
 * only after a minute, and the other never.
 */
function isRemoved(): boolean {
  return pidIn(orders.home.data) !== serverPid || !existsSync(path.dirname(orders.home.lock))
}

/** Connects and becomes the only keeper; a second one has nothing to do and ends. */
async function connect(): Promise<Sql> {
  const client = openClient(orders.target, { max: 1, name: keeperName, connectTimeout: 5 })
  try {
    const [row] = await client<{ alone: boolean }[]>`select pg_try_advisory_lock(4, 1998) as alone`
    if (!row?.alone && orders.mode === 'adopt') process.exit(0)
    return client
  } catch (error) {
    await endClient(client)
    throw error
  }
}

async function countClients(client: Sql): Promise<number> {
  const [row] = await client<{ clients: string }[]>`
    select count(*) as clients from pg_stat_activity
    where backend_type = 'client backend' and application_name <> ${keeperName}`
  return Number(row?.clients)
}

async function stopIfQuiet(client: Sql): Promise<boolean> {
  const lock = tryLock(orders.home.lock)
  if (!lock) return false
  try {
    if ((await countClients(client)) > 0) return false
    stopServer('SIGINT')
    for (let waited = 0; isAlive(serverPid); waited += 50) {
      if (waited === 20_000) stopServer('SIGQUIT')
      await sleep(50)
    }
    return true
  } finally {
    lock.release()
  }
}
