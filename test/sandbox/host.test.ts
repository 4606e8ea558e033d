// What a session is to the machine: it dies with its host, works for any user, and is refused with all
// reasons where no level works.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { openSandbox, probeSandbox } from '../../collectors/sandbox/index.ts'
import { findPython } from '../../collectors/sandbox/python.ts'
import { isRoot, nobody, reachableBy } from '../../src/reach.ts'
import {
  descendants,
  eventually,
  interpreters,
  isAlive,
  levels,
  limits,
  setup,
  workingOf,
} from './helpers.ts'

const fixture = fileURLToPath(new URL('fixtures/host.ts', import.meta.url))
const othersCanRun =
  isRoot() && (await reachableBy(fixture, nobody)) && (await reachableBy(process.execPath, nobody))

const others = await workingOf('gvisor', 'wasm')

describe.each([...levels, ...others])('at level %s', (level) => {
  it('leaves nothing behind when the host is killed', async () => {
    const host = spawn(process.execPath, [fixture, level], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(host.stdout, 'data')
    const started = descendants(host.pid ?? 0)
    // One interpreter loops, one is frozen, one waits; and what starts or watches them.
    expect(started.length).toBeGreaterThanOrEqual(4)
    host.kill('SIGKILL')
    expect(await eventually(() => started.every((id) => !isAlive(id)))).toBe(true)
  })
})

describe.each(levels)('at level %s', (level) => {
  it.runIf(othersCanRun)('works for a user who is not root', async () => {
    const options = { uid: nobody, gid: nobody, cwd: '/', env: { PATH: '/usr/bin:/bin' } }
    const { stdout } = await promisify(execFile)(process.execPath, [fixture, level, 'answer'], options)
    expect(stdout).toBe('42\n')
  })

  it.runIf(isRoot())('gives every session of root a uid of its own', async () => {
    const sandbox = await openSandbox({ level })
    const sessions = [
      await sandbox.open({ contexts: [], setup, limits }),
      await sandbox.open({ contexts: [], setup, limits }),
    ]
    const uids: string[] = []
    for (const id of interpreters(process.pid)) {
      const { stdout } = await promisify(execFile)('stat', ['-c', '%u', `/proc/${id}`])
      uids.push(stdout.trim())
    }
    expect(uids.every((uid) => Number(uid) >= 200_000)).toBe(true)
    expect(new Set(uids).size).toBe(sessions.length)
    await sandbox.close()
    await sandbox.close()
  })

  it('is chosen when it is named', async () => {
    const sandbox = await openSandbox({ level, minIsolation: level })
    expect(sandbox.isolation).toBe(level)
    await sandbox.close()
  })
})

describe('the choice of a level', () => {
  it('is the strongest that works', async () => {
    const sandbox = await openSandbox()
    expect(sandbox.isolation).toBe(levels[0])
    await sandbox.close()
  })

  it('reports every level with its reason', async () => {
    const reports = await probeSandbox()
    expect(reports.map((report) => report.level)).toEqual([
      'gvisor',
      'docker',
      'namespace',
      'landlock',
      'wasm',
      'none',
    ])
    for (const report of reports) expect(report.why.length).toBeGreaterThan(10)
  })

  it('runs unconfined only when that is asked for by name', async () => {
    const sandbox = await openSandbox({ level: 'none' })
    const session = await sandbox.open({ contexts: [], setup, limits })
    expect(await session.execute('print(6 * 7)', { onCall: async () => null })).toMatchObject({
      stdout: '42\n',
    })
    await sandbox.close()
    await expect(openSandbox({ level: 'none', minIsolation: 'landlock' })).rejects.toThrow(/weaker/)
  })

  it('refuses in one line that says what was tried and how to mend it', async () => {
    const weaker = openSandbox({ level: 'wasm', minIsolation: 'landlock' })
    await expect(weaker).rejects.toThrow(
      'the sandbox level wasm is weaker than minIsolation, landlock: set minIsolation to wasm where that is enough',
    )
    const python = '/nonexistent/python3'
    await expect(openSandbox({ python })).rejects.toThrow(
      /^cells cannot be run in isolation here\. namespace: .*nonexistent.* landlock: .*nonexistent.* Install bubblewrap/,
    )
    await expect(findPython(python)).rejects.toThrow(
      /^no Python 3\.9 or newer can run cells: .*DESCENT_PYTHON/,
    )
  })
})
