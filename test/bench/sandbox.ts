// What isolation costs: the sandbox beside a bare python3 that speaks the same frames, and beside the
// reference's own REPLs where its package is given. All in one run, in turns, so that ratios hold.
//
//   node test/bench/sandbox.ts [--rounds 5 --reference PYTHON]
// PYTHON: an interpreter with `rlms` (and ipykernel, for its subprocess worker) installed.
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { openSandbox, probeSandbox } from '../../collectors/sandbox/index.ts'
import { findPython } from '../../collectors/sandbox/python.ts'
import type { ContextFile } from '../../src/sandbox.ts'
import { limits, setup } from '../sandbox/helpers.ts'
import { temporaryDirectory } from '../support/directory.ts'
import { startBarePython } from './bare-python.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, reference: { type: 'string' } },
})
const rounds = Number(values.rounds)
const starts = 10
const cells = 10_000
const calls = 10_000
const contextBytes = 100_000_000

interface Figures {
  startMs: number
  cellsPerSecond: number
  callsPerSecond: number
  contextMs: number
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

async function measureSandbox(
  level: 'namespace' | 'landlock' | 'none',
  context: ContextFile,
): Promise<Figures> {
  const sandbox = await openSandbox({ level })
  const options = { contexts: [], setup, limits: { ...limits, callsPerCell: calls } }
  const onCall = async (): Promise<string> => 'world'
  let startMs = 0
  for (let index = 0; index < starts; index += 1) {
    let close = async (): Promise<void> => {}
    startMs += await milliseconds(async () => {
      const session = await sandbox.open(options)
      await session.execute('x = 1', { onCall })
      close = async () => await session.close()
    })
    await close()
  }
  const session = await sandbox.open(options)
  const cellMs = await milliseconds(async () => {
    for (let index = 0; index < cells; index += 1) await session.execute('x = 1', { onCall })
  })
  const callMs = await milliseconds(async () => {
    const result = await session.execute(`for i in range(${calls}): llm_query("hello")`, { onCall })
    if (result.error) throw new Error(result.error.message)
  })
  await session.close()
  const contextMs = await milliseconds(async () => {
    const big = await sandbox.open({ ...options, contexts: [context] })
    const { stdout } = await big.execute('print(len(context))', { onCall })
    if (stdout !== `${contextBytes}\n`) throw new Error(`the context has ${stdout}`)
  })
  await sandbox.close()
  return rates(startMs, cellMs, callMs, contextMs)
}

async function measureBare(python: string, context: ContextFile): Promise<Figures> {
  let startMs = 0
  for (let index = 0; index < starts; index += 1) {
    let close = (): void => {}
    startMs += await milliseconds(async () => {
      const started = await startBarePython(python)
      await started.execute('x = 1')
      close = () => started.close()
    })
    close()
  }
  const bare = await startBarePython(python)
  const cellMs = await milliseconds(async () => {
    for (let index = 0; index < cells; index += 1) await bare.execute('x = 1')
  })
  const callMs = await milliseconds(
    async () => await bare.execute(`for i in range(${calls}): llm_query("hello")`),
  )
  bare.close()
  let big = bare
  const contextMs = await milliseconds(async () => {
    big = await startBarePython(python)
    await big.load(context.path)
    await big.execute('print(len(context))')
  })
  big.close()
  return rates(startMs, cellMs, callMs, contextMs)
}

function rates(startMs: number, cellMs: number, callMs: number, contextMs: number): Figures {
  return {
    startMs: startMs / starts,
    cellsPerSecond: (cells / cellMs) * 1000,
    callsPerSecond: (calls / callMs) * 1000,
    contextMs,
  }
}

async function measureReference(python: string, kind: string, context: ContextFile): Promise<Figures> {
  const script = fileURLToPath(new URL('reference_repl.py', import.meta.url))
  const { stdout } = await promisify(execFile)(python, [script, kind, context.path])
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Figures
}

function median(all: readonly number[]): number {
  return all.toSorted((one, other) => one - other)[all.length >> 1] ?? Number.NaN
}

const directory = await temporaryDirectory('bench-sandbox')
try {
  const file = path.join(directory, 'context')
  await writeFile(file, 'some words of a long context\n'.repeat(contextBytes / 29 + 1).slice(0, contextBytes))
  const context: ContextFile = { path: file, format: 'text', bytes: contextBytes }
  const { executable } = await findPython()
  const proved = (await probeSandbox()).filter((probe) => probe.ok).map((probe) => probe.level)
  const contestants = new Map<string, () => Promise<Figures>>()
  contestants.set('bare python3', async () => await measureBare(executable, context))
  for (const level of ['namespace', 'landlock', 'none'] as const) {
    if (proved.includes(level)) contestants.set(level, async () => await measureSandbox(level, context))
  }
  const { reference } = values
  if (reference !== undefined) {
    for (const kind of ['local', 'subprocess']) {
      contestants.set(`rlms ${kind}`, async () => await measureReference(reference, kind, context))
    }
  }
  const seen = new Map<string, Figures[]>()
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, measure] of contestants) {
      try {
        seen.set(name, [...(seen.get(name) ?? []), await measure()])
      } catch (error) {
        console.log(
          `${name}: ${error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)}`,
        )
        contestants.delete(name)
      }
    }
  }
  const bare = seen.get('bare python3') ?? []
  console.log(
    `${os.cpus().length} cores, Node ${process.version}, ${executable}; medians of ${rounds} rounds`,
  )
  console.log('beside bare python3 (x): the median of the ratios within a round\n')
  for (const [name, figures] of seen) {
    const cell = (key: keyof Figures, unit: string): string => {
      const ratio = median(figures.map((one, round) => one[key] / (bare[round]?.[key] ?? Number.NaN)))
      return `${median(figures.map((one) => one[key])).toFixed(unit === 'ms' ? 1 : 0)} ${unit} (${ratio.toFixed(2)}x)`
    }
    console.log(
      [
        name.padEnd(16),
        `start ${cell('startMs', 'ms')}`,
        `cells ${cell('cellsPerSecond', '/s')}`,
        `host calls ${cell('callsPerSecond', '/s')}`,
        `100 MB context ${cell('contextMs', 'ms')}`,
      ].join('  '),
    )
  }
} finally {
  await rm(directory, { recursive: true, force: true })
}
