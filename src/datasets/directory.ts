// The directory of an export. Files are written under partial names and take their own at `commit`,
// the manifest last; until then an earlier export lies there untouched, and `discard` leaves no trace.
import { mkdir, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DescentError, UsageError } from '../errors.ts'

/** What tells a directory of ours. */
export const manifestKind = 'descent-dataset'
const manifestName = 'manifest.json'
const dataFile = /^(?:data\/(?:train|test)-\d{5}-of-\d{5}\.parquet|contexts\/[\da-f]+\.(?:txt|json))$/
const folders = ['data', 'contexts']
const partialFile = /\.partial$/
/** A partial file that nobody has touched for so long was left by a process that died. */
const staleMilliseconds = 3_600_000

export interface Target {
  /** Absolute. */
  directory: string
  /** The absolute path to write to for a file that is not yet there; `name` may start with a folder made. */
  partial(name: string): string
  /** Gives the partial files their names, and removes data files of the earlier export. */
  commit(files: { partial: string; name: string }[]): Promise<void>
  discard(): Promise<void>
}

/**
 * Makes or checks the directory. Throws a UsageError when it is a file, cannot be written, or holds
 * something that is not an export.
 */
export async function openTarget(
  given: string,
  exportId: string,
  options: { contexts?: boolean } = {},
): Promise<Target> {
  const directory = resolve(given)
  const data = join(directory, 'data')
  const contexts = join(directory, 'contexts')
  const earlier = await earlierFiles(directory)
  let created: string | undefined
  let createdContexts: string | undefined
  try {
    created = await mkdir(data, { recursive: true })
    if (options.contexts) createdContexts = await mkdir(contexts, { recursive: true })
    for (const folder of [directory, data, contexts]) await removeStale(folder)
  } catch (error) {
    throw diskError(error, directory)
  }
  const partials = new Set<string>()
  return {
    directory,
    partial(name) {
      const path = join(directory, `${name}.${exportId}.partial`)
      partials.add(path)
      return path
    },
    async commit(files) {
      const names = new Set(files.map(({ name }) => name))
      const last = (name: string) => Number(name === manifestName)
      for (const { partial, name } of files.toSorted((a, b) => last(a.name) - last(b.name))) {
        if (name === manifestName) {
          for (const old of earlier) if (!names.has(old)) await rm(join(directory, old), { force: true })
          if (!options.contexts) await rmdir(contexts).catch(() => undefined)
        }
        await rename(partial, join(directory, name))
        partials.delete(partial)
      }
    },
    async discard() {
      for (const path of partials) await rm(path, { force: true })
      if (createdContexts !== undefined) await rmdir(contexts).catch(() => undefined)
      if (created === undefined) return
      // Only the directories made above, and only while nobody put anything in.
      const end = dirname(created)
      for (let path = data; path !== end && path !== dirname(path); path = dirname(path)) {
        const removed = await rmdir(path).then(
          () => true,
          () => false,
        )
        if (!removed) return
      }
    },
  }
}

/** The data files of an export that is there already; none in a new or empty directory. */
async function earlierFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown): string[] => {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    if (code === 'ENOTDIR') throw new UsageError(`${directory} is a file. Name a directory for the dataset.`)
    throw diskError(error, directory)
  })
  if (names.includes(manifestName)) {
    const manifest = await readManifest(join(directory, manifestName))
    if (manifest) return manifest.files.filter((path) => dataFile.test(path))
  } else {
    const inside = await Promise.all(
      folders
        .filter((folder) => names.includes(folder))
        .map((folder) => readdir(join(directory, folder)).catch(() => [folder])),
    )
    const foreign = [...names.filter((name) => !folders.includes(name)), ...inside.flat()].filter(
      (name) => !partialFile.test(name),
    )
    if (foreign.length === 0) return []
  }
  throw new UsageError(
    `${directory} is not empty and is not an earlier export. Name a new directory, or empty this one.`,
  )
}

async function readManifest(path: string): Promise<{ files: string[] } | null> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    if (value['kind'] !== manifestKind || !Array.isArray(value['files'])) return null
    const contexts = Array.isArray(value['contexts']) ? (value['contexts'] as unknown[]) : []
    const files = [...(value['files'] as unknown[]), ...contexts]
    return { files: files.map((file) => String((file as { path?: unknown } | null)?.path)) }
  } catch {
    return null
  }
}

async function removeStale(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown): string[] => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  for (const name of names) {
    if (!partialFile.test(name)) continue
    const path = join(directory, name)
    const facts = await stat(path).catch(() => null)
    if (facts && Date.now() - facts.mtimeMs > staleMilliseconds) await rm(path, { force: true })
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
