// Where tasks come from: a file, or a taskset of the explicit list below.
import { isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import { UsageError } from '../errors.ts'
import type { TasksConfig } from '../run-file.ts'
import { browsecompPlus } from './benchmarks/browsecomp-plus.ts'
import { longbenchPro } from './benchmarks/longbench-pro.ts'
import { longbenchV2 } from './benchmarks/longbench-v2.ts'
import { mrcr } from './benchmarks/mrcr.ts'
import { oolongPairs } from './benchmarks/oolong-pairs.ts'
import { oolongReal } from './benchmarks/oolong-real.ts'
import { oolongSynth } from './benchmarks/oolong-synth.ts'
import { ruler } from './benchmarks/ruler.ts'
import type { TasksetEntry } from './define-taskset.ts'
import { factbookOptionsSchema, factbookTaskset } from './factbook.ts'
import { fileTaskset } from './file-taskset.ts'
import { taskFile } from './files.ts'
import { code } from './generators/code.ts'
import { labels, timeline } from './generators/labels.ts'
import { multiHop } from './generators/links.ts'
import { needles } from './generators/needles.ts'
import { pairs } from './generators/pairs.ts'
import { top } from './generators/top.ts'
import { requestsTaskset } from './requests.ts'
import type { Taskset } from './task.ts'

export type { TasksetEntry } from './define-taskset.ts'

export const taskRegistry: readonly TasksetEntry[] = [
  fileTaskset,
  {
    name: 'factbook',
    kind: 'generator',
    description:
      'Counting, needle, multi-hop and comparison questions over country profiles of the CIA World Factbook.',
    options: factbookOptionsSchema,
    open: factbookTaskset,
  },
  needles,
  labels,
  timeline,
  pairs,
  multiHop,
  top,
  code,
  oolongSynth,
  oolongReal,
  oolongPairs,
  longbenchV2,
  longbenchPro,
  ruler,
  mrcr,
  browsecompPlus,
]

/** Errors raised: UsageError that lists the names there are. */
export function findTaskset(name: string): TasksetEntry {
  const entry = taskRegistry.find((candidate) => candidate.name === name)
  if (entry) return entry
  const names = taskRegistry.map((candidate) => candidate.name).join(', ')
  throw new UsageError(
    `tasks: unknown taskset ${JSON.stringify(name)}; there are ${names}, or give the path of a task file`,
  )
}

/**
 * Opens what a run file names under `tasks`; a path is relative to `baseDirectory`.
 * Errors raised: UsageError for an unknown taskset, bad options or a file of another kind.
 */
export function openTaskset(config: TasksConfig, baseDirectory: string): Taskset {
  if (typeof config === 'string') {
    return taskFile(isAbsolute(config) ? config : resolve(baseDirectory, config))
  }
  const asked = config.taskset === requestsTaskset.name
  const entry = asked ? requestsTaskset : findTaskset(config.taskset)
  try {
    return entry.open(config.options, baseDirectory)
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error
    const problems = error.issues.map(({ path, message }) => `${['options', ...path].join('.')}: ${message}`)
    throw new UsageError(`tasks: taskset ${entry.name}: ${problems.join('; ')}`, { cause: error })
  }
}

/**
 * The same tasks, with bad rows left out and counted. Errors raised: UsageError for a taskset that makes its tasks
 * and reads no rows.
 */
export function skippingBadRows(config: TasksConfig): TasksConfig {
  if (typeof config === 'string') return { taskset: 'file', options: { path: config, skipBadRows: true } }
  const { name, options } = findTaskset(config.taskset)
  const schema = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' })
  if (JSON.stringify(schema).includes('"skipBadRows"'))
    return { ...config, options: { ...config.options, skipBadRows: true } }
  throw new UsageError(`--skip-bad-rows: the taskset ${name} reads no rows: there is nothing to leave out`)
}
