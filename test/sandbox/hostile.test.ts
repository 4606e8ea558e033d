// Every hostile cell, at every level: exactly the expected outcome; then the session answers `1 + 1` or
// has been replaced; the host stays responsive and small; nobody has connected to it; a secret of the
// host was not read; in the end no process is left.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { descendants, eventually, levels, startSandbox, workingOf } from './helpers.ts'
import type { TestSandbox } from './helpers.ts'
import { hostileCells, isolationCells } from './hostile-cells.ts'
import { aimed, cellAt, differences } from './outcome.ts'

const secret = 'a-secret-of-the-host-73915'
const mostLagMs = 500
const mostGrowthMb = 500

// Sessions of these take a second of processor time to start: `npm run test:levels` has them all.
const others = process.env['DESCENT_ALL_LEVELS'] ? await workingOf('gvisor', 'wasm') : []

describe.each([...levels, ...others])('at level %s', (level) => {
  const cells = level === 'wasm' ? isolationCells : hostileCells
  let sandbox: TestSandbox
  let directory: string
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  const target = { file: '', port: 0 }
  /** The longest times in which the event loop did not turn, and the most memory. */
  const lags: number[] = []
  let most = 0
  let timer: NodeJS.Timeout
  const atStart = process.memoryUsage().rss

  beforeAll(async () => {
    process.env.TARGET_NAME = secret
    directory = await mkdtemp(path.join(tmpdir(), 'descent-secret-'))
    target.file = path.join(directory, 'secret')
    await writeFile(target.file, `${secret}\n${secret}\n`, { mode: 0o644 })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    target.port = (server.address() as AddressInfo).port
    sandbox = await startSandbox({ level })
    let last = performance.now()
    timer = setInterval(() => {
      lags.push(performance.now() - last - 10)
      last = performance.now()
      most = Math.max(most, process.memoryUsage().rss - atStart)
    }, 10)
  })
  afterAll(async () => {
    clearInterval(timer)
    delete process.env.TARGET_NAME
    server.close()
    await sandbox.close()
    await rm(directory, { recursive: true })
  })

  describe.concurrent('a cell that', () => {
    it.each(cells)('$name', async (hostile) => {
      const rig = await sandbox.open({ limits: hostile.limits })
      const result = await rig.run(aimed(hostile.code, target.file, target.port, level))
      expect(differences(cellAt(hostile, level), result, level)).toEqual([])
      expect(JSON.stringify(result)).not.toContain(secret)
      let next = await rig.run('print(1 + 1)')
      // What the cell left behind may be the end of the interpreter; then this is another one.
      if (next.death !== null) next = await rig.run('print(1 + 1)')
      expect({ ...next, error: next.error?.message ?? null }).toMatchObject({
        stdout: '2\n',
        error: null,
        death: null,
      })
      await rig.close()
    })
  })

  it('could not have read the secret, which is there for others', () => {
    expect(readFileSync(target.file, 'utf8')).toContain(secret)
    expect(process.env.TARGET_NAME).toBe(secret)
  })

  it('has not connected to a port of the host', () => {
    expect(server.listening).toBe(true)
    expect(connections).toBe(0)
  })

  it('left the host responsive and small', () => {
    const sorted = lags.toSorted((one, other) => one - other)
    expect(lags.length).toBeGreaterThan(50)
    // One in a thousand may be the doing of the rest of the machine.
    expect(sorted[Math.floor(sorted.length * 0.999) - 1]).toBeLessThan(mostLagMs)
    expect(most / 2 ** 20).toBeLessThan(mostGrowthMb)
  })

  it('keeps the host responsive under a flood', async () => {
    const rig = await sandbox.open({ limits: { callsPerCell: 10 ** 9, cellSeconds: 0.5 } })
    lags.length = 0
    await rig.run("while True: print('x' * 10**5); llm_query('x' * 10**5)")
    expect(Math.max(...lags)).toBeLessThan(mostLagMs)
    await rig.close()
  })

  it('leaves no process', async () => {
    await sandbox.open()
    const started = descendants(process.pid)
    expect(started.length).toBeGreaterThan(0)
    await sandbox.close()
    expect(await eventually(() => descendants(process.pid).every((id) => !started.includes(id)))).toBe(true)
  })
})
