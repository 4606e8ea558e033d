// The host's end of spawner.py, a small process that starts interpreters: a fork of this one would stop
// everything else for many milliseconds. Invariant: it ends, and all it has started with it, when nobody
// holds it any more or this process is gone.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import os, { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { z } from 'zod'
import { SandboxError } from '../../src/errors.ts'
import { packageRoot } from '../../src/package.ts'
import type { Death } from '../../src/sandbox.ts'
import { keepTail, readDeath } from './death.ts'
import { interpreterEnvironment } from './linux.ts'
import type { Interpreter } from './python.ts'
import { readRunnerModules } from './runner-modules.ts'

/** Held by nobody for so long, it ends. */
const lingerMs = 200
/** A path of a Unix socket has no more than 107 bytes. */
const mostPathBytes = 107
const sizeBytes = 4

export interface SpawnRequest {
  command: string
  arguments: string[]
  environment: Record<string, string>
  /** Null: the uid of this process. */
  uid: number | null
  /** Opened for reading as descriptors 4, 5, …; one after these is `snapshot`, for both. */
  files: string[]
  snapshot: string
  statusDescriptor: number | null
  inputs: { descriptor: number; data: Buffer }[]
}

export interface Spawned {
  /** The process's descriptor 3. */
  stream: net.Socket
  processId: number
  /** What the launcher says the interpreter is, else the process itself; null when it has not said. */
  interpreterId: number | null
  /** The parent of the process. */
  parentId: number
  exited: Promise<Death>
}

export interface Spawner {
  /** The modules of the runner, compiled by the interpreter and marshalled. */
  code: Buffer
  /** Throws a SandboxError when a file cannot be opened or the spawner is gone. */
  start: (request: SpawnRequest) => Promise<Spawned>
  release: () => void
}

const readySchema = z.object({ code: z.base64() })
const endSchema = z.object({
  id: z.int(),
  code: z.int().nullable(),
  signal: z.int().nullable(),
  errors: z.string(),
})
const answerSchema = z.union([
  z.object({ process: z.int(), interpreter: z.int().nullable() }),
  z.object({ error: z.string(), context: z.boolean() }),
])

interface Shared {
  holders: number
  gone: boolean
  opened: Promise<Opened>
  linger?: NodeJS.Timeout
}
interface Opened {
  code: Buffer
  start: (request: SpawnRequest) => Promise<Spawned>
  close: () => void
}

const all = new Map<string, Shared>()

/** The spawner that runs on this interpreter, started when there is none; the caller releases it. */
export async function holdSpawner(interpreter: Interpreter): Promise<Spawner> {
  const key = interpreter.executable
  let shared = all.get(key)
  if (shared === undefined || shared.gone) {
    const fresh: Shared = {
      holders: 0,
      gone: false,
      opened: openSpawner(interpreter, () => (fresh.gone = true)),
    }
    all.set(key, (shared = fresh))
  }
  const held = shared
  held.holders += 1
  clearTimeout(held.linger)
  let released = false

  function release(): void {
    if (released) return
    released = true
    held.holders -= 1
    if (held.holders > 0) return
    held.linger = setTimeout(() => {
      held.gone = true
      void held.opened.then(
        (opened) => opened.close(),
        () => {},
      )
    }, lingerMs)
    held.linger.unref()
  }

  try {
    const { code, start } = await held.opened
    return { code, start, release }
  } catch (error) {
    held.gone = true
    release()
    throw error
  }
}

async function openSpawner(interpreter: Interpreter, onGone: () => void): Promise<Opened> {
  const long = Buffer.byteLength(path.join(tmpdir(), 'descent-spawner-XXXXXX/socket')) > mostPathBytes
  const directory = await mkdtemp(path.join(long ? '/tmp' : tmpdir(), 'descent-spawner-'))
  const socket = path.join(directory, 'socket')
  const program = path.join(packageRoot, 'collectors/sandbox/spawner.py')
  const child = spawn(interpreter.executable, ['-s', '-S', '-B', '-X', 'utf8', program, socket], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: interpreterEnvironment(interpreter),
    cwd: '/',
    // A group of its own: Ctrl-C at the host's terminal is the host's affair.
    detached: true,
  })
  const lines = createInterface({ input: child.stdout })
  const said = keepTail(child.stderr)
  const gone = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('exit', () => {
      resolve(['the process that starts interpreters has ended', said()].filter(Boolean).join(': '))
    })
  })
  child.stdin.on('error', () => {})
  child.stdin.write(`${JSON.stringify({ modules: await readRunnerModules() })}\n`)
  const first = await Promise.race([once(lines, 'line') as Promise<[string]>, gone])
  if (typeof first === 'string') {
    await rm(directory, { recursive: true, force: true })
    throw new SandboxError('start', `the interpreter could not be started: ${first}`)
  }
  const { code } = readySchema.parse(JSON.parse(first[0]))
  const parentId = child.pid ?? 0
  const waiting = new Map<number, (death: Death) => void>()
  let next = 0

  /** While nothing runs, it keeps this process from ending no more than a closed file does. */
  function keepAlive(): void {
    for (const end of [child, child.stdin, child.stdout, child.stderr] as { ref(): void; unref(): void }[]) {
      if (waiting.size > 0) end.ref()
      else end.unref()
    }
  }

  lines.on('line', (line) => {
    const { id, code: exitCode, signal, errors } = endSchema.parse(JSON.parse(line))
    const name = Object.entries(os.constants.signals).find(([, number]) => number === signal)?.[0]
    waiting.get(id)?.(readDeath(exitCode, (name ?? null) as NodeJS.Signals | null, errors.trim()))
    waiting.delete(id)
    keepAlive()
  })
  async function endAll(): Promise<void> {
    const detail = await gone
    onGone()
    for (const end of waiting.values()) end({ reason: 'exit', detail })
    waiting.clear()
    await rm(directory, { recursive: true, force: true })
  }
  void endAll()
  keepAlive()

  return {
    code: Buffer.from(code, 'base64'),
    async start(request) {
      const id = (next += 1)
      const exited = new Promise<Death>((resolve) => waiting.set(id, resolve))
      keepAlive()
      try {
        const stream = net.connect(socket)
        const inputs = request.inputs.map((each) => ({ ...each, data: each.data.toString('base64') }))
        stream.write(sized({ ...request, inputs, id }))
        const answer = await readAnswer(stream)
        if ('error' in answer) {
          const [about, what] = answer.context
            ? ['context', 'a context cannot be opened']
            : ['start', 'the interpreter could not be started']
          throw new SandboxError(about, `${what}: ${answer.error}`)
        }
        return {
          stream,
          processId: answer.process,
          interpreterId: answer.interpreter,
          parentId,
          exited,
        }
      } catch (error) {
        waiting.delete(id)
        keepAlive()
        throw error
      }
    },
    close: () => void child.stdin.end(),
  }
}

function sized(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message))
  const size = Buffer.alloc(sizeBytes)
  size.writeUInt32BE(body.length)
  return Buffer.concat([size, body])
}

/** The first message of a stream, which is left paused behind it. Throws a SandboxError. */
async function readAnswer(stream: net.Socket): Promise<z.infer<typeof answerSchema>> {
  return await new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    function fail(error?: Error): void {
      const why = error?.message ?? 'the process that starts interpreters has ended'
      reject(new SandboxError('start', `the interpreter could not be started: ${why}`))
    }
    function receive(chunk: Buffer): void {
      received = Buffer.concat([received, chunk])
      const end = sizeBytes + (received.length < sizeBytes ? 0 : received.readUInt32BE(0))
      if (received.length < Math.max(end, sizeBytes + 1)) return
      stream.pause()
      stream.off('data', receive)
      stream.off('error', fail)
      stream.off('close', fail)
      if (received.length > end) stream.unshift(received.subarray(end))
      resolve(answerSchema.parse(JSON.parse(received.toString('utf8', sizeBytes, end))))
    }
    stream.on('data', receive)
    stream.on('error', fail)
    stream.on('close', fail)
  })
}
