// Several contexts of one task as one file, so that the store keeps them as one blob: a line of JSON that
// lists their facts, then their bytes one after the other.
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { StoreError } from '../errors.ts'
import type { ContextFile } from '../sandbox.ts'
import type { MaterializedContext } from './context.ts'
import { mostContexts, type ContextFacts } from './task.ts'

const mostHeaderBytes = 1 << 20

const partSchema = z.strictObject({
  format: z.enum(['text', 'json']),
  type: z.enum(['str', 'list', 'dict']),
  characters: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
})
const headerSchema = z.strictObject({ contexts: z.array(partSchema).min(1).max(mostContexts) })

export interface UnpackedContext {
  facts: ContextFacts
  file: ContextFile
}

/** Writes `<directory>/<sha256>.contexts`; its characters are those of all parts. */
export async function packContexts(
  parts: readonly MaterializedContext[],
  directory: string,
): Promise<MaterializedContext> {
  await mkdir(directory, { recursive: true })
  const partial = path.join(directory, `${randomUUID()}.part`)
  const header = {
    contexts: parts.map((part) =>
      partSchema.parse({ ...factsOf(part), format: part.format, bytes: part.bytes }),
    ),
  }
  const head = Buffer.from(`${JSON.stringify(header)}\n`)
  const digest = createHash('sha256').update(head)
  async function* bytesOfAll(): AsyncIterable<Buffer> {
    yield head
    for (const part of parts) {
      for await (const chunk of createReadStream(part.file)) {
        digest.update(chunk as Buffer)
        yield chunk as Buffer
      }
    }
  }
  await pipeline(bytesOfAll, createWriteStream(partial))
  const hash = digest.digest()
  const file = path.join(path.resolve(directory), `${hash.toString('hex')}.contexts`)
  await rename(partial, file)
  const sum = (of: (part: MaterializedContext) => number) =>
    parts.reduce((total, part) => total + of(part), 0)
  const bytes = head.length + sum((part) => part.bytes)
  return { file, hash, format: 'several', type: 'several', characters: sum((part) => part.characters), bytes }
}

function factsOf({ type, characters }: MaterializedContext): { type: string; characters: number } {
  return { type, characters }
}

/** Writes the contexts of a packed file to `<file>.0`, `<file>.1`, … Errors raised: StoreError. */
export async function unpackContexts(file: string): Promise<UnpackedContext[]> {
  const { header, start } = await readHeader(file)
  const contexts: UnpackedContext[] = []
  let at = start
  for (const [index, { format, type, characters, bytes }] of header.contexts.entries()) {
    const own = `${file}.${index}`
    // An empty range cannot be read.
    if (bytes === 0) await (await open(own, 'w')).close()
    else await pipeline(createReadStream(file, { start: at, end: at + bytes - 1 }), createWriteStream(own))
    contexts.push({ facts: { type, characters }, file: { path: own, format, bytes } })
    at += bytes
  }
  return contexts
}

/** A packed file with every part changed; its header says what they are now. Errors raised: StoreError. */
export function mapPackedContexts(
  packed: Buffer,
  change: (part: Buffer, format: 'text' | 'json') => Buffer,
): Buffer {
  const end = packed.indexOf(10)
  const header = parseHeader(packed.toString('utf8', 0, end), 'a packed context')
  let at = end + 1
  const parts = header.contexts.map((facts) => {
    const part = packed.subarray(at, at + facts.bytes)
    at += facts.bytes
    const changed = change(part, facts.format)
    if (changed === part) return { facts, changed }
    const characters = Array.from(changed.toString('utf8')).length
    return { facts: { ...facts, bytes: changed.length, characters }, changed }
  })
  const head = Buffer.from(`${JSON.stringify({ contexts: parts.map(({ facts }) => facts) })}\n`)
  return Buffer.concat([head, ...parts.map(({ changed }) => changed)])
}

function parseHeader(text: string, file: string): z.infer<typeof headerSchema> {
  try {
    return headerSchema.parse(JSON.parse(text))
  } catch (error) {
    throw new StoreError('damaged', `${file}: not a file of several contexts`, { cause: error })
  }
}

async function readHeader(file: string): Promise<{ header: z.infer<typeof headerSchema>; start: number }> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(mostHeaderBytes), 0, mostHeaderBytes, 0)
    const end = buffer.subarray(0, bytesRead).indexOf(10)
    return { header: parseHeader(buffer.toString('utf8', 0, end), file), start: end + 1 }
  } finally {
    await handle.close()
  }
}
