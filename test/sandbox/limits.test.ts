// Each limit: that it holds, under which name it is recorded, and that the session goes on. What a cell
// printed before it was killed is part of its result.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HostFunction } from '../../src/sandbox.ts'
import { levels, sleep, startSandbox } from './helpers.ts'
import type { Rig, RigOptions, TestSandbox } from './helpers.ts'

const deaf =
  'import time\ndef spin():\n    while True: time.sleep(0.01)\nwhile True:\n    try: spin()\n    except BaseException: pass'

describe.each(levels)('at level %s', (level) => {
  let sandbox: TestSandbox
  beforeAll(async () => {
    sandbox = await startSandbox({ level })
  })
  afterAll(async () => await sandbox.close())

  async function using(options: RigOptions, use: (rig: Rig) => Promise<void>): Promise<void> {
    const rig = await sandbox.open(options)
    await use(rig)
    expect((await rig.run('print(1 + 1)')).stdout).toBe('2\n')
    await rig.close()
  }

  it('names none for a cell that keeps within all', async () => {
    await using({}, async ({ run }) => {
      expect((await run('print(llm_query("a"))')).limits).toEqual([])
      expect((await run('raise ValueError')).limits).toEqual([])
    })
  })

  it('compute_time, by interrupt', async () => {
    await using({ limits: { cellSeconds: 0.2 } }, async ({ run }) => {
      const { error, limits, death } = await run('while True: pass')
      expect({ limits, death }).toEqual({ limits: ['compute_time'], death: null })
      const message = 'stopped by the host: a cell may compute for 0.2 s'
      expect(error).toMatchObject({ type: 'KeyboardInterrupt', message })
      expect(error?.traceback).toContain(`KeyboardInterrupt: ${message}\n`)
    })
  })

  it('compute_time and wall_time, each cell from its own start', async () => {
    for (const limit of ['cellSeconds', 'wallSeconds'] as const) {
      await using({ limits: { [limit]: 0.4 } }, async ({ run }) => {
        expect((await run('x = 1')).limits).toEqual([])
        await sleep(300)
        const { durationMs, error } = await run('while True: pass')
        expect(error?.type).toBe('KeyboardInterrupt')
        expect(durationMs).toBeGreaterThan(399)
      })
    }
  })

  it('compute_time, by kill', async () => {
    await using({ limits: { cellSeconds: 0.2 } }, async ({ run }) => {
      const { death, limits } = await run(deaf)
      const detail = 'a cell may compute for 0.2 s, and this one did not end when interrupted'
      expect({ death, limits }).toEqual({ death: { reason: 'timeout', detail }, limits: ['compute_time'] })
    })
  })

  it('compute_time, also of what computes behind a call that is open', async () => {
    await using({ limits: { cellSeconds: 0.5 } }, async ({ run }) => {
      const code = `
import threading
def spin():
    while True: pass
threading.Thread(target=spin, daemon=True).start()
llm_query("x")`
      const { limits, durationMs, error } = await run(code, async (_call, signal) => await forever(signal))
      expect(limits).toEqual(['compute_time'])
      expect(error?.type).toMatch(/^(KeyboardInterrupt|RuntimeError)$/)
      expect(durationMs).toBeLessThan(20_000)
    })
  })

  it('wall_time, the answers of the host included', async () => {
    await using({ limits: { wallSeconds: 0.3 } }, async ({ run }) => {
      const slow: HostFunction = async () => {
        await sleep(100)
        return 'x'
      }
      const { error, limits, durationMs } = await run('while True: llm_query("a")', slow)
      expect(limits).toEqual(['wall_time'])
      expect(error?.message).toMatch(/^(stopped by the host: a cell may take 0.3 s in all|the cell is being)/)
      expect(durationMs).toBeLessThan(1000)
      const killed = await run(deaf)
      expect(killed).toMatchObject({ death: { reason: 'wall_time' }, limits: ['wall_time'] })
    })
  })

  it('memory', async () => {
    await using({ limits: { memoryBytes: 200 << 20 } }, async ({ run }) => {
      const { error, limits } = await run('a = bytearray(300 << 20)')
      expect(error?.type).toBe('MemoryError')
      expect(limits).toEqual(['memory'])
      expect((await run('a = bytearray(100 << 20)')).error).toBeNull()
    })
  })

  it('output, kept and counted', async () => {
    await using({ limits: { outputCharacters: 5 } }, async ({ run }) => {
      const result = await run('print("abcdefg")')
      expect(result).toMatchObject({ stdout: 'abcde', stdoutCharacters: 8, limits: ['output'], error: null })
      expect((await run('print("abcd")')).limits).toEqual([])
    })
  })

  it('open_files', async () => {
    await using({}, async ({ run }) => {
      const { error, limits } = await run('import os\nwhile True: os.pipe()')
      expect(error?.type).toBe('OSError')
      expect(limits).toEqual(['open_files'])
      expect((await run('print(len(llm_query("x")))')).stdout).toBe('6\n')
    })
  })

  it('threads, also when the cell takes no notice', async () => {
    await using({}, async ({ run }) => {
      const code = `
import threading, time
n = 0
try:
    while True:
        threading.Thread(target=time.sleep, args=(0.3,), daemon=True).start()
        n += 1
except RuntimeError: pass
print(n)`
      expect(await run(code)).toMatchObject({ stdout: '128\n', error: null, limits: ['threads'] })
      expect((await run('time.sleep(0.5)')).limits).toEqual([])
    })
  })

  it('calls_open', async () => {
    await using({ limits: { openCalls: 2 } }, async ({ run }) => {
      const code =
        'from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(3) as pool: list(pool.map(llm_query, "abc"))'
      const { error, limits } = await run(code, async () => {
        await sleep(200)
        return 'x'
      })
      expect(error?.message).toBe('too many calls at once: a cell may have 2 open')
      expect(limits).toEqual(['calls_open'])
    })
  })

  it('calls_cell, and calls_session over all cells', async () => {
    await using({ limits: { callsPerCell: 3, callsPerSession: 5 } }, async ({ run }) => {
      const ask = (times: number): string => `for i in range(${times}): llm_query("x")`
      expect(await run(ask(4))).toMatchObject({
        error: { message: 'too many calls: a cell may make 3' },
        limits: ['calls_cell'],
      })
      expect(await run(ask(2))).toMatchObject({ error: null, limits: [] })
      expect(await run(ask(1))).toMatchObject({
        error: { message: 'too many calls: a session may make 5' },
        limits: ['calls_session'],
      })
      await run('import os\nos._exit(0)')
      expect((await run(ask(1))).limits).toEqual(['calls_session'])
    })
  })

  it('frame_size', async () => {
    await using({}, async ({ run }) => {
      const { error, limits } = await run('llm_query("x" * ((64 << 20) + 1))')
      expect(error).toMatchObject({ type: 'ValueError' })
      expect(error?.message).toMatch(/^too much for one message to the host: .* at most 67,108,864$/)
      expect(limits).toEqual(['frame_size'])
    })
  })

  it('keeps what a cell printed before it was killed, or died', async () => {
    await using({ limits: { cellSeconds: 0.2, outputCharacters: 1000 } }, async ({ run }) => {
      await run('print("the cell before")')
      const odd = '"é\\ud800\\U0001f600"'
      const killed = await run(`import sys\nprint(${odd})\nprint("err", file=sys.stderr)\nsum(range(10**13))`)
      expect(killed).toMatchObject({
        stdout: 'é\ufffd\ufffd\ufffd\u{1f600}\n',
        stdoutCharacters: 4,
        stderr: 'err\n',
        stderrCharacters: 4,
        death: { reason: 'timeout' },
      })
      const died = await run('for i in range(10000): print("y" * 9)\nimport os\nos._exit(1)')
      expect(died.stdout).toBe('yyyyyyyyy\n'.repeat(100))
      expect(died).toMatchObject({ stdoutCharacters: 100_000, limits: ['output'], death: { reason: 'exit' } })
      expect(await run('import os\nos._exit(1)')).toMatchObject({ stdout: '', stdoutCharacters: 0 })
    })
  })

  it('takes a forged copy of the output for what it is: bounded text', async () => {
    await using({}, async ({ run }) => {
      const forge = `
import ctypes, gc, os
for thing in gc.get_objects():
    if type(thing).__name__ == 'Snapshot':
        ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(thing.view)), 255, len(thing.view))
os._exit(1)`
      const { stdout, stdoutCharacters } = await run(forge)
      expect(stdout.length).toBeLessThanOrEqual(1 << 20)
      expect(Number.isSafeInteger(stdoutCharacters)).toBe(true)
    })
  })
})

async function forever(signal: AbortSignal): Promise<string> {
  return await new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(new Error('aborted'))),
  )
}
