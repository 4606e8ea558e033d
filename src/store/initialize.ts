// Making the embedded store's database: whole or not at all, by a rename (or a link) at the end.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chown, rename, rm, statfs, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StoreError, UsageError } from '../errors.ts'
import { ensureSecret, newDataDirectory } from './home.ts'
import type { Home } from './home.ts'

/** Nothing of ours: PGDATA, PGOPTIONS or a locale must not reach the server, nor a key its environment. */
export const cleanEnvironment = { LC_ALL: 'C', TZ: 'UTC' }

/** Errors raised: UsageError for a full disk or a user without a name, else StoreError with initdb's words. */
export async function initialize(home: Home, initdb: string, uid: number | null): Promise<void> {
  const password = await ensureSecret(home)
  const { path, linked } = await newDataDirectory(home, uid)
  const passwordFile = join(dirname(path), `.${randomUUID()}`)
  try {
    await writeFile(passwordFile, password, { mode: 0o600 })
    if (uid !== null) await chown(passwordFile, uid, uid)
    // The same order of texts on every machine, and UTF-8 whatever LANG says.
    const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
    const account = ['--username=descent', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
    const said = await run(initdb, ['-D', path, ...account, ...locale, '--no-instructions'], uid, path)
    if (said !== null) {
      const words = said.split('\n').slice(-4).join(' | ')
      const general = new StoreError(
        'start',
        `the embedded PostgreSQL could not be set up in ${path}: ${words}`,
      )
      throw (await placeFailure(home, said)) ?? general
    }
    if (linked) await symlink(path, home.data)
    else await rename(path, home.data)
  } catch (error) {
    await rm(path, { recursive: true, force: true })
    throw error
  } finally {
    await rm(passwordFile, { force: true })
  }
}

/** Runs a program to its end; what it said on stderr when it failed, else null. */
async function run(file: string, args: string[], uid: number | null, cwd: string): Promise<string | null> {
  const ids = uid === null ? {} : { uid, gid: uid }
  const child = spawn(file, args, {
    ...ids,
    cwd,
    env: cleanEnvironment,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return code === 0 ? null : said.trim()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** A server needs some tens of megabytes to start; with less, its complaint may not fit on the disk. */
const leastFreeBytes = 24 * 1024 * 1024

/** The error to show when a program failed for a reason that a person can do something about, else null. */
export async function placeFailure(home: Home, said: string): Promise<UsageError | null> {
  if (/could not look up effective user ID/.test(said)) {
    return new UsageError(
      `PostgreSQL does not run as a user without a name (uid ${process.geteuid?.()}): add the uid to /etc/passwd, ` +
        'or give a PostgreSQL server as --store postgres://user:password@host:5432/database',
    )
  }
  const { bavail, bsize } = await statfs(home.directory)
  if (bavail * bsize < leastFreeBytes || /No space left on device|Disk quota exceeded/.test(said)) {
    return new UsageError(
      `the store directory ${home.directory} cannot be used: the disk is full; free some space`,
    )
  }
  return null
}
