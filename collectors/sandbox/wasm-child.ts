// The process of level `wasm`: Pyodide, with nothing of Node in reach of Python but two functions that
// move bytes over descriptor 3. What keeps Python in are the flags this process is started with
// (wasm.ts): without them, any function of JavaScript leads to all others.
//
//   node FLAGS wasm-child.ts make PYODIDE            writes a memory snapshot to stdout
//   node FLAGS wasm-child.ts run PYODIDE SNAPSHOT    runs the Python of the first line on descriptor 3
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const channel = 3
/** A file that grows by a byte at every interrupt. */
const interruptions = 4
const lookEveryMs = 20
const interruptSignal = 2

interface Pyodide {
  runPython(code: string): unknown
  registerJsModule(name: string, module: object): void
  setInterruptBuffer(buffer: object): void
  makeMemorySnapshot(): Uint8Array
}
interface PyodideModule {
  loadPyodide(options: Record<string, unknown>): Promise<Pyodide>
}

const [task, packageDirectory = '', snapshot = ''] = process.argv.slice(2)

// Pyodide asks for constants by a way that the permission model has closed.
Object.assign(process, {
  binding(name: string) {
    if (name === 'constants') return { fs: fs.constants }
    throw new Error(`there is no ${name} here`)
  },
})

// Emscripten makes connections out of WebSockets, and the permission model of Node 24 knows no network.
for (const name of ['WebSocket', 'fetch', 'EventSource', 'Worker', 'BroadcastChannel']) {
  Reflect.deleteProperty(globalThis, name)
}
function refuse(): never {
  throw new Error('there is no network here')
}
Object.assign(net.Socket.prototype, { connect: refuse })
Object.assign(net.Server.prototype, { listen: refuse })

function receive(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  return bytes.subarray(0, fs.readSync(channel, bytes, 0, size, null))
}

function send(bytes: Uint8Array): void {
  for (let sent = 0; sent < bytes.length;) sent += fs.writeSync(channel, bytes, sent)
}

/** Python has ended by itself, or has crashed: Node would show the line of its source, a megabyte long. */
function end(error: unknown): never {
  const { status, message } = error as { status?: unknown; message?: unknown }
  if (typeof status === 'number') process.exit(status)
  const said = String(message).split('\n')
  fs.writeSync(2, (said.findLast((line) => line !== '') ?? '').slice(0, 300))
  process.exit(70)
}

function receiveAll(size: number): Buffer {
  const parts: Uint8Array[] = []
  for (let left = size; left > 0;) {
    const part = receive(left)
    if (part.length === 0) process.exit(0)
    parts.push(part)
    left -= part.length
  }
  return Buffer.concat(parts)
}

/** Read by the interpreter every few instructions, as the first of an array of bytes. */
function interruptBuffer(): object {
  let lookAgainAt = 0
  let seen = 0
  return {
    get 0() {
      const now = performance.now()
      if (now < lookAgainAt) return 0
      lookAgainAt = now + lookEveryMs
      const { size } = fs.fstatSync(interruptions)
      if (size === seen) return 0
      seen = size
      return interruptSignal
    },
    set 0(_value: number) {},
  }
}

const module = (await import(
  pathToFileURL(path.join(packageDirectory, 'pyodide.mjs')).href
)) as unknown as PyodideModule
const common = { indexURL: packageDirectory, jsglobals: Object.create(null) as object }
if (task === 'make') {
  const python = await module.loadPyodide({ ...common, _makeSnapshot: true })
  process.stdout.write(python.makeMemorySnapshot())
} else {
  const python = await module.loadPyodide({
    ...common,
    _loadSnapshot: new Uint8Array(fs.readFileSync(snapshot)),
  })
  python.registerJsModule('_descent_host', Object.freeze({ receive, send }))
  python.setInterruptBuffer(interruptBuffer())
  try {
    python.runPython(receiveAll(receiveAll(4).readUInt32BE(0)).toString('utf8'))
  } catch (error) {
    end(error)
  }
  process.exit(0)
}
