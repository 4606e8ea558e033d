// Packages that are bound on purpose: cells can import them, and can still read nothing else.
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSandbox } from '../../collectors/sandbox/index.ts'
import { isRoot } from '../../src/reach.ts'
import { levels, startSandbox } from './helpers.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'descent-libraries-'))
  await chmod(directory, 0o755)
  await mkdir(path.join(directory, 'found'))
  await writeFile(path.join(directory, 'found/__init__.py'), 'from . import inner\nvalue = inner.value\n')
  await writeFile(path.join(directory, 'found/inner.py'), 'value = 6 * 7\n')
})
afterAll(async () => await rm(directory, { recursive: true }))

describe.each(levels)('at level %s', (level) => {
  it('are there when they are named, read-only, and only then', async () => {
    const sandbox = await startSandbox({ level, libraries: [directory] })
    const rig = await sandbox.open()
    expect((await rig.run('import found\nprint(found.value)')).stdout).toBe('42\n')
    expect((await rig.run('open(found.__file__, "a")')).error?.type).toMatch(/^(OSError|PermissionError)$/)
    expect((await rig.run('open("/etc/passwd")')).error?.type).toMatch(/^(FileNotFound|Permission)Error$/)
    await sandbox.close()
    const without = await startSandbox({ level })
    expect((await (await without.open()).run('import found')).error?.type).toBe('ModuleNotFoundError')
    await without.close()
  })

  it('may be compiled ones that bring shared libraries', async (context) => {
    const target = path.join(directory, 'numpy')
    const install = ['-m', 'pip', 'install', '--quiet', '--target', target, '--only-binary', ':all:', 'numpy']
    try {
      await promisify(execFile)('/usr/bin/python3', install, { timeout: 50_000 })
    } catch {
      context.skip('pip cannot install numpy here')
    }
    const sandbox = await startSandbox({ level, libraries: [target] })
    const rig = await sandbox.open({ limits: { memoryBytes: 2 << 30 } })
    const code = 'import numpy as np\nprint(int((np.arange(1000).reshape(10, 100) @ np.ones(100)).sum()))'
    expect(await rig.run(code)).toMatchObject({ stdout: '499500\n', error: null })
    await sandbox.close()
  })
})

it('are refused in one line when they cannot be used', async () => {
  const level = levels[0]
  await expect(openSandbox({ level, libraries: ['no_such_package'] })).rejects.toThrow(
    /^these libraries cannot be used by .*: no_such_package cannot be imported/,
  )
  await expect(openSandbox({ level, libraries: ['/nonexistent'] })).rejects.toThrow(/is not a directory/)
  await expect(openSandbox({ level, libraries: ['../up'] })).rejects.toThrow(/^not a library/)
  if (!isRoot()) return
  const hidden = await mkdtemp(path.join(tmpdir(), 'descent-hidden-'))
  await expect(openSandbox({ level, libraries: [hidden] })).rejects.toThrow(/^cells cannot read /)
  await rm(hidden, { recursive: true })
})
