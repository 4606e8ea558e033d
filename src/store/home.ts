// The directory of an embedded store and what lies in it:
//   pg/          the data of the server, or a link to it where the server's uid cannot enter here
//   secret       the password (0600)      pg.log  what the server says
//   start.lock   held while a server is started or stopped
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, lstat, mkdir, open, readFile, realpath, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import { isRoot, nobody, publicDirectory, reachableBy } from '../reach.ts'
import type { Target } from './connect.ts'

export interface Home {
  directory: string
  data: string
  secret: string
  log: string
  lock: string
}

/** Makes the directory when it is missing. Errors raised: UsageError when it cannot be made or written. */
export async function prepareHome(directory: string): Promise<Home> {
  const at = resolve(directory)
  try {
    const made = await makeDirectory(at)
    // A store holds prompts and a password: it is nothing to commit by accident.
    if (made) await writeFile(join(at, '.gitignore'), '*\n')
    const real = await realpath(at)
    const home = {
      directory: real,
      data: join(real, 'pg'),
      secret: join(real, 'secret'),
      log: join(real, 'pg.log'),
      lock: join(real, 'start.lock'),
    }
    await (await open(home.lock, 'a')).close()
    return home
  } catch (error) {
    throw directoryFailure(at, error)
  }
}

/** As `mkdir -p`; Node's own never ends where nothing can be made (/proc). False when it was there. */
async function makeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return false
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error
    await makeDirectory(dirname(path))
    return await makeDirectory(path)
  }
}

/** One line for a person about a directory that cannot be used; other errors pass unchanged. */
export function directoryFailure(directory: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const reason = {
    EACCES: 'this user may not write there',
    EPERM: 'this user may not write there',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    ENOTDIR: 'a part of the path is a file',
    EEXIST: 'it is a file',
    ENOENT: 'it cannot be made there',
  }[code]
  if (!reason) return error
  const advice = code === 'ENOSPC' ? 'free some space' : 'choose another one with --store DIRECTORY'
  return new UsageError(`the store directory ${directory} cannot be used: ${reason}; ${advice}`)
}

/** How to reach the server that runs for this store now, or null when there is no sign of one. */
export async function readTarget(home: Home): Promise<(Target & { ready: boolean; pid: number }) | null> {
  const lines = await readFile(join(home.data, 'postmaster.pid'), 'utf8').then(
    (text) => text.split('\n'),
    () => null,
  )
  if (!lines) return null
  const password = await readFile(home.secret, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw directoryFailure(home.directory, error)
  })
  const port = Number(lines[3] ?? '')
  const pid = Number(lines[0] ?? '')
  return { ...localTarget(port, password), pid, ready: port > 0 && (lines[7] ?? '').trim() === 'ready' }
}

export function localTarget(port: number, password: string): Target {
  return { url: null, host: '127.0.0.1', port, user: 'descent', password, database: 'postgres' }
}

/** The uid under which the server must run: the data's owner, `nobody` for a new one of root, else null. */
export async function serverUid(home: Home): Promise<number | null> {
  if (!isRoot()) return null
  const existing = await stat(home.data).catch(() => null)
  return existing && existing.uid !== 0 ? existing.uid : nobody
}

/** Whether the data is there. Errors raised: UsageError when it was, at another place that is gone. */
export async function hasData(home: Home): Promise<boolean> {
  const entry = await lstat(home.data).catch(() => null)
  if (!entry) return false
  if (!existsSync(join(home.data, 'PG_VERSION'))) {
    throw new UsageError(
      `the store ${home.directory} has lost its data (${home.data} leads to no database): restore it, or remove the directory to begin anew`,
    )
  }
  return true
}

/** An empty directory that the server may own, for a new database; renamed or linked to `pg` afterwards. */
export async function newDataDirectory(
  home: Home,
  uid: number | null,
): Promise<{ path: string; linked: boolean }> {
  const linked = uid !== null && !(await reachableBy(home.directory, uid))
  const parent = linked ? await publicDirectory('stores') : home.directory
  const ending = randomUUID().slice(-12)
  // The name tells a person who looks around there whose data it is.
  const named = home.directory
    .split('/')
    .slice(-2)
    .join('-')
    .replaceAll(/[^\w.-]/g, '_')
  const path = join(parent, linked ? `${named}-${ending}` : `pg.${ending}.new`)
  await mkdir(path, { mode: 0o700 })
  if (uid !== null) await chown(path, uid, uid)
  return { path, linked }
}

/** The password of the store, made when there is none. */
export async function ensureSecret(home: Home): Promise<string> {
  const made = randomBytes(24).toString('base64url')
  try {
    await writeFile(home.secret, made, { mode: 0o600, flag: 'wx' })
    return made
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return await readFile(home.secret, 'utf8')
  }
}

/** The log is for the last few starts, not for ever. */
export async function trimLog(home: Home): Promise<void> {
  const size = await stat(home.log).then(
    (status) => status.size,
    () => 0,
  )
  if (size > 8 * 1024 * 1024) await truncate(home.log, 0)
}

/** The last lines of the log, for an error message. */
export async function logTail(home: Home): Promise<string> {
  const text = await readFile(home.log, 'utf8').catch(() => '')
  const lines = text.trimEnd().split('\n').slice(-4)
  return lines.join(' | ').slice(-600)
}
