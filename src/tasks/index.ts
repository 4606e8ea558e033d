// Where tasks come from: a file, or a taskset of the explicit list below.
import { isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import { UsageError } from '../errors.ts'
import type { TasksConfig } from '../run-file.ts'
import { factbookOptionsSchema, factbookTaskset } from './factbook.ts'
import { taskFile } from './files.ts'
import type { Taskset } from './task.ts'

export interface TasksetEntry {
  name: string
  description: string
  options: z.ZodType
  /** Errors raised: a ZodError for bad options. */
  open(options: unknown): Taskset
}

export const taskRegistry: readonly TasksetEntry[] = [
  {
    name: 'factbook',
    description:
      'Counting, needle, multi-hop and comparison questions over country profiles of the CIA World Factbook.',
    options: factbookOptionsSchema,
    open: factbookTaskset,
  },
]

/**
 * Opens what a run file names under `tasks`; a path is relative to `baseDirectory`.
 * Errors raised: UsageError for an unknown taskset, bad options or a file of another kind.
 */
export function openTaskset(config: TasksConfig, baseDirectory: string): Taskset {
  if (typeof config === 'string') {
    return taskFile(isAbsolute(config) ? config : resolve(baseDirectory, config))
  }
  const entry = taskRegistry.find(({ name }) => name === config.taskset)
  if (!entry) {
    const names = taskRegistry.map(({ name }) => name).join(', ')
    throw new UsageError(
      `tasks: unknown taskset ${JSON.stringify(config.taskset)}; there are ${names}, or give the path of a task file`,
    )
  }
  try {
    return entry.open(config.options)
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error
    const problems = error.issues.map(({ path, message }) => `${['options', ...path].join('.')}: ${message}`)
    throw new UsageError(`tasks: taskset ${entry.name}: ${problems.join('; ')}`, { cause: error })
  }
}
