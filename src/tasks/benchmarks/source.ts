// Where the official files of a benchmark come from: a path that a person gives, or the Hub; and how
// their rows are read: checked against the benchmark's own columns, named by file and row when wrong.
import { resolve } from 'node:path'
import { z } from 'zod'
import { UsageError } from '../../errors.ts'
import { fetchFromHub, hubShape } from '../hub.ts'
import type { HubSource } from '../hub.ts'
import { seededRandom } from '../random.ts'
import { openRows, placeOf } from '../rows/index.ts'
import { badRows } from '../skip.ts'
import type { Task, Taskset } from '../task.ts'

export const sourceShape = {
  ...hubShape,
  path: z
    .string()
    .optional()
    .meta({ description: 'The official file, or a directory of them; default: from the Hub.' }),
  limit: z.number().int().min(1).optional().meta({ description: 'No more tasks than this.' }),
  sample: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .meta({ description: 'The share of the tasks to take, drawn by id and seed.' }),
  seed: z.number().int().default(0),
  skipBadRows: z.boolean().default(false),
}

export interface SourceSettings extends Omit<HubSource, 'repo'> {
  repo?: string
  path?: string
  limit?: number
  sample: number
  seed: number
  skipBadRows: boolean
}

export interface BenchmarkReading<Schema extends z.ZodType> {
  name: string
  settings: SourceSettings
  baseDirectory: string
  /** The official data set on the Hub; null when there is none and `path` has to be given. */
  repo: string | null
  /** Which of its files are wanted. */
  wanted: (path: string) => boolean
  split?: string
  row: Schema
  /** Columns to read of a table: what is never shown to a model is not even read. */
  columns?: readonly string[]
  only?: Record<string, readonly (string | number)[]>
  /** Null leaves the row out: it is not among those asked for. Errors raised: UsageError for a bad row. */
  task(row: z.output<Schema>): Task | null | Promise<Task | null>
}

/** The tasks of official files. Errors raised while iterating: UsageError. */
export function benchmarkTaskset<Schema extends z.ZodType>(reading: BenchmarkReading<Schema>): Taskset {
  const { name, settings, baseDirectory, repo, wanted, split, row: schema, columns, only } = reading
  const bad = badRows(settings.skipBadRows)
  return {
    name,
    skipped: bad.skipped,
    async *tasks() {
      bad.reset()
      const path = await locate({ name, settings, baseDirectory, repo, wanted })
      const seen = new Set<string>()
      for await (const row of openRows(path, { columns, only, split })) {
        const task = await readTask(row)
        if (!task || !isSampled(task.id, settings)) continue
        if (seen.has(task.id)) {
          const problem = `id: ${JSON.stringify(task.id)} was there before; ids must be unique`
          await bad.refuse(async () => await placeOf(row), problem)
          continue
        }
        seen.add(task.id)
        yield task
        if (seen.size === settings.limit) return
      }
      if (seen.size === 0) {
        throw new UsageError(`${name}: no task of ${path} fits the options; widen them`)
      }
    },
  }

  async function readTask(row: Parameters<typeof placeOf>[0] & { value: unknown; problem: string | null }) {
    try {
      if (row.problem !== null) throw new UsageError(row.problem)
      const parsed = schema.safeParse(row.value)
      if (!parsed.success) throw new UsageError(problemOf(parsed.error, row.value))
      return await reading.task(parsed.data)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      await bad.refuse(async () => await placeOf(row), error.message)
      return null
    }
  }
}

/** The path of the files, fetched from the Hub when none is given. Errors raised: UsageError. */
export async function locate(
  reading: Pick<BenchmarkReading<z.ZodType>, 'name' | 'settings' | 'baseDirectory' | 'repo' | 'wanted'>,
): Promise<string> {
  const { name, settings, baseDirectory, wanted } = reading
  if (settings.path !== undefined) return resolve(baseDirectory, settings.path)
  const repo = settings.repo ?? reading.repo
  if (repo === null) {
    throw new UsageError(`${name}: give the official file with \`path\`; it is not on the Hub`)
  }
  return await fetchFromHub({ ...settings, repo }, wanted)
}

function problemOf(error: z.ZodError, row: unknown): string {
  const issue = error.issues[0]
  const there =
    typeof row === 'object' && row !== null ? Object.keys(row).slice(0, 20).join(', ') : typeof row
  const field = issue && issue.path.length > 0 ? issue.path.join('.') : 'the row'
  return `${field}: ${issue?.message.replace(/^Invalid input: /, '') ?? 'not accepted'}; the row has ${there}`
}

function isSampled(id: string, { sample, seed }: SourceSettings): boolean {
  return sample >= 1 || seededRandom('sample', seed, id).next() < sample
}
