// Tasks of a person's files. Every row is checked; a bad one is named by file, line and field, and
// refused unless bad rows are to be skipped. Ids are unique over all files of a taskset.
import { stat } from 'node:fs/promises'
import { basename, dirname, extname, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import type { Json } from '../json.ts'
import { readDirectory } from './context-directory.ts'
import { columnsToRead, mapRow } from './mapping.ts'
import type { Columns } from './mapping.ts'
import { describeRowProblem } from './row-problem.ts'
import { checkExtension, openRows, placeOf } from './rows/index.ts'
import type { Row } from './rows/index.ts'
import { badRows } from './skip.ts'
import { contextFields, taskLineSchema } from './task.ts'
import type { Task, TaskContext, TaskLine, Taskset } from './task.ts'

export interface FileOptions {
  columns?: Columns
  /** What `contextFile` and `contextDirectory` are relative to; without either, the context of every task. */
  contextDirectory?: string
  skipBadRows?: boolean
  split?: string
  /** Added to the metadata of every task that lacks it: the name of the reward that fits. */
  reward?: string
}

/**
 * The taskset of a file by its extension, or of a directory of shards (`isDirectory`). Errors raised,
 * the first at once and the others while iterating: UsageError.
 */
export function taskFile(path: string, options: FileOptions = {}, isDirectory = false): Taskset {
  if (!isDirectory) checkExtension(path)
  return taskFiles(async () => path, basename(path), options)
}

/** As `taskFile`, for a path that is known only when the tasks are asked for. */
export function taskFiles(locate: () => Promise<string>, name: string, options: FileOptions): Taskset {
  const bad = badRows(options.skipBadRows === true)
  return {
    name,
    skipped: bad.skipped,
    async *tasks() {
      bad.reset()
      const path = await locate()
      const isShard = await isDirectoryAt(path)
      const directory = options.contextDirectory ?? (isShard ? resolve(path) : dirname(resolve(path)))
      const seen = new Map<string, Pick<Row, 'source' | 'position'>>()
      const { split } = options
      const rows = openRows(path, {
        columns: columnsToRead(options.columns),
        split,
      })
      for await (const row of rows) {
        try {
          const task = await taskOfRow(row, directory, options, isShard)
          await refuseTwice(seen, task.id, row)
          yield task
        } catch (error) {
          if (!(error instanceof UsageError)) throw error
          await bad.refuse(async () => await placeOf(row), error.message)
        }
      }
      if (seen.size === 0) {
        throw new UsageError(`${basename(path)}: no tasks in it; give at least one, such as ${example}`)
      }
    },
  }
}

const example = '{"id": "1", "prompt": "How many lines?", "context": "one\\ntwo", "answer": 2}'

async function isDirectoryAt(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false
}

/** The id of a row that has none: its line or row, and in a directory of shards its file too. */
function defaultId({ source, position }: Row, isShard: boolean): string | number {
  return isShard ? `${source.label}:${position}` : position
}

async function refuseTwice(
  seen: Map<string, Pick<Row, 'source' | 'position'>>,
  id: string,
  { source, position }: Row,
): Promise<void> {
  const first = seen.get(id)
  if (first) {
    const where = `${first.source.counts} ${await first.source.lineOf(first.position)}`
    const file = first.source.label === source.label ? '' : ` of ${first.source.label}`
    throw new UsageError(`id: ${JSON.stringify(id)} is already the id of ${where}${file}; ids must be unique`)
  }
  seen.set(id, { source, position })
}

async function taskOfRow(row: Row, directory: string, options: FileOptions, isShard: boolean): Promise<Task> {
  if (row.problem !== null) throw new UsageError(row.problem)
  const value = options.columns ? mapRow(row.value, options.columns, defaultId(row, isShard)) : row.value
  const line = withDefaultContext(value, options)
  const parsed = taskLineSchema.safeParse(line)
  if (!parsed.success) throw new UsageError(describeRowProblem(parsed.error, line))
  const { id, prompt, answer, metadata } = parsed.data
  const context = await contextOf(parsed.data, directory)
  const reward: Record<string, Json> = options.reward === undefined ? {} : { reward: options.reward }
  return { id, prompt, context, answer: answer ?? null, metadata: { ...reward, ...metadata } }
}

/** A directory that no column refers to is the context of every task. */
function withDefaultContext(value: unknown, { columns, contextDirectory }: FileOptions): unknown {
  if (contextDirectory === undefined || typeof value !== 'object' || value === null) return value
  const mapped: Partial<Record<string, unknown>> = columns ?? {}
  const has = contextFields.some((name) => mapped[name] !== undefined || name in value)
  return has ? value : { ...value, contextDirectory: '.' }
}

async function contextOf(line: Omit<TaskLine, 'id'>, directory: string): Promise<TaskContext> {
  const { context, contexts, contextFile, contextFiles, contextDirectory } = line
  if (contextFile !== undefined) return await fileContext(directory, contextFile, 'contextFile')
  if (contextFiles !== undefined) {
    const files: TaskContext[] = []
    for (const name of contextFiles) files.push(await fileContext(directory, name, 'contextFiles'))
    return { kind: 'several', contexts: files }
  }
  if (contexts !== undefined) return { kind: 'several', contexts: contexts.map(inlineContext) }
  if (contextDirectory !== undefined) {
    const path = await existing(directory, contextDirectory, 'contextDirectory')
    return { kind: 'json', value: await readDirectory(path) }
  }
  return inlineContext(context)
}

function inlineContext(context: TaskLine['context']): TaskContext {
  return typeof context === 'string'
    ? { kind: 'text', text: context }
    : { kind: 'json', value: context as Json }
}

async function fileContext(
  directory: string,
  name: string,
  field: 'contextFile' | 'contextFiles',
): Promise<TaskContext> {
  const path = await existing(directory, name, field)
  return { kind: 'file', path, format: extname(path).toLowerCase() === '.json' ? 'json' : 'text' }
}

async function existing(
  directory: string,
  name: string,
  field: 'contextFile' | 'contextFiles' | 'contextDirectory',
): Promise<string> {
  const path = resolve(directory, name)
  const found = await stat(path).catch(() => null)
  const isDirectory = field === 'contextDirectory'
  const fits = isDirectory ? found?.isDirectory() : found?.isFile()
  if (fits) return path
  const what = !found ? 'no such' : 'not a'
  const kind = isDirectory ? 'directory' : 'file'
  throw new UsageError(`${field}: ${what} ${kind}: ${name} (paths are relative to the task file: ${path})`)
}
