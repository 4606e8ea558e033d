// Level `wasm`: Pyodide, CPython compiled to WebAssembly, in a Node process of its own that may read
// Pyodide's files and nothing else, and that cannot turn text into code. For machines without a Python.
// No threads: only the batched host functions are answered concurrently.
import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { access, open, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SandboxError } from '../../src/errors.ts'
import { packageRoot } from '../../src/package.ts'
import { publicDirectory, reachableBy } from '../../src/reach.ts'
import type { Death } from '../../src/sandbox.ts'
import { keepTail, readDeath } from './death.ts'
import type { Level } from './level.ts'
import type { Transport } from './transport.ts'
import { watchOver } from './watchdog.ts'

const extension = path.extname(fileURLToPath(import.meta.url))
const child = fileURLToPath(new URL(`./wasm-child${extension}`, import.meta.url))
const makeTimeoutMs = 120_000
const mostSnapshotBytes = 256 << 20
const pollMs = 100
/** What Node and Pyodide take before the first cell, and then some. */
const ownBytes = 400 << 20
const pageBytes = 4096

export const wasm: Level = {
  isolation: 'wasm',
  hostPython: false,

  async obstacle() {
    const [major = 0] = process.versions.node.split('.').map(Number)
    if (major < 24) return `needs Node 24 or newer with its permission model, this is ${process.version}`
    return findPyodide() === null ? 'the optional package pyodide is not installed' : null
  },

  async start({ identity, pythonArguments }) {
    const pyodide = requirePyodide()
    const snapshot = await (made ??= makeSnapshot(pyodide))
    const program = pythonArguments.at(-1) ?? ''
    const before = await readFile(path.join(packageRoot, 'collectors/sandbox/runner/boot_wasm.py'), 'utf8')
    const interruptions = await temporaryFile()
    try {
      const { uid } = identity
      const reachable = [process.execPath, child, pyodide.directory, snapshot]
      const drops =
        uid !== null && (await Promise.all(reachable.map((file) => reachableBy(file, uid)))).every(Boolean)
      return run(pyodide, snapshot, `${before}\n${program}`, interruptions, drops ? uid : null)
    } catch (error) {
      await interruptions.close()
      throw error
    }
  },

  confinement: () => ({ plan: { limits: {}, seccompNumber: 0 }, filter: Buffer.alloc(0) }),
}

interface Pyodide {
  directory: string
  version: string
}

function findPyodide(): Pyodide | null {
  try {
    const manifest = createRequire(import.meta.url).resolve('pyodide/package.json')
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    return { directory: path.dirname(manifest), version }
  } catch {
    return null
  }
}

function requirePyodide(): Pyodide {
  const found = findPyodide()
  if (found === null) throw new SandboxError('start', 'the optional package pyodide is not installed')
  return found
}

function nodeArguments(pyodide: Pyodide, snapshot: string | null): string[] {
  const readable = [child, path.join(packageRoot, 'package.json'), pyodide.directory]
  if (snapshot !== null) readable.push(snapshot)
  return [
    '--permission',
    ...readable.map((file) => `--allow-fs-read=${file}`),
    '--disallow-code-generation-from-strings',
    '--no-warnings',
    child,
    snapshot === null ? 'make' : 'run',
    pyodide.directory,
    ...(snapshot === null ? [] : [snapshot]),
  ]
}

let made: Promise<string> | undefined

/** A file with the memory of an interpreter that has started; depends on both versions. */
async function makeSnapshot(pyodide: Pyodide): Promise<string> {
  const name = `pyodide-${pyodide.version}-node-${process.versions.node}.snapshot`
  const file = path.join(await publicDirectory('snapshots'), name)
  try {
    await access(file)
    return file
  } catch {
    // To be made, once.
  }
  const options = {
    encoding: 'buffer',
    maxBuffer: mostSnapshotBytes,
    timeout: makeTimeoutMs,
    env: {},
    cwd: '/',
  } as const
  try {
    const { stdout } = await promisify(execFile)(process.execPath, nodeArguments(pyodide, null), options)
    const partial = `${file}.${randomUUID()}.part`
    await writeFile(partial, stdout, { mode: 0o644 })
    await rename(partial, file)
    return file
  } catch (error) {
    made = undefined
    const why =
      error instanceof Error ? error.message.split('\n').slice(-4).join(' ').slice(0, 300) : String(error)
    throw new SandboxError('start', `Pyodide does not start: ${why}`, { cause: error })
  }
}

async function temporaryFile(): Promise<FileHandle> {
  const file = path.join(tmpdir(), `descent-interrupts-${randomUUID()}`)
  const handle = await open(file, 'wx+', 0o600)
  await unlink(file)
  return handle
}

function run(
  pyodide: Pyodide,
  snapshot: string,
  program: string,
  interruptions: FileHandle,
  uid: number | null,
): Transport {
  const started = spawn(process.execPath, nodeArguments(pyodide, snapshot), {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', interruptions.fd],
    env: {},
    cwd: '/',
    detached: true,
    ...(uid === null ? {} : { uid, gid: uid }),
  })
  const letGo = started.pid === undefined ? null : watchOver(started.pid)
  const stream = started.stdio[3] as Duplex
  const errors = keepTail(started.stderr)
  let ended = false
  let mostBytes = Number.POSITIVE_INFINITY
  let tooLarge = false

  function signal(name: NodeJS.Signals): void {
    if (!ended) started.kill(name)
  }

  // WebAssembly takes its memory from the system and gives none back: its size is what there is to limit.
  const poll = setInterval(() => {
    if (residentBytes(started.pid) <= mostBytes) return
    tooLarge = true
    signal('SIGKILL')
  }, pollMs).unref()

  const exited = new Promise<Death>((resolve) => {
    function end(death: Death): void {
      if (ended) return
      ended = true
      clearInterval(poll)
      letGo?.()
      void interruptions.close()
      for (const pipe of started.stdio) pipe?.destroy()
      resolve(tooLarge ? { reason: 'memory', detail: 'the cell took more memory than it may' } : death)
    }
    started.on('error', (error) => end({ reason: 'exit', detail: error.message }))
    started.on('exit', (code, name) => end(readDeath(code, name, errors().split('\n').at(-1) ?? '')))
  })
  const source = Buffer.from(program)
  const size = Buffer.alloc(4)
  size.writeUInt32BE(source.length)
  stream.on('error', () => {})
  stream.write(Buffer.concat([size, source]))
  return {
    stream,
    processId: started.pid ?? null,
    exited,
    contexts: 'inline',
    snapshot: null,
    interrupt: () => void interruptions.write(Buffer.alloc(1)).catch(() => {}),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    kill: () => signal('SIGKILL'),
    limitMemory(bytes) {
      mostBytes = bytes + ownBytes
    },
  }
}

function residentBytes(processId: number | undefined): number {
  try {
    const pages = readFileSync(`/proc/${processId}/statm`, 'latin1').split(' ')[1]
    return Number(pages) * pageBytes
  } catch {
    return 0
  }
}
