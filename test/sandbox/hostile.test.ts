// Every hostile cell, at every level: exactly the expected outcome, then `1 + 1` in the same session,
// and in the end no process.
import { beforeAll, describe, expect, it } from 'vitest'
import { descendants, eventually, levels, startSandbox } from './helpers.ts'
import type { TestSandbox } from './helpers.ts'
import { hostileCells } from './hostile-cells.ts'
import { differences } from './outcome.ts'

describe.each(levels)('at level %s', (level) => {
  let sandbox: TestSandbox
  beforeAll(async () => {
    sandbox = await startSandbox({ level })
  })

  describe.concurrent('a cell that', () => {
    it.each(hostileCells)('$name', async (hostile) => {
      const rig = await sandbox.open({ limits: hostile.limits })
      const result = await rig.run(hostile.code)
      expect(differences(hostile, result)).toEqual([])
      const next = await rig.run('print(1 + 1)')
      expect({ ...next, error: next.error?.message ?? null }).toMatchObject({
        stdout: '2\n',
        error: null,
        death: null,
      })
      await rig.close()
    })
  })

  it('keeps the host responsive under a flood', async () => {
    const rig = await sandbox.open({ limits: { callsPerCell: 10 ** 9, cellSeconds: 0.5 } })
    let worst = 0
    let last = performance.now()
    const timer = setInterval(() => {
      worst = Math.max(worst, performance.now() - last)
      last = performance.now()
    }, 10)
    await rig.run("while True: print('x' * 10**5); llm_query('x' * 10**5)")
    clearInterval(timer)
    expect(worst).toBeLessThan(250)
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
