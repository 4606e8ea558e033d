// One line of plain words for what is wrong with a task row, from zod's first issue.
import type { z } from 'zod'

const allowed: Record<string, string> = {
  id: 'a non-empty string or a whole number',
  prompt: 'a non-empty string',
  context: 'a string, a list or an object',
  contextFile: 'a non-empty path',
  contextDirectory: 'a non-empty path',
  contexts: 'a list of contexts, each a string, a list or an object',
  contextFiles: 'a list of paths',
  answer: 'a JSON value',
  metadata: 'an object of JSON values',
}

/** `prompt: expected a non-empty string, got number`. */
export function describeRowProblem(error: z.ZodError, row: unknown): string {
  const issue = error.issues[0]
  if (!issue) return 'not a task'
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => JSON.stringify(key)).join(', ')
    return `unknown field ${keys}; allowed are ${Object.keys(allowed).join(', ')}`
  }
  const [field] = issue.path
  if (field === undefined) return `expected an object with id, prompt and context, got ${describe(row)}`
  if (issue.code === 'custom') return `${issue.path.join('.')}: ${issue.message}`
  const path = issue.path.map(String).join('.')
  const expected = (issue.path.length === 1 && allowed[String(field)]) || allowed['answer']
  return `${path}: expected ${expected}, got ${describe(valueAt(row, issue.path))}`
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined
    current = (current as Record<PropertyKey, unknown>)[key]
  }
  return current
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing (it is missing)'
  if (value === null) return 'null'
  if (value === '') return 'an empty string'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number' && !Number.isInteger(value)) return `the number ${value}`
  return typeof value === 'object' ? 'an object' : typeof value
}
