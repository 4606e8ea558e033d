// How a taskset of the registry is declared: a name, a schema of options, and how it is opened.
import type { z } from 'zod'
import type { Taskset } from './task.ts'

export interface TasksetEntry {
  name: string
  kind: 'file' | 'benchmark' | 'generator'
  description: string
  options: z.ZodType
  /** What has to be given for it to work, such as `path`; absent when it works as it is. */
  needs?: string
  /** `baseDirectory`: what paths in the options are relative to. Errors raised: a ZodError for bad options. */
  open(options: unknown, baseDirectory: string): Taskset
}

export function defineTaskset<Schema extends z.ZodType>(definition: {
  name: string
  kind: TasksetEntry['kind']
  description: string
  needs?: string
  options: Schema
  open(options: z.output<Schema>, baseDirectory: string): Taskset
}): TasksetEntry {
  return {
    ...definition,
    open: (options, baseDirectory) => definition.open(definition.options.parse(options ?? {}), baseDirectory),
  }
}
