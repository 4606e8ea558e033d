// What another uid can reach, and copies for it.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmod, lstat, mkdir, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { isRoot, nobody, publicCopy, publicDirectory, reachableBy } from '../../src/reach.ts'
import { temporaryDirectory } from './backends.ts'

const name = `test-${randomUUID()}`
const made: string[] = []
afterAll(async () => {
  for (const path of made) await rm(path, { recursive: true, force: true })
})

test('a path is reachable when every directory above it, real and as written, can be entered', async () => {
  const base = await temporaryDirectory()
  await mkdir(join(base, 'open/closed/inner'), { recursive: true })
  await writeFile(join(base, 'open/file'), 'x', { mode: 0o644 })
  await writeFile(join(base, 'open/closed/inner/file'), 'x')
  await symlink(join(base, 'open/closed/inner/file'), join(base, 'open/link'))
  expect(await reachableBy(join(base, 'open/file'), nobody)).toBe(true)
  expect(await reachableBy(join(base, 'open/link'), nobody)).toBe(true)
  await chmod(join(base, 'open/closed'), 0o700)
  expect(await reachableBy(join(base, 'open/closed/inner/file'), nobody)).toBe(false)
  expect(await reachableBy(join(base, 'open/link'), nobody)).toBe(false)
  expect(await reachableBy(join(base, 'open/closed'), nobody)).toBe(false)
  expect(await reachableBy(join(base, 'open/closed'), process.geteuid?.() ?? 0)).toBe(true)
  await chmod(join(base, 'open/file'), 0o640)
  expect(await reachableBy(join(base, 'open/file'), nobody)).toBe(false)
  expect(await reachableBy(join(base, 'nothing'), nobody)).toBe(false)
})

test('copies are whole, readable by all whatever the umask, and made once by processes that race', async () => {
  const base = await temporaryDirectory()
  const source = join(base, 'source')
  await mkdir(join(source, 'bin'), { recursive: true, mode: 0o700 })
  await writeFile(join(source, 'bin/program'), '#!/bin/sh\necho it runs\n', { mode: 0o700 })
  await writeFile(join(source, 'skipped'), 'x')
  await symlink('program', join(source, 'bin/alias'))
  await chmod(source, 0o700)
  const before = process.umask(0o077)
  let copies: string[]
  try {
    const options = { source, name, filter: (path: string) => !path.endsWith('skipped') }
    copies = await Promise.all([publicCopy(options), publicCopy(options), publicCopy(options)])
  } finally {
    process.umask(before)
  }
  const [copy = ''] = copies
  made.push(copy)
  expect(new Set(copies).size).toBe(1)
  expect(await reachableBy(join(copy, 'bin/alias'), nobody)).toBe(true)
  expect(await readlink(join(copy, 'bin/alias'))).toBe('program')
  expect(await lstat(join(copy, 'skipped')).catch(() => null)).toBeNull()
  const ids = isRoot() ? { uid: nobody, gid: nobody } : {}
  expect(execFileSync(join(copy, 'bin/alias'), { ...ids, cwd: '/', encoding: 'utf8' })).toBe('it runs\n')
})

test.runIf(isRoot())('a public directory that others could have written is refused or closed', async () => {
  const path = await publicDirectory(name)
  made.push(path)
  await chmod(path, 0o777)
  await publicDirectory(name)
  expect((await lstat(path)).mode & 0o777).toBe(0o755)
  execFileSync('chown', [String(nobody), path])
  await expect(publicDirectory(name)).rejects.toThrow('not a directory of the user')
  await rm(path, { recursive: true })
  await symlink('/tmp', path)
  await expect(publicDirectory(name)).rejects.toThrow('not a directory of the user')
  await expect(publicDirectory('../elsewhere')).rejects.toThrow('not a directory name')
})
