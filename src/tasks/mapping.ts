// From a row of somebody's file to a task row: which column is the prompt, the context, the answer and
// what else is kept. Without a mapping a row has the field names of a task line itself.
import { z } from 'zod'
import { UsageError } from '../errors.ts'

const column = z.string().min(1)

export const columnsSchema = z
  .strictObject({
    id: column
      .optional()
      .meta({ description: 'Default: the column `id`, else the number of the line or row.' }),
    prompt: column.meta({
      description: 'A column, or a text with columns in braces: "{question} ({unit})".',
    }),
    context: column.optional(),
    contextFile: column.optional().meta({ description: 'A column that names a file.' }),
    contextDirectory: column.optional().meta({ description: 'A column that names a directory.' }),
    answer: column.optional(),
    metadata: z
      .union([z.literal('*'), z.array(column)])
      .default([])
      .meta({ description: 'Columns to keep; "*" keeps all that are not used otherwise.' }),
    json: z
      .array(column)
      .default([])
      .meta({ description: 'Columns whose texts are JSON, such as a list of answers in a CSV.' }),
  })
  .meta({ id: 'ColumnMapping' })
export type Columns = z.output<typeof columnsSchema>

const fields = ['id', 'context', 'contextFile', 'contextDirectory', 'answer'] as const

/** Null, or the columns that have to be read; a mapping that keeps everything needs them all. */
export function columnsToRead(columns: Columns | undefined): string[] | undefined {
  if (!columns || columns.metadata === '*') return undefined
  const named = fields.flatMap((field) => columns[field] ?? [])
  const names = [columns.id ?? 'id', ...named, ...promptColumns(columns.prompt), ...columns.metadata]
  return [...new Set(names.map((name) => name.split('.')[0] ?? name))]
}

/**
 * The task row of a row, still to be checked by `taskLineSchema`. Errors raised: UsageError naming the
 * column that a row lacks or whose text is not JSON.
 */
export function mapRow(row: unknown, columns: Columns, defaultId: string | number): Record<string, unknown> {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    throw new UsageError(`expected an object with the columns, got ${JSON.stringify(row)?.slice(0, 40)}`)
  }
  const cells = parseJsonCells(row as Record<string, unknown>, columns.json)
  const task: Record<string, unknown> = { prompt: promptOf(cells, columns.prompt) }
  for (const field of fields) {
    const name = columns[field]
    if (name !== undefined) task[field] = required(cells, name, field)
  }
  if (columns.id === undefined) task['id'] = cells['id'] ?? defaultId
  const used = new Set([...fields.flatMap((field) => columns[field] ?? []), ...promptColumns(columns.prompt)])
  const kept =
    columns.metadata === '*'
      ? Object.keys(cells).filter((name) => !used.has(name) && name !== 'id')
      : columns.metadata
  task['metadata'] = Object.fromEntries(kept.map((name) => [name, valueAt(cells, name) ?? null]))
  return task
}

function parseJsonCells(cells: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  const parsed = { ...cells }
  for (const name of names) {
    const text = parsed[name]
    if (typeof text !== 'string') continue
    try {
      parsed[name] = JSON.parse(text)
    } catch (error) {
      throw new UsageError(
        `${name}: not valid JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 120)}`,
        {
          cause: error,
        },
      )
    }
  }
  return parsed
}

function required(cells: Record<string, unknown>, name: string, field: string): unknown {
  const value = valueAt(cells, name)
  if (value === undefined || value === null) {
    const there = Object.keys(cells).slice(0, 20).join(', ')
    throw new UsageError(
      `${field}: ${value === null ? 'nothing in' : 'there is no'} column ${JSON.stringify(name)}; the row has ${there}`,
    )
  }
  return value
}

const placeholder = /\{([^{}\s][^{}]*)\}/g

function promptColumns(prompt: string): string[] {
  const names = [...prompt.matchAll(placeholder)].map((found) => found[1] ?? '')
  return names.length > 0 ? names : [prompt]
}

function promptOf(cells: Record<string, unknown>, prompt: string): unknown {
  if (!prompt.includes('{')) return required(cells, prompt, 'prompt')
  return prompt.replaceAll(placeholder, (_whole, name: string) => {
    const value = required(cells, name, 'prompt')
    return typeof value === 'string' ? value : JSON.stringify(value)
  })
}

/** A column by its name, or a field inside one: `meta.source`. */
function valueAt(cells: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(cells, name)) return cells[name]
  let current: unknown = cells
  for (const part of name.split('.')) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined
    current = (current as Record<string, unknown>)[part]
  }
  return current
}
