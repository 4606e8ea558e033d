// A level that is one file of one's own, over nothing but a stream of bytes: fixtures/vendor.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPython } from '../../collectors/sandbox/python.ts'
import { startMachines } from './fixtures/machines.ts'
import type { Machines } from './fixtures/machines.ts'
import { vendor } from './fixtures/vendor.ts'
import { eventually, levels, sleep, startSandbox, withFiles } from './helpers.ts'
import type { TestSandbox } from './helpers.ts'
import { testReferenceCells } from './reference-cells.ts'

describe.runIf(levels.length > 0)('at a level of one’s own', () => {
  let machines: Machines
  let sandbox: TestSandbox
  beforeAll(async () => {
    machines = await startMachines((await findPython()).executable)
    sandbox = await startSandbox({ remote: vendor(machines.port) })
  })
  afterAll(async () => {
    await sandbox.close()
    await machines.close()
  })

  it('is called remote, and refused with its own reason', async () => {
    expect(sandbox.sandbox.isolation).toBe('remote')
    await expect(startSandbox({ remote: vendor(0) })).rejects.toThrow('no port is given')
    await expect(startSandbox({ remote: vendor(1) })).rejects.toThrow(/no machine could be rented/)
  })

  it('serves threads that call the host at once', async () => {
    const rig = await sandbox.open()
    const code =
      'from concurrent.futures import ThreadPoolExecutor as T\nwith T(8) as p: print(len(list(p.map(llm_query, "abcdefgh"))))'
    const start = performance.now()
    const result = await rig.run(code, async () => {
      await sleep(200)
      return 'x'
    })
    expect(result.stdout).toBe('8\n')
    expect(performance.now() - start).toBeLessThan(1200)
    await rig.close()
  })

  it('interrupts, kills and replaces, with the contexts loaded', async () => {
    await withFiles([{ text: 'the context', format: 'text' }], async (contexts) => {
      const rig = await sandbox.open({ contexts, limits: { cellSeconds: 0.3 } })
      expect((await rig.run('x = 1\nwhile True: pass')).error?.type).toBe('KeyboardInterrupt')
      expect((await rig.run('print(x, context)')).stdout).toBe('1 the context\n')
      const killed = await rig.run('print("seen")\nsum(range(10**13))')
      expect(killed).toMatchObject({ death: { reason: 'timeout' }, stdout: 'seen\n' })
      expect((await rig.run('print(context)')).stdout).toBe('the context\n')
      expect((await rig.run('import os\nos._exit(3)')).death?.detail).toBe('the machine is gone')
      expect((await rig.run('a = bytearray(2 << 30)')).limits).toEqual(['memory'])
      await rig.close()
    })
  })

  it('gives its machines back', async () => {
    await sandbox.close()
    expect(await eventually(() => machines.running() === 0)).toBe(true)
    sandbox = await startSandbox({ remote: vendor(machines.port) })
  })

  testReferenceCells(() => sandbox)
})
