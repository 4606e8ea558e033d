// A directory of files as one context: an object of relative path to text, in the order of the paths.
import { readFile, readdir, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { UsageError } from '../errors.ts'

export interface DirectoryOptions {
  /** Only files whose name ends so, such as `.md`; all text files by default. */
  extensions?: readonly string[]
  /** Refuse more than this many bytes together: a context has to fit into memory. */
  maxBytes?: number
}

/** Directories that hold no text of their project's own. */
const leftOut = new Set(['node_modules', '.git'])

/**
 * Path (with forward slashes) to text. Files that are not UTF-8 text are left out. Errors raised:
 * UsageError for a directory that is missing, holds no text, or holds too much.
 */
export async function readDirectory(
  directory: string,
  options: DirectoryOptions = {},
): Promise<Record<string, string>> {
  const { extensions, maxBytes = 512 * 2 ** 20 } = options
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(
    (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'no such directory' : error.code
      throw new UsageError(`${directory}: ${why ?? error.message}`)
    },
  )
  const root = join(directory, sep).length
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root).replaceAll('\\', '/'))
    .filter((name) => !name.split('/').some((part) => leftOut.has(part)))
    .filter((name) => !extensions || extensions.some((extension) => name.endsWith(extension)))
    .toSorted()
  const texts: Record<string, string> = {}
  let bytes = 0
  for (const name of names) {
    const path = join(directory, name)
    bytes += (await stat(path)).size
    if (bytes > maxBytes) {
      throw new UsageError(`${directory}: its files are more than ${maxBytes / 2 ** 20} MiB together`)
    }
    const text = textOf(await readFile(path))
    if (text !== null) texts[name] = text
  }
  if (Object.keys(texts).length === 0) {
    throw new UsageError(
      `${directory}: no text files${extensions ? ` that end in ${extensions.join(', ')}` : ''} in it`,
    )
  }
  return texts
}

/** The text of a file, or null when it is none. */
function textOf(data: Buffer): string | null {
  if (data.includes(0)) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data)
  } catch {
    return null
  }
}
