// Real sandboxes at every level that works on this machine, and a look at the processes they leave.
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openSandbox, probeSandbox } from '../../collectors/sandbox/index.ts'
import type { SandboxOptions } from '../../collectors/sandbox/index.ts'
import type { Json } from '../../src/json.ts'
import type {
  CellResult,
  ContextFile,
  HostFunction,
  Isolation,
  ReplSetup,
  SandboxLimits,
  SandboxSession,
} from '../../src/sandbox.ts'

/** The isolating levels that work here on a Python of this machine; the suite fails when there is none. */
export const levels = await workingOf('namespace', 'landlock')

/** Of these levels, those that work here. */
export async function workingOf(...only: Isolation[]): Promise<Isolation[]> {
  return (await probeSandbox({ only })).filter((probe) => probe.ok).map((probe) => probe.level)
}

export const noBuiltins = ['eval', 'exec', 'compile', 'input', 'globals', 'locals']

export const setup: ReplSetup = {
  functions: ['llm_query', 'llm_query_batched', 'rlm_query', 'rlm_query_batched'],
  answer: 'dict',
  showVars: true,
  withoutBuiltins: [],
  strict: false,
}

export const limits: SandboxLimits = {
  cellSeconds: 20,
  memoryBytes: 1 << 30,
  outputCharacters: 100_000,
  openCalls: 64,
  callsPerCell: 1000,
}

export interface Rig {
  session: SandboxSession
  run: (code: string, onCall?: HostFunction, signal?: AbortSignal) => Promise<CellResult>
  close(): Promise<void>
}

export interface RigOptions {
  setup?: Partial<ReplSetup>
  limits?: Partial<SandboxLimits>
  contexts?: ContextFile[]
  onCall?: HostFunction
}

export const echo: HostFunction = async ({ args: [prompt] }) =>
  Array.isArray(prompt) ? prompt.map((one) => `echo ${show(one)}`) : `echo ${show(prompt)}`

/** A prompt as text: itself, or the JSON of what is no text. */
export function show(prompt: Json | undefined): string {
  return typeof prompt === 'string' ? prompt : JSON.stringify(prompt)
}

export type TestSandbox = Awaited<ReturnType<typeof startSandbox>>

export async function startSandbox(options: SandboxOptions) {
  const sandbox = await openSandbox(options)
  return {
    sandbox,
    async open(rig: RigOptions = {}): Promise<Rig> {
      const session = await sandbox.open({
        contexts: rig.contexts ?? [],
        setup: { ...setup, ...rig.setup },
        limits: { ...limits, ...rig.limits },
      })
      return {
        session,
        run: async (code, onCall = rig.onCall ?? echo, signal) =>
          await session.execute(code, { onCall, signal }),
        close: async () => await session.close(),
      }
    },
    close: async () => await sandbox.close(),
  }
}

/** Files that last as long as `use` runs. */
export async function withFiles<T>(
  contents: readonly { text: string; format: ContextFile['format'] }[],
  use: (files: ContextFile[]) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'descent-context-'))
  try {
    const files: ContextFile[] = []
    for (const [index, { text, format }] of contents.entries()) {
      const file = path.join(directory, `${index}`)
      await writeFile(file, text)
      files.push({ path: file, format, bytes: Buffer.byteLength(text) })
    }
    return await use(files)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** The stderr of the reference, which shows an exception as its last line. */
export function referenceStderr(result: CellResult): string {
  return result.error ? `${result.stderr}\n${result.error.type}: ${result.error.message}` : result.stderr
}

function parents(): Map<number, number> {
  const found = new Map<number, number>()
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [state, parent] =
        readFileSync(`/proc/${entry}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
      if (state !== 'Z') found.set(Number(entry), Number(parent))
    } catch {
      // It has just ended.
    }
  }
  return found
}

/** Process ids below `root`, zombies left out. */
export function descendants(root: number): number[] {
  const all = parents()
  const found = [root]
  for (const at of found) for (const [child, parent] of all) if (parent === at) found.push(child)
  return found.slice(1)
}

/** The process ids below `root` without the process that starts interpreters. */
export function interpreters(root: number): number[] {
  return descendants(root).filter((id) => !isSpawner(id))
}

export function isSpawner(processId: number): boolean {
  try {
    return readFileSync(`/proc/${processId}/cmdline`, 'latin1').includes('spawner.py')
  } catch {
    return false
  }
}

export function isAlive(processId: number): boolean {
  return parents().has(processId)
}

export async function sleep(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Waits until `condition` holds; false when it does not within `milliseconds`. */
export async function eventually(condition: () => boolean, milliseconds = 3000): Promise<boolean> {
  const end = performance.now() + milliseconds
  while (performance.now() < end) {
    if (condition()) return true
    await sleep(20)
  }
  return condition()
}
