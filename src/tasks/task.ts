// A task: one problem. Only the REPL sees its context; only the prompt reaches the root's messages.
import { z } from 'zod'
import { hashOf } from '../hash.ts'
import type { Json } from '../json.ts'

export const contextSchema = z.union([z.string(), z.array(z.json()), z.record(z.string(), z.json())])

export const contextFields = [
  'context',
  'contextFile',
  'contextDirectory',
  'contexts',
  'contextFiles',
] as const
/** A task may have so many contexts. */
export const mostContexts = 100

/** One line of a task file. Exactly one of the fields of a context is given. */
export const taskLineSchema = z
  .strictObject({
    id: z.union([z.string().min(1), z.number().int()]).transform(String),
    prompt: z.string().min(1),
    context: contextSchema.optional(),
    /** Relative to the task file. `.json` is read as JSON, anything else as UTF-8 text. */
    contextFile: z.string().min(1).optional(),
    /** Relative to the task file. Its files become one object, name to text. */
    contextDirectory: z.string().min(1).optional(),
    /** Several contexts: `context_0`, `context_1`, …; `context` is the first. */
    contexts: z.array(contextSchema).min(1).max(mostContexts).optional(),
    /** Likewise, each as `contextFile`. */
    contextFiles: z.array(z.string().min(1)).min(1).max(mostContexts).optional(),
    answer: z.json().optional(),
    metadata: z.record(z.string(), z.json()).default({}),
  })
  .refine((line) => contextFields.filter((name) => line[name] !== undefined).length === 1, {
    message:
      'give exactly one of "context" and "contextFile" (or "contextDirectory", "contexts", "contextFiles")',
    path: ['context'],
  })
  .meta({ id: 'TaskLine', description: 'One task of a task file.' })
export type TaskLine = z.input<typeof taskLineSchema>

export type TaskContext =
  | { kind: 'text'; text: string }
  | { kind: 'json'; value: Json }
  | { kind: 'file'; path: string; format: 'text' | 'json' }
  | { kind: 'several'; contexts: TaskContext[] }

export interface Task {
  id: string
  prompt: string
  context: TaskContext
  /** The gold answer; null when the task has none. */
  answer: Json
  metadata: Record<string, Json>
}

/** What the metadata message tells of a context, as Python counts it: `len` of a str is code points. */
export interface ContextFacts {
  type: 'str' | 'list' | 'dict'
  characters: number
}

/** A source of tasks. `tasks` may be iterated more than once and gives the same tasks each time. */
export interface Taskset {
  name: string
  tasks(): AsyncIterable<Task>
  /** Rows left out so far, when bad rows are to be skipped and not refused. */
  skipped?: () => SkippedRows
  /** Why its tasks may not be written to a store; absent when they may. */
  refusesStorage?: string
}

export interface SkippedRows {
  count: number
  /** The first few, each with its place and what is wrong with it. */
  examples: string[]
}

/** The content hash of a task (hex SHA-256): its identity over runs and files. */
export function taskHash(task: Omit<Task, 'id' | 'context'>, contextHash: string): string {
  return hashOf({ prompt: task.prompt, context: contextHash, answer: task.answer, metadata: task.metadata })
}
