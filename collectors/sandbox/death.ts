// How an interpreter ended, as a recorded result.
import os from 'node:os'
import type { Readable } from 'node:stream'
import type { Death } from '../../src/sandbox.ts'

const keptBytes = 2000
const mostBytes = 1 << 20
const shownCharacters = 500

/** Keeps the end of what a process writes to stderr, and stops listening to one that writes for ever. */
export function keepTail(stream: Readable | null): () => string {
  let tail = Buffer.alloc(0)
  let bytes = 0
  stream?.on('error', () => {})
  stream?.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    tail = Buffer.concat([tail, chunk]).subarray(-keptBytes)
    if (bytes > mostBytes) stream.destroy()
  })
  return () => tail.toString('utf8').trim()
}

/** `errors`: the end of its stderr. A launcher reports the signal N of its child as the code 128 + N. */
export function readDeath(code: number | null, signal: NodeJS.Signals | null, errors: string): Death {
  const name = signal ?? signalName((code ?? 0) - 128)
  const said = errors ? `: ${errors.slice(-shownCharacters)}` : ''
  if (name === 'SIGKILL')
    return { reason: 'memory', detail: 'the system killed Python, most likely for memory' }
  if (name !== null) return { reason: 'signal', detail: `Python died of ${name}${said}` }
  return { reason: 'exit', detail: `Python ended with exit code ${code ?? 0}${said}` }
}

function signalName(number: number): string | null {
  return Object.entries(os.constants.signals).find(([, value]) => value === number)?.[0] ?? null
}
