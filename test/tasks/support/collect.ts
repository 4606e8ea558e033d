// What the tests of tasksets share: tasks in an array, the one line of a mistake, Parquet from SQL.
import { DuckDBInstance } from '@duckdb/node-api'
import { expect } from 'vitest'
import { UsageError } from '../../../src/errors.ts'
import { openTaskset } from '../../../src/tasks/index.ts'
import type { Task } from '../../../src/tasks/task.ts'

export async function tasksOf(
  taskset: string,
  options: Record<string, unknown>,
  directory = process.cwd(),
): Promise<Task[]> {
  const tasks: Task[] = []
  for await (const task of openTaskset({ taskset, options }, directory).tasks()) tasks.push(task)
  return tasks
}

/** The message of the UsageError that opening or reading raises; it must be one line. */
export async function mistakeOf(
  taskset: string,
  options: Record<string, unknown>,
  directory = process.cwd(),
): Promise<string> {
  const error: unknown = await tasksOf(taskset, options, directory).then(
    () => null,
    (raised: unknown) => raised,
  )
  expect(error).toBeInstanceOf(UsageError)
  const { message } = error as UsageError
  expect(message).not.toContain('\n')
  return message
}

/** Writes the rows of a query, in which paths may be named, to a Parquet file. */
export async function writeParquet(file: string, query: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`copy (${query}) to '${file}' (format parquet)`)
  connection.closeSync()
  instance.closeSync()
}

/** A context as one text, whatever its form. */
export function textOf({ context }: Task): string {
  if (context.kind === 'text') return context.text
  return context.kind === 'json' ? Object.values(context.value as Record<string, string>).join('\n') : ''
}
