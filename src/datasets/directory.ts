// The directory of an export. Files are written under partial names and take their own at `commit`, the
// manifest last; until then an earlier export lies there untouched. One process exports there at a time:
// the kernel frees its lock when it dies. What a dead one left is taken up by the same export, and
// removed by any other.
import { access, constants, mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DescentError, UsageError } from '../errors.ts'
import { type FileLock, tryLock } from '../store/lock.ts'
import {
  addLine,
  beginCheckpoint,
  type Header,
  type Line,
  type Progress,
  readCheckpoint,
} from './checkpoint.ts'

/** What tells a directory of ours. */
export const manifestKind = 'descent-dataset'
const manifestName = 'manifest.json'
const checkpointName = 'export.checkpoint.partial'
const lockName = 'export.lock.partial'
const dataFile =
  /^(?:data\/(?:[a-z-]+\/)?(?:(?:train|validation|test)-\d{5}-of-\d{5}\.(?:parquet|jsonl)|dataset_info\.json)|contexts\/[\da-f]+\.(?:txt|json)|card\/(?:prompts\/)?[\w-]+\.(?:svg|txt)|audit\.jsonl)$/
const folders = ['data', 'contexts', 'card']
/** SQLite, which holds the lock, may add a file of its own. */
const partialFile = /\.partial(?:-journal)?$/

export interface Target {
  /** Absolute. */
  directory: string
  header: Header
  /** What a killed export of the same fingerprint left; null when this one begins anew. */
  earlier: Line[]
  /** The absolute path to write to for a file that is not yet there; `name` may start with a folder made. */
  partial(name: string): string
  /** The same path as a line of the checkpoint names it, and back. */
  relative(path: string): string
  absolute(name: string): string
  /** Adds a line to the checkpoint. */
  note(line: Line): Promise<void>
  /** Gives the partial files their names, and removes data files of the earlier export. */
  commit(files: { partial: string; name: string }[]): Promise<void>
  /** After `commit`, when nothing is left to do. */
  close(): Promise<void>
  /** Gives up: removes every trace, or with `keep` leaves whole files, if any, to be taken up; true when it did. */
  discard(options?: { keep: boolean }): Promise<boolean>
}

/**
 * Makes or checks the directory and `inside`, folders in it. Throws a UsageError when it is a file, cannot
 * be written, holds something that is not an export, or when another process exports to it.
 */
export async function openTarget(given: string, header: Header, inside: string[]): Promise<Target> {
  const directory = resolve(given)
  const checkpoint = join(directory, checkpointName)
  const left = await readCheckpoint(checkpoint).catch(() => null)
  const named = left?.lines.flatMap((line) => (line.kind === 'commit' ? line.files : [])) ?? []
  const old = await earlierFiles(
    directory,
    named.map(({ name }) => name),
  )
  const created: string[] = []
  let lock: FileLock
  try {
    for (const folder of ['', ...inside]) {
      const made = await mkdir(join(directory, folder), { recursive: true })
      if (made !== undefined) created.unshift(...between(made, join(directory, folder)))
    }
    lock = await lockDirectory(directory)
  } catch (error) {
    throw diskError(error, directory)
  }
  const same = left !== null && left.header.fingerprint === header.fingerprint
  const progress: Progress = same ? left : { header, lines: [] }
  try {
    await removePartials(directory, new Set(partialsOf(progress.lines)))
    await removeEmpty(directory, inside)
    if (!same) await beginCheckpoint(checkpoint, header)
  } catch (error) {
    lock.release()
    throw diskError(error, directory)
  }
  const absolute = (name: string) => join(directory, name)
  let hasFiles = progress.lines.some(({ kind }) => kind === 'shard')

  async function removeTraces(): Promise<void> {
    await rm(checkpoint, { force: true })
    lock.release()
    for (const name of [lockName, `${lockName}-journal`]) await rm(join(directory, name), { force: true })
  }

  return {
    directory,
    header: progress.header,
    earlier: progress.lines,
    absolute,
    relative: (path) => path.slice(directory.length + 1),
    partial: (name) => join(directory, `${name}.partial`),
    async note(line) {
      await addLine(checkpoint, line)
      hasFiles ||= line.kind === 'shard'
    },
    async commit(files) {
      const names = new Set(files.map(({ name }) => name))
      const last = ({ name }: { name: string }) => Number(name === manifestName)
      for (const { partial, name } of files.toSorted((a, b) => last(a) - last(b))) {
        if (name === manifestName)
          await removeOld(
            directory,
            old.filter((path) => !names.has(path)),
          )
        await rename(partial, absolute(name)).catch((error: unknown) => {
          // Named already, by the attempt that was killed meanwhile.
          if (!same || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        })
      }
    },
    close: removeTraces,
    async discard({ keep } = { keep: false }) {
      if (keep && hasFiles) {
        lock.release()
        return true
      }
      await removePartials(directory, new Set([checkpointName, lockName]))
      await removeTraces()
      // Only the directories made above, and only while nobody put anything in.
      for (const path of created.toSorted((a, b) => b.length - a.length)) {
        await rmdir(path).catch(() => undefined)
      }
      return false
    },
  }
}

/** `first`, and what lies below it down to `last`. */
function between(first: string, last: string): string[] {
  const paths = [first]
  for (let path = last; path.length > first.length; path = dirname(path)) paths.push(path)
  return paths
}

async function lockDirectory(directory: string): Promise<FileLock> {
  await access(directory, constants.W_OK)
  const lock = tryLock(join(directory, lockName))
  if (lock) return lock
  throw new UsageError(
    `Another process is exporting to ${directory}. Wait for it, or name another directory.`,
  )
}

async function removeOld(directory: string, paths: string[]): Promise<void> {
  for (const path of paths) await rm(join(directory, path), { force: true })
  const emptied = [...new Set(paths.map((path) => dirname(path))), 'contexts', 'card/prompts', 'card']
  for (const folder of emptied)
    if (folder !== 'data') await rmdir(join(directory, folder)).catch(() => undefined)
}

function partialsOf(lines: Line[]): string[] {
  return [
    checkpointName,
    lockName,
    ...lines.flatMap((line) => {
      if (line.kind === 'commit') return line.files.map(({ partial }) => partial)
      const contexts = line.state.contexts.map(({ partial }) => partial)
      return line.kind === 'shard' ? [line.partial, ...contexts] : contexts
    }),
  ]
}

/** All partial files but those named. Whoever calls holds the lock: no living process writes them. */
async function removePartials(directory: string, but: Set<string>): Promise<void> {
  for (const folder of ['', ...folders]) {
    const names = await readdir(join(directory, folder), { recursive: folder !== '' }).catch(absent)
    for (const name of names) {
      const path = join(folder, name)
      if (partialFile.test(name) && !but.has(path)) await rm(join(directory, path), { force: true })
    }
  }
}

/** Folders of configs that an earlier export had. */
async function removeEmpty(directory: string, wanted: string[]): Promise<void> {
  for (const name of await readdir(join(directory, 'data')).catch(absent)) {
    const folder = `data/${name}`
    if (!wanted.includes(folder)) await rmdir(join(directory, folder)).catch(() => undefined)
  }
}

function absent(error: unknown): string[] {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
  throw error
}

/** The data files of an export that is there already; none in a new or empty directory. */
async function earlierFiles(directory: string, named: string[]): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown): string[] => {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') {
      throw new UsageError(`${directory} is a file. Name a directory for the dataset.`)
    }
    try {
      return absent(error)
    } catch (other) {
      throw diskError(other, directory)
    }
  })
  const ours = named.filter((path) => dataFile.test(path))
  if (names.includes(manifestName)) {
    const files = await readManifest(join(directory, manifestName))
    if (files) return [...new Set([...files.filter((path) => dataFile.test(path)), ...ours])]
  } else {
    const inside = await Promise.all(
      folders
        .filter((folder) => names.includes(folder))
        .map(async (folder) => {
          const found = await readdir(join(directory, folder), { recursive: true, withFileTypes: true })
          return found
            .filter((entry) => !entry.isDirectory())
            .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
        }),
    )
    const known = new Set(named)
    const foreign = [...names.filter((name) => !folders.includes(name)), ...inside.flat()].filter(
      (name) => !partialFile.test(name) && !known.has(name),
    )
    if (foreign.length === 0) return ours
  }
  throw new UsageError(
    `${directory} is not empty and is not an earlier export. Name a new directory, or empty this one.`,
  )
}

async function readManifest(path: string): Promise<string[] | null> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    if (value['kind'] !== manifestKind || !Array.isArray(value['files'])) return null
    const lists = ['files', 'contexts', 'sidecars', 'audit', 'card'].map((name) => value[name])
    const listed = lists.flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
    return listed.map((file) => String((file as { path?: unknown } | null)?.path))
  } catch {
    return null
  }
}

/** One clear line for a disk that is full or closed to us; any other error as it is. */
export function diskError(error: unknown, directory: string): unknown {
  if (error instanceof UsageError) return error
  const code = (error as NodeJS.ErrnoException | null)?.code ?? ''
  const message = error instanceof Error ? error.message : String(error)
  const own = error instanceof DescentError && error.boundary !== 'dataset'
  if (own) return error
  if (/^(ENOSPC|EDQUOT|EFBIG)$/.test(code) || /No space left|quota exceeded|File too large/i.test(message)) {
    return new UsageError(
      `No space left for the dataset in ${directory}: nothing was exported, and what was there is untouched. ` +
        'Free some space or name another directory.',
      { code: 'disk_full', boundary: 'dataset', cause: error },
    )
  }
  if (/^(EACCES|EPERM|EROFS)$/.test(code) || /Permission denied|Read-only file system/i.test(message)) {
    return new UsageError(
      `Cannot write to ${directory}: ${message}. Name a directory that you may write to.`,
      {
        code: 'not_writable',
        boundary: 'dataset',
        cause: error,
      },
    )
  }
  return error
}
