// Rows over HTTP to pyarrow: `node test/bench/stream.ts [ROWS]`. A store is filled; `descent serve`, a process
// of its own, streams all rows to a reader that takes them as they come, to several at once, to one that is
// slow while others read, and to one that leaves. Prints rows/s, MB/s and how the server's memory went.
import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { preparePython } from '../interop/python.ts'
import { removeDirectory } from '../support/directory.ts'
import { fillStore } from './export-store.ts'

interface Read {
  rows: number
  batches: number
  bytes: number
  seconds: number
}

const run = promisify(execFile)
const rows = Number(process.argv[2] ?? 20_000)
const python = await preparePython(['pyarrow'], { large: false })
if ('reason' in python) throw new Error(python.reason)
const { store, runId, place } = await fillStore(rows)
const root = join(import.meta.dirname, '../..')
const flags = ['--max-semi-space-size=64', join(root, 'api/cli/main.ts')]
const server = spawn('node', [...flags, 'serve', '--port', '0', '--store', join(place, 'store')], {
  stdio: ['ignore', 'ignore', 'pipe'],
})
let highest = 0
const watch = setInterval(() => (highest = Math.max(highest, memory())), 50)
try {
  const url = await addressOf()
  const address = `${url}/v1/rows/sft-turns?run=${runId}`
  await readAll('warm', [address])
  const before = memory()
  console.log(`server at rest: ${before} MB`)
  await readAll('one reader', [address])
  await readAll('again', [address])
  await readAll('four readers at once', [address], [address], [address], [address])
  await readAll('one that is slow, one that is not', [address, '0.4'], [address])
  await readAll('one that leaves, one that stays', [address, '0', '2'], [address])
  await readAll('one reader, at last', [address])
} finally {
  clearInterval(watch)
  server.kill('SIGTERM')
  await new Promise((resolve) => server.once('exit', resolve))
  await store.close()
  await removeDirectory(place)
}

async function readAll(name: string, ...readers: string[][]): Promise<void> {
  highest = 0
  const found = await Promise.all(
    readers.map(async (args) => {
      const script = join(import.meta.dirname, 'stream_reader.py')
      const { stdout } = await run('python' in python ? python.python : '', [script, ...args])
      return JSON.parse(stdout) as Read
    }),
  )
  const parts = found.map(({ rows: count, batches, bytes, seconds }) => {
    const rate = `${Math.round(count / seconds)} rows/s, ${Math.round(bytes / seconds / 1e6)} MB/s`
    return `${count} rows in ${batches} batches, ${seconds.toFixed(1)} s (${rate})`
  })
  console.log(`${name}: ${parts.join('; ')}; the server's memory at most ${highest} MB, then ${memory()} MB`)
}

/** Resident megabytes of the server. */
function memory(): number {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
}

/** What the server says first; it goes on talking, so it is listened to until it ends. */
async function addressOf(): Promise<string> {
  let output = ''
  return await new Promise((resolve, reject) => {
    server.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const found = /http:\/\/[\d.]+:\d+/.exec(output)
      if (found) resolve(found[0])
    })
    server.once('exit', () => reject(new Error(`the server ended: ${output}`)))
  })
}
