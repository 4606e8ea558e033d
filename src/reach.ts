// What another user of this machine can reach. Root drops to an unprivileged uid to run PostgreSQL and
// Python; that uid cannot enter, say, /root. What it must see is then copied, once, to a public place.
// Invariant: nothing is ever read from a public place that somebody else could have written.
import { randomUUID } from 'node:crypto'
import { chmod, cp, lstat, mkdir, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { UsageError } from './errors.ts'

/** The uid and gid of `nobody`, to which root drops. */
export const nobody = 65534

/** Whether this process may start others under another uid. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0
}

/**
 * Whether `uid` (with no group but its own number) can enter every directory above `path`, following
 * links, and read what is there; a directory must also be enterable. False when nothing is there.
 */
export async function reachableBy(path: string, uid: number): Promise<boolean> {
  try {
    const asked = resolve(path)
    const real = await realpath(asked)
    for (const directory of new Set([...parents(asked), ...parents(real)])) {
      if (!allows(await stat(directory), uid, 0o1)) return false
    }
    const target = await stat(real)
    return allows(target, uid, target.isDirectory() ? 0o5 : 0o4)
  } catch {
    return false
  }
}

function parents(path: string): string[] {
  const found: string[] = []
  for (let at = dirname(path); ; at = dirname(at)) {
    found.push(at)
    if (at === dirname(at)) return found
  }
}

function allows(status: { uid: number; gid: number; mode: number }, uid: number, bits: number): boolean {
  if (uid === 0) return true
  const shift = status.uid === uid ? 6 : status.gid === uid ? 3 : 0
  return ((status.mode >> shift) & bits) === bits
}

/**
 * A directory of ours that every uid can enter, made when missing: `/var/lib/descent/<name>` for
 * root, else under the temp directory. Errors raised: UsageError when no place can be written, or
 * when what is there belongs to somebody else.
 */
export async function publicDirectory(name: string): Promise<string> {
  const tried: string[] = []
  for (const base of await publicBases()) {
    try {
      await ownDirectory(base)
    } catch (error) {
      tried.push(`${base} (${error instanceof Error ? error.message : String(error)})`)
      continue
    }
    let at = base
    for (const part of name.split('/')) {
      if (!/^[\w@+-][\w.@+-]*$/.test(part)) throw new UsageError(`not a directory name: ${name}`)
      at = join(at, part)
      await ownDirectory(at)
    }
    return at
  }
  throw new UsageError(`no directory that other users can enter could be made; tried ${tried.join(', ')}`)
}

async function publicBases(): Promise<string[]> {
  const own = `descent-${process.geteuid?.() ?? 'user'}`
  const temporary = (await reachableBy(tmpdir(), nobody)) ? tmpdir() : '/tmp'
  return isRoot() ? ['/var/lib/descent', join(temporary, own)] : [join(temporary, own)]
}

/** Makes `path` (0755 whatever the umask), or makes sure that the one there is ours alone to write. */
async function ownDirectory(path: string): Promise<void> {
  let made = true
  try {
    await mkdir(path, { mode: 0o755 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    made = false
  }
  const status = await lstat(path)
  if (!status.isDirectory() || status.uid !== process.geteuid?.()) {
    throw new UsageError(
      `${path} is not a directory of the user who runs this: remove it, or run as its owner`,
    )
  }
  if (made || (status.mode & 0o777) !== 0o755) await chmod(path, 0o755)
}

/**
 * A copy of the directory `source` that every uid can read, at `publicDirectory('copies')/<name>`; made
 * once. `name` must change whenever the content does (put a version in it). Safe for several processes
 * at once: whole copies are renamed into place, the first wins. `prepare` may complete the copy before.
 * Returns its path.
 */
export async function publicCopy(options: {
  source: string
  name: string
  filter?: (path: string) => boolean
  prepare?: (copy: string) => Promise<void>
}): Promise<string> {
  const { source, filter } = options
  const target = join(await publicDirectory('copies'), basename(options.name))
  const existing = await lstat(target).catch(() => null)
  if (existing?.isDirectory()) {
    await ownDirectory(target)
    return target
  }
  const partial = `${target}.${randomUUID()}.part`
  try {
    await cp(source, partial, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (from) => filter?.(from) ?? true,
    })
    await options.prepare?.(partial)
    await openModes(partial)
    await rename(partial, target)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return target
    if (code === 'ENOSPC') throw new UsageError(`no space left to copy ${source} to ${target}`)
    throw error
  }
  return target
}

async function openModes(path: string): Promise<void> {
  const status = await lstat(path)
  if (status.isSymbolicLink()) return
  if (!status.isDirectory()) return await chmod(path, status.mode & 0o111 ? 0o755 : 0o644)
  await chmod(path, 0o755)
  for (const name of await readdir(path)) await openModes(join(path, name))
}
