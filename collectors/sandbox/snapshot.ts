// The output of a cell in a file that an interpreter has mapped: what it had printed is
// there after it was killed. The runner's side is runner/snapshot.py; what stands there is hostile.
import { randomUUID } from 'node:crypto'
import { readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SandboxError } from '../../src/errors.ts'
import type { Printed } from './transport.ts'

/** For each of stdout and stderr; takes no room until it is written. */
export const halfBytes = 1 << 20
const numbersBytes = 16

/** The open file, to be closed by the caller, and its name, to be taken away. Throws a SandboxError. */
export async function createSnapshot(): Promise<{ path: string; handle: FileHandle }> {
  const file = path.join(tmpdir(), `descent-output-${randomUUID()}`)
  try {
    const handle = await open(file, 'wx+', 0o600)
    await handle.truncate(2 * halfBytes)
    return { path: file, handle }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new SandboxError('start', `no temporary file can be made for the output of cells: ${why}`)
  }
}

/** What is in there now; reads the file at once, so that it can be closed after. */
export function readSnapshot(descriptor: number): Printed {
  return { stdout: readHalf(descriptor, 0), stderr: readHalf(descriptor, halfBytes) }
}

function readHalf(descriptor: number, at: number): Printed['stdout'] {
  const numbers = Buffer.alloc(numbersBytes)
  readSync(descriptor, numbers, 0, numbersBytes, at)
  const bytes = numbers.readBigUInt64LE(0)
  const characters = numbers.readBigUInt64LE(8)
  const kept = Number(bytes < BigInt(halfBytes - numbersBytes) ? bytes : BigInt(halfBytes - numbersBytes))
  const data = Buffer.alloc(kept)
  readSync(descriptor, data, 0, kept, at + numbersBytes)
  const text = data.toString('utf8')
  const counted = characters < BigInt(Number.MAX_SAFE_INTEGER) ? Number(characters) : 0
  return { text, characters: counted }
}
