// Files of several row groups, which several threads write and one file is joined of.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { readFooter, readRows, temporaryDirectory } from './reading.ts'

const run = promisify(execFile)
const program = join(import.meta.dirname, 'export-program.ts')
const tasks = 50
const characters = 2_000_000

async function exported(before: string[] = []): Promise<string> {
  const directory = join(await temporaryDirectory(), 'set')
  const words = [...before, process.execPath, program, directory, String(tasks), String(characters)]
  const [command = '', ...options] = words
  expect((await run(command, options)).stdout).toBe(`ok ${tasks}\n`)
  return join(directory, 'data/train-00000-of-00001.parquet')
}

test('the rows of all row groups are there, in their order, and nothing else is in the file', async () => {
  const path = await exported()
  const { row_groups: groups, num_rows: count } = await readFooter(path)
  expect(groups.length).toBeGreaterThan(2)
  expect(groups.reduce((sum, group) => sum + group.num_rows, 0n)).toBe(count)
  const rows = await readRows(path)
  expect(rows.map((row) => row['task_id'])).toEqual(Array.from({ length: tasks }, (_, at) => `task-${at}`))
  expect(new Set(rows.map((row) => JSON.stringify(row['completion']).length > characters))).toEqual(
    new Set([true]),
  )
  // The pages of all columns, and the footer behind them, fill the file.
  const chunks = groups.flatMap(({ columns }) => columns.flatMap((column) => column.meta_data ?? []))
  const starts = chunks.map((chunk) => chunk.dictionary_page_offset ?? chunk.data_page_offset)
  expect(starts).toEqual(starts.toSorted((a, b) => Number(a - b)))
  expect(starts[0]).toBe(4n)
})

test('the bytes do not depend on how many cores there are', async (context) => {
  const oneCore = ['taskset', '-c', '0']
  const canPin = await run('taskset', ['-c', '0', 'true']).then(
    () => true,
    () => false,
  )
  context.skip(!canPin, 'one core cannot be chosen here: there is no taskset, or it may not')
  const [one, many] = [await readFile(await exported(oneCore)), await readFile(await exported())]
  expect(one.equals(many)).toBe(true)
})
