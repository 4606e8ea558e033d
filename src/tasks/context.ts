// Contexts on disk: what the sandbox opens and the store keeps. A context is named by the SHA-256 of
// its bytes, written once however many tasks, runs and processes share it.
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import { sha256 } from '../hash.ts'
import type { Json } from '../json.ts'
import { codePoints, jsonLength, parseKeepingNumbers, printedLength, SourceNumber } from './json-length.ts'
import { packContexts } from './several.ts'
import type { ContextFacts, TaskContext } from './task.ts'

export interface MaterializedContext {
  /** `several`: a file of several contexts (several.ts), whose facts are in it. */
  type: ContextFacts['type'] | 'several'
  characters: number
  /** Absolute path: under the given directory, or where the task's own file is. */
  file: string
  /** SHA-256 of the file's bytes. */
  hash: Buffer
  format: 'text' | 'json' | 'several'
  bytes: number
}

/**
 * Puts a context on disk and tells its facts. Inline contexts go to `<directory>/<sha256>.txt|json`;
 * a context file stays where it is and is checked (UTF-8, a JSON root that is a list, an object or a
 * string). Errors raised: UsageError for a file that is missing or not what it should be.
 */
export async function materializeContext(
  context: TaskContext,
  directory: string,
): Promise<MaterializedContext> {
  if (context.kind === 'several') {
    // Apart from the other contexts of the directory, since they are no longer needed when packed.
    const parts = join(directory, `parts-${randomUUID()}`)
    try {
      const made: MaterializedContext[] = []
      for (const part of context.contexts) made.push(await materializeContext(part, parts))
      return await packContexts(made, directory)
    } finally {
      await rm(parts, { recursive: true, force: true })
    }
  }
  if (context.kind === 'file') {
    const file = resolve(context.path)
    return context.format === 'json' ? await readJsonContext(file) : await readTextContext(file)
  }
  const format = context.kind
  const bytes = Buffer.from(format === 'text' ? context.text : JSON.stringify(context.value), 'utf8')
  const hash = sha256(bytes)
  const file = join(resolve(directory), `${hash.toString('hex')}.${format === 'text' ? 'txt' : 'json'}`)
  await writeOnce(file, bytes)
  const facts: ContextFacts =
    format === 'text' ? { type: 'str', characters: codePoints(context.text) } : contextFacts(context.value)
  return { file, hash, format, bytes: bytes.length, ...facts }
}

/**
 * Type and characters of a context value as the reference's metadata message counts them: a str by
 * `len`; a dict by the sum over its values (`len` of a str, else of its JSON); a list whose first
 * element is a dict by what each `content` prints as, when the first has one, else by each element's
 * JSON; any other list by `len` of each element, and by its JSON where Python has no `len`.
 */
export function contextFacts(value: unknown): ContextFacts {
  if (typeof value === 'string') return { type: 'str', characters: codePoints(value) }
  if (Array.isArray(value)) {
    const [first] = value as unknown[]
    const messages = isRecord(first) && Object.hasOwn(first, 'content')
    const count = messages ? messageLength : isRecord(first) ? jsonLength : elementLength
    return { type: 'list', characters: value.reduce((sum: number, item) => sum + count(item), 0) }
  }
  if (!isRecord(value)) throw new UsageError('a context is a string, a list or an object')
  let characters = 0
  for (const item of Object.values(value)) characters += textOrJsonLength(item)
  return { type: 'dict', characters }
}

function isRecord(value: unknown): value is Record<string, Json> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof SourceNumber)
  )
}

function textOrJsonLength(value: unknown): number {
  return typeof value === 'string' ? codePoints(value) : jsonLength(value)
}

/** A message without `content` counts nothing; what is no message, and stops the reference, its JSON. */
function messageLength(value: unknown): number {
  if (!isRecord(value)) return jsonLength(value)
  return Object.hasOwn(value, 'content') ? printedLength(value['content']) : 0
}

function elementLength(value: unknown): number {
  if (Array.isArray(value)) return value.length
  if (isRecord(value)) return Object.keys(value).length
  return textOrJsonLength(value)
}

async function writeOnce(file: string, bytes: Buffer): Promise<void> {
  const existing = await stat(file).catch(() => null)
  if (existing?.size === bytes.length) return
  await mkdir(join(file, '..'), { recursive: true })
  // A rename is atomic, and whoever comes second replaces the file with the same bytes.
  const partial = `${file}.${randomUUID()}.part`
  await writeFile(partial, bytes)
  await rename(partial, file)
}

async function readTextContext(file: string): Promise<MaterializedContext> {
  const hash = createHash('sha256')
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let bytes = 0
  let characters = 0
  try {
    for await (const chunk of createReadStream(file)) {
      const data = chunk as Buffer
      hash.update(data)
      bytes += data.length
      characters += codePoints(decoder.decode(data, { stream: true }))
    }
    characters += codePoints(decoder.decode())
  } catch (error) {
    throw contextError(file, error)
  }
  return { file, hash: hash.digest(), format: 'text', type: 'str', characters, bytes }
}

async function readJsonContext(file: string): Promise<MaterializedContext> {
  let value: unknown
  let data: Buffer
  try {
    data = await readFile(file)
    value = parseKeepingNumbers(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data))
  } catch (error) {
    throw contextError(file, error)
  }
  if (typeof value !== 'string' && !Array.isArray(value) && !isRecord(value)) {
    throw new UsageError(`context file ${file}: the JSON root must be a list, an object or a string`)
  }
  return { file, hash: sha256(data), format: 'json', bytes: data.length, ...contextFacts(value) }
}

function contextError(file: string, error: unknown): Error {
  if (error instanceof SyntaxError) {
    return new UsageError(`context file ${file}: not valid JSON: ${error.message.slice(0, 160)}`)
  }
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    return new UsageError(`context file ${file}: not valid UTF-8; convert it to UTF-8 first`)
  }
  if (code === 'ENOENT') return new UsageError(`context file ${file}: no such file`)
  if (code === 'EISDIR') return new UsageError(`context file ${file}: is a directory; give a file`)
  if (code === 'EACCES') return new UsageError(`context file ${file}: permission to read it is denied`)
  return error instanceof Error ? error : new Error(String(error))
}
