// Fresh stores for tests, on both kinds of server: the embedded one, and the PostgreSQL server at
// DESCENT_TEST_POSTGRES (a URL of a role that may create databases) when that variable is set.
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll } from 'vitest'
import { environmentValue } from '../../src/env.ts'
import { openEmbedded } from '../../src/store/embedded.ts'
import type { EmbeddedServer } from '../../src/store/embedded.ts'
import { openStore } from '../../src/store/index.ts'
import type { Store } from '../../src/store/index.ts'
import { removeLater } from '../support/left-over.ts'

export interface Backend {
  name: string
  /** The URL of a new, empty database. */
  freshDatabase(): Promise<string>
  /** A store on a new database; closed after the file's tests. */
  freshStore(): Promise<Store>
}

/** A directory that is removed after the file's tests; a server whose data is gone stops by itself. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'descent-store-'))
  removeLater(directory)
  // As a person's directory: root's server, which runs as nobody, may enter it.
  await chmod(directory, 0o755)
  return directory
}

let count = 0

function makeBackend(name: string, serverUrl: () => Promise<string>): Backend {
  const opened: { stores: Store[]; databases: string[] } = { stores: [], databases: [] }
  afterAll(async () => {
    await Promise.all(opened.stores.map((store) => store.close()))
    if (opened.databases.length === 0) return
    const admin = postgres(await serverUrl(), { max: 1, onnotice: () => {} })
    for (const database of opened.databases)
      await admin.unsafe(`drop database if exists ${database} with (force)`)
    await admin.end()
  })
  async function freshDatabase(): Promise<string> {
    const url = new URL(await serverUrl())
    const database = `descent_test_${process.pid}_${Date.now()}_${count++}`
    const admin = postgres(url.href, { max: 1, onnotice: () => {} })
    await admin.unsafe(`create database ${database} template template0`)
    await admin.end()
    opened.databases.push(database)
    url.pathname = `/${database}`
    return url.href
  }
  return {
    name,
    freshDatabase,
    async freshStore() {
      const store = await openStore(await freshDatabase())
      opened.stores.push(store)
      return store
    },
  }
}

/** Call it at the top of a test file: clean-up is registered there. */
export function backends(): Backend[] {
  let embedded: Promise<EmbeddedServer> | null = null
  const list = [
    makeBackend('embedded', async () => {
      embedded ??= temporaryDirectory().then(openEmbedded)
      const { target } = await embedded
      return `postgres://${target.user}:${target.password}@${target.host}:${target.port}/${target.database}`
    }),
  ]
  const server = environmentValue('DESCENT_TEST_POSTGRES')
  if (server !== undefined) list.push(makeBackend('server', () => Promise.resolve(server)))
  return list
}
