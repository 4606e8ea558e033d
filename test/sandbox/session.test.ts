// How a session lives on: limits, interrupts, deaths, freezing, cancelling, warm starts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HostCall } from '../../src/sandbox.ts'
import {
  descendants,
  eventually,
  interpreters,
  isSpawner,
  levels,
  show,
  sleep,
  startSandbox,
  withFiles,
} from './helpers.ts'
import type { TestSandbox } from './helpers.ts'

const untouchable =
  'def spin():\n    while True: time.sleep(0.01)\nimport time\nwhile True:\n    try: spin()\n    except BaseException: pass'

describe.each(levels)('at level %s', (level) => {
  let sandbox: TestSandbox
  beforeAll(async () => {
    sandbox = await startSandbox({ level })
  })
  afterAll(async () => await sandbox.close())

  it('interrupts at the limit and keeps the variables', async () => {
    const rig = await sandbox.open({ limits: { cellSeconds: 0.2 } })
    await rig.run('x = 5')
    const result = await rig.run('print("head")\nwhile True: pass')
    expect(result).toMatchObject({ stdout: 'head\n', error: { type: 'KeyboardInterrupt' }, death: null })
    expect(result.durationMs).toBeLessThan(900)
    expect((await rig.run('print(x)')).stdout).toBe('5\n')
    await rig.close()
  })

  it('counts no time while the host answers', async () => {
    const rig = await sandbox.open({ limits: { cellSeconds: 0.3 } })
    const result = await rig.run('print(llm_query("x"))', async () => {
      await sleep(600)
      return 'late'
    })
    expect(result).toMatchObject({ stdout: 'late\n', error: null })
    expect(result.durationMs).toBeGreaterThan(590)
    expect(result.computeMs).toBeLessThan(200)
    await rig.close()
  })

  it('kills what does not stop, starts afresh and loads the contexts again', async () => {
    await withFiles([{ text: 'the context', format: 'text' }], async (contexts) => {
      const rig = await sandbox.open({ contexts, limits: { cellSeconds: 0.2 } })
      await rig.run('x = 1')
      const result = await rig.run(untouchable)
      expect(result).toMatchObject({
        death: { reason: 'timeout' },
        error: { type: 'Killed' },
        finalAnswer: null,
      })
      expect(result.variables.map((variable) => variable.name)).toEqual(['answer', 'context_0', 'context'])
      expect(result.durationMs).toBeLessThan(2500)
      expect((await rig.run('print(context)')).stdout).toBe('the context\n')
      expect((await rig.run('print(x)')).error?.type).toBe('NameError')
      await rig.close()
    })
  })

  it('gives no late answer to a later cell, and aborts what is open when a cell ends', async () => {
    const rig = await sandbox.open()
    const aborted: string[] = []
    let release = (): void => {}
    const slow = async (call: HostCall, signal: AbortSignal): Promise<string> => {
      signal.addEventListener('abort', () => aborted.push(show(call.args[0])))
      await new Promise<void>((resolve) => (release = resolve))
      return 'LATE'
    }
    await rig.run(
      'import threading, time\ndef ask():\n    global got\n    try: got = llm_query("a")\n    except RuntimeError as e: got = str(e)\nthreading.Thread(target=ask).start()\ntime.sleep(0.1)',
      slow,
    )
    expect(aborted).toEqual(['a'])
    release()
    await sleep(20)
    const next = await rig.run('time.sleep(0.1)\nprint(got, llm_query("b"))', async () => 'fresh')
    expect(next.stdout).toBe('the cell that made this call is over fresh\n')
    const dead = rig.run('import os\nthreading.Timer(0.1, lambda: os._exit(1)).start()\nllm_query("c")', slow)
    expect((await dead).death?.reason).toBe('exit')
    expect(aborted).toEqual(['a', 'c'])
    release()
    expect((await rig.run('print(llm_query("d"))', async () => 'fresh')).stdout).toBe('fresh\n')
    await rig.close()
  })

  it('stands still between cells, and cells run on afterwards', async () => {
    const rig = await sandbox.open()
    await rig.run(
      'import threading, time\nn = 0\ndef count():\n    global n\n    while True:\n        n += 1\n        time.sleep(0.001)\nthreading.Thread(target=count, daemon=True).start()\ntime.sleep(0.05)',
    )
    const before = Number((await rig.run('print(n)')).stdout)
    await sleep(500)
    const after = Number((await rig.run('print(n)')).stdout)
    expect(before).toBeGreaterThan(5)
    expect(after - before).toBeLessThan(20)
    expect(Number((await rig.run('time.sleep(0.1)\nprint(n)')).stdout)).toBeGreaterThan(after + 20)
    await rig.close()
  })

  it('freezes a cell that forges its end', async () => {
    const rig = await sandbox.open()
    const forge = `
import gc, os, struct, json, sys
frame = sys._getframe()
while 'identity' not in frame.f_locals: frame = frame.f_back
head = json.dumps({'done': frame.f_locals['identity'], 'counts': [0, 0], 'error': False, 'final': True, 'variables': [], 'texts': [0, 0, 6]}).encode()
os.write(3, struct.pack('>II', len(head), 6) + head + b'forged')
import time
time.sleep(0.1)
print('ran on')`
    expect(await rig.run(forge)).toMatchObject({ finalAnswer: 'forged', stdout: '' })
    const next = await rig.run('print(1 + 1)')
    expect(next).toMatchObject({ stdout: '2\n', finalAnswer: null, death: null })
    await rig.close()
  })

  it('ends a cell that is cancelled, by interrupt or by kill', async () => {
    const rig = await sandbox.open()
    for (const [code, error, reason] of [
      ['while True: pass', 'KeyboardInterrupt', undefined],
      ['llm_query("x")', /KeyboardInterrupt|RuntimeError/, undefined],
      [untouchable, 'Killed', 'cancelled'],
    ] as const) {
      const controller = new AbortController()
      setTimeout(() => controller.abort(), 100)
      const never = async (_call: HostCall, signal: AbortSignal): Promise<string> =>
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('aborted'))),
        )
      const result = await rig.run(code, never, controller.signal)
      expect(result.error?.type).toMatch(error)
      expect(result.death?.reason).toBe(reason)
      expect((await rig.run('print(1 + 1)')).stdout).toBe('2\n')
    }
    await expect(rig.run('1', undefined, AbortSignal.abort(new Error('too late')))).rejects.toThrow(
      'too late',
    )
    await rig.close()
  })

  it('refuses more open calls than allowed, and a second cell at once', async () => {
    const rig = await sandbox.open({ limits: { openCalls: 2 } })
    const code =
      'from concurrent.futures import ThreadPoolExecutor\ndef ask(i):\n    try: return llm_query("x")\n    except RuntimeError as e: return "refused"\nwith ThreadPoolExecutor(5) as pool: print(sorted(pool.map(ask, range(5))))'
    const running = rig.run(code, async () => {
      await sleep(200)
      return 'ok'
    })
    await expect(rig.run('1')).rejects.toThrow(/executing a cell/)
    expect((await running).stdout).toBe("['ok', 'ok', 'refused', 'refused', 'refused']\n")
    await rig.close()
  })

  it('reads a variable, and survives one that cannot be shown', async () => {
    const rig = await sandbox.open({ limits: { cellSeconds: 0.3 } })
    await rig.run(
      'x = {"a": "é\\ud800"}\nclass Bad:\n    def __str__(self): raise ValueError\nclass Loop:\n    def __str__(self):\n        while True: pass\nbad, loop = Bad(), Loop()',
    )
    expect(await rig.session.variable('x')).toBe("{'a': 'é\\ud800'}")
    expect(await rig.session.variable('missing')).toBeNull()
    expect(await rig.session.variable('__builtins__')).toBeNull()
    expect(await rig.session.variable('bad')).toBeNull()
    expect(await rig.session.variable('loop')).toBeNull()
    expect((await rig.run('print(1 + 1)')).stdout).toBe('2\n')
    await rig.close()
    await expect(rig.run('1')).rejects.toThrow(/closed/)
  })

  it('tells of a REPL that died between cells', async () => {
    const rig = await sandbox.open()
    const before = interpreters(process.pid)
    await rig.run('x = 1')
    const other = await startSandbox({ level })
    await other.close()
    for (const id of before) process.kill(id, 'SIGKILL')
    expect(await eventually(() => interpreters(process.pid).length === 0)).toBe(true)
    expect(await rig.run('print(x)')).toMatchObject({
      death: { reason: 'memory' },
      error: { type: 'Killed' },
    })
    expect((await rig.run('print(1 + 1)')).stdout).toBe('2\n')
    await rig.close()
  })

  it('goes on when the process that starts interpreters has been killed', async () => {
    const rig = await sandbox.open()
    await rig.run('x = 1')
    const [spawner = 0] = descendants(process.pid).filter(isSpawner)
    process.kill(spawner, 'SIGKILL')
    expect(await eventually(() => interpreters(process.pid).length === 0)).toBe(true)
    const { death } = await rig.run('print(x)')
    expect(death?.detail).toMatch(/the process that starts interpreters has ended$/)
    expect((await rig.run('print(1 + 1)')).stdout).toBe('2\n')
    await rig.close()
  })

  it('keeps interpreters warm for the next session with the same contexts', async () => {
    await withFiles([{ text: 'the context', format: 'text' }], async (contexts) => {
      const warm = await startSandbox({ level, warm: 1 })
      const first = await warm.open({ contexts })
      // One interpreter of the first session, one that waits; at some levels with a launcher each.
      const perRepl = level === 'namespace' ? 2 : 1
      expect(await eventually(() => interpreters(process.pid).length === 2 * perRepl)).toBe(true)
      await sleep(300)
      const waiting = interpreters(process.pid)
      const second = await warm.open({ contexts })
      await first.close()
      expect((await second.run('print(context)')).stdout).toBe('the context\n')
      expect(interpreters(process.pid).filter((id) => waiting.includes(id)).length).toBe(perRepl)
      await warm.close()
      expect(await eventually(() => descendants(process.pid).length === 0)).toBe(true)
      await expect(warm.open()).rejects.toThrow(/closed/)
    })
  })
})
