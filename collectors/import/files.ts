// Log files, read line by line: completions one after the other, each with the place where it begins. A bad
// line is refused with its place, or its whole completion is left out and counted: a trajectory with a turn
// missing would be another one.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { UsageError } from '../../src/errors.ts'
import { hashOf } from '../../src/hash.ts'
import type { Json } from '../../src/json.ts'
import { jsonLines } from '../../src/tasks/rows/jsonl.ts'
import { placeOf } from '../../src/tasks/rows/row.ts'
import type { BadRows } from '../../src/tasks/skip.ts'
import { createCompletion, protocolId, type Completion, type CompletionBuilder } from './completion.ts'
import { readLine, type LoggedLine, type LoggedMetadata } from './lines.ts'

export const protocolHash = hashOf(protocolId)

export interface LogFile {
  path: string
  /** SHA-256 of its bytes: what tells that it was imported before. */
  sha256: string
}

/** The files that are named, and the `.jsonl` files in directories that are. Errors raised: UsageError. */
export async function findLogs(given: string[]): Promise<LogFile[]> {
  const found = new Set<string>()
  for (const place of given) {
    const facts = await stat(place).catch(() => null)
    if (!facts) throw new UsageError(`${place}: there is no such file or directory`)
    if (facts.isFile()) found.add(path.resolve(place))
    if (!facts.isDirectory()) continue
    const names = await readdir(place, { recursive: true })
    const logs = names.filter((name) => name.endsWith('.jsonl')).toSorted()
    if (logs.length === 0) throw new UsageError(`${place}: there is no .jsonl file in it`)
    for (const name of logs) found.add(path.resolve(place, name))
  }
  const files: LogFile[] = []
  for (const file of found) files.push({ path: file, sha256: await hashFile(file) })
  return files
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** Errors raised: UsageError for the first bad line, unless bad lines are to be skipped. */
export async function* readCompletions(file: string, bad: BadRows): AsyncGenerator<Completion> {
  let metadata: LoggedMetadata | null = null
  let open: CompletionBuilder | null = null
  let last = 0
  /** After a bad line nothing is taken until another completion begins. */
  let skipping = false
  let lines = 0
  for await (const row of jsonLines(file, file)) {
    lines += 1
    const { line, problem } = row.problem === null ? tryLine(row.value) : { line: null, problem: row.problem }
    if (line?.type === 'metadata') {
      if (open) yield open.end()
      open = null
      metadata = line.metadata
      skipping = false
      continue
    }
    const begins = line !== null && (line.turn.iteration === 1 || (!skipping && open?.ended === true))
    const wrong = problem ?? orderProblem(line, { metadata, begins, skipping, expected: open ? last + 1 : 1 })
    if (wrong !== null) {
      await bad.refuse(async () => await placeOf(row), wrong)
      // What was whole before the bad line stays.
      if (open?.ended) yield open.end()
      open = null
      skipping = true
      continue
    }
    if (line === null || metadata === null) continue
    if (begins) {
      if (open) yield open.end()
      open = createCompletion(metadata, protocolHash)
      skipping = false
    }
    if (skipping) continue
    last = line.turn.iteration
    open?.add(line.turn)
  }
  if (open) yield open.end()
  if (lines === 0) await bad.refuse(async () => file, 'the file is empty')
}

function tryLine(value: unknown): { line: LoggedLine | null; problem: string | null } {
  try {
    return { line: readLine(value), problem: null }
  } catch (error) {
    return { line: null, problem: (error as Error).message }
  }
}

function orderProblem(
  line: LoggedLine | null,
  at: { metadata: LoggedMetadata | null; begins: boolean; skipping: boolean; expected: number },
): string | null {
  if (line?.type !== 'iteration') return null
  if (at.metadata === null)
    return 'type: an iteration before any line of type "metadata": is this a log of rlms?'
  if (at.begins || at.skipping || line.turn.iteration === at.expected) return null
  return `iteration: expected ${at.expected}, got ${line.turn.iteration}: a line is missing`
}

/** What two logs must share to be of one run. */
export interface LogSetting extends Record<string, Json> {
  model: string
  provider: string
}

export function settingOf(metadata: LoggedMetadata): LogSetting {
  const { root_model: model, backend, max_depth, max_iterations, environment_type, other_backends } = metadata
  const address = metadata.backend_kwargs['base_url']
  return {
    model,
    provider: backend,
    ...(typeof address === 'string' && isPlainAddress(address) ? { baseUrl: address } : {}),
    maxDepth: max_depth ?? null,
    maxIterations: max_iterations ?? null,
    environment: environment_type ?? null,
    otherBackends: other_backends ?? [],
  }
}

/** One without user, password and query: an address is stored, and shown. */
function isPlainAddress(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { username, password, search } = new URL(address)
  return `${username}${password}${search}` === ''
}
