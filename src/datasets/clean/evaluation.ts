// The evaluation tasks that a training set must not overlap with, from tasksets or task files, and what
// each selected task shares with them. Only hashes of word sequences are kept.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TasksConfig } from '../../run-file.ts'
import type { Store } from '../../store/contract.ts'
import { openTaskset } from '../../tasks/index.ts'
import type { TaskContext } from '../../tasks/task.ts'
import { createEvaluationIndex, type EvaluationIndex, type Overlap } from './contamination.ts'

export interface Evaluation {
  index: EvaluationIndex
  /** By name, with how many tasks each has. */
  tasksets: { name: string; tasks: number }[]
}

/** `directory`: what paths are relative to. Errors raised: UsageError for what cannot be opened or read. */
export async function readEvaluation(
  wanted: readonly TasksConfig[],
  directory: string,
  signal?: AbortSignal,
): Promise<Evaluation> {
  const index = createEvaluationIndex()
  const tasksets: Evaluation['tasksets'] = []
  for (const config of wanted) {
    const taskset = openTaskset(config, directory)
    const name = typeof config === 'string' ? taskset.name : config.taskset
    let tasks = 0
    for await (const task of taskset.tasks()) {
      signal?.throwIfAborted()
      const { id, prompt, answer } = task
      index.add({ taskset: name, id, prompt, answer, context: await contextText(task.context) })
      tasks += 1
    }
    tasksets.push({ name, tasks })
  }
  return { index, tasksets }
}

async function contextText(context: TaskContext): Promise<string> {
  if (context.kind === 'text') return context.text
  if (context.kind === 'json') return JSON.stringify(context.value)
  if (context.kind === 'file') return await readFile(context.path, 'utf8')
  const parts: string[] = []
  for (const one of context.contexts) parts.push(await contextText(one))
  return parts.join('\n\n')
}

/** Looks at each task once. `scratch` holds the context while it is read. */
export function createOverlapReader(store: Store, { index }: Evaluation, scratch: string) {
  const known = new Map<string, Overlap[]>()
  return async (task: Awaited<ReturnType<Store['readTask']>>): Promise<Overlap[]> => {
    const before = known.get(task.hash)
    if (before) return before
    const path = join(scratch, 'context')
    await store.writeContext(task.hash, path)
    const context = await readFile(path, 'utf8')
    await rm(path, { force: true })
    const overlaps = index.overlapsOf({ prompt: task.prompt, answer: task.answer, context })
    known.set(task.hash, overlaps)
    return overlaps
  }
}
