// Windows that stand in a file of their own (columns context_window_id, context_window_text). Only where
// each window is is remembered; its text is read when a question of it comes up.
import { open } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { UsageError } from '../../errors.ts'
import { openRows, placeOf } from '../rows/index.ts'

export interface Windows {
  /** Errors raised: UsageError for a window that is not there. */
  textOf(id: string | number): Promise<string>
  /** The ids of all windows, in the order of the file. */
  ids(): Promise<string[]>
}

/** `path` is a JSONL file, or any table whose windows (those of `only`) fit into memory. */
export function openWindows(
  path: string | undefined,
  baseDirectory: string,
  only?: Record<string, readonly (string | number)[]>,
): Windows {
  if (path === undefined) {
    return {
      textOf: async (id) =>
        await missing(String(id), 'the row has no context_window_text and no `windows` are given'),
      ids: async () => [],
    }
  }
  const file = resolve(baseDirectory, path)
  let index: Promise<Map<string, Place>> | undefined
  let last: { id: string; text: string } | undefined
  const places = async () =>
    await (index ??= file.endsWith('.jsonl') ? indexLines(file) : readAll(file, only))
  return {
    async textOf(id) {
      const key = String(id)
      if (last?.id === key) return last.text
      const place = (await places()).get(key)
      if (place === undefined) return await missing(key, `${basename(file)} has no such context_window_id`)
      const text = typeof place === 'string' ? place : await readPlace(file, place)
      last = { id: key, text }
      return text
    },
    ids: async () => [...(await places()).keys()],
  }
}

/** The text itself, or the bytes of its line. */
type Place = string | { start: number; end: number }

async function missing(id: string, why: string): Promise<never> {
  throw new UsageError(`context_window_id ${id}: ${why}`)
}

async function indexLines(file: string): Promise<Map<string, Place>> {
  const places = new Map<string, Place>()
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`windows: ${file} cannot be read (${error.code ?? error.message})`)
  })
  let start = 0
  let pieces: Buffer[] = []
  function take(end: number): void {
    const line = Buffer.concat(pieces).toString('utf8')
    pieces = []
    if (line.trim() !== '') places.set(windowOf(line, file).id, { start, end })
    start = end + 1
  }
  let offset = 0
  for await (const chunk of handle.createReadStream({ highWaterMark: 1 << 20 })) {
    let rest = chunk as Buffer
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      pieces.push(rest.subarray(0, at))
      take(offset + at)
      offset += at + 1
      rest = rest.subarray(at + 1)
    }
    pieces.push(rest)
    offset += rest.length
  }
  take(offset)
  return places
}

function windowOf(line: string, file: string): { id: string; text: string } {
  const problem = `${basename(file)}: a line is no window (context_window_id, context_window_text)`
  let value: Record<string, unknown> | null
  try {
    value = JSON.parse(line) as Record<string, unknown> | null
  } catch (error) {
    throw new UsageError(problem, { cause: error })
  }
  const id = value?.['context_window_id']
  const text = value?.['context_window_text']
  if ((typeof id !== 'number' && typeof id !== 'string') || typeof text !== 'string')
    throw new UsageError(problem)
  return { id: String(id), text }
}

async function readPlace(file: string, { start, end }: { start: number; end: number }): Promise<string> {
  const handle = await open(file)
  try {
    const line = Buffer.alloc(end - start)
    await handle.read(line, 0, line.length, start)
    return windowOf(line.toString('utf8'), file).text
  } finally {
    await handle.close()
  }
}

const windowColumns = ['context_window_id', 'context_window_text', 'dataset', 'context_len']

async function readAll(
  file: string,
  only: Record<string, readonly (string | number)[]> | undefined,
): Promise<Map<string, Place>> {
  const places = new Map<string, Place>()
  for await (const row of openRows(file, { columns: windowColumns, only })) {
    const { context_window_id: id, context_window_text: text } = (row.value ?? {}) as Record<string, unknown>
    if ((typeof id !== 'number' && typeof id !== 'string') || typeof text !== 'string') {
      throw new UsageError(`${await placeOf(row)}: no window (context_window_id, context_window_text)`)
    }
    places.set(String(id), text)
  }
  return places
}
