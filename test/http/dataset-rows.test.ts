// The rows of finished datasets through the API. They are those that the files hold, read by another reader.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DatasetRow, DatasetRowPage } from '../../api/http/routes/dataset-rows.ts'
import type { Dataset } from '../../api/http/routes/datasets.ts'
import { newId } from '../../src/ids.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'
import { type DatasetDoor, openDatasetDoor, readParquet } from './dataset-door.ts'

const [embedded] = backends()
let door: DatasetDoor
let directory: string

beforeAll(async () => {
  if (!embedded) throw new Error('no store')
  directory = await temporaryDirectory()
  door = await openDatasetDoor(await embedded.freshStore(), directory)
})

afterAll(async () => await door.exports.close())

describe('rows', () => {
  let dataset: Dataset
  let rows: Record<string, unknown>[]
  beforeAll(async () => {
    ;({ dataset } = await door.make({ recipe: 'sft-turns', name: 'browsed' }))
    const files = dataset.files.map(async ({ path }) => await readParquet(join(dataset.directory, path)))
    rows = (await Promise.all(files)).flat()
  })

  const page = async (query: Record<string, string>, status = 200) =>
    await door.get<DatasetRowPage & { detail: string }>(
      `/v1/datasets/${dataset.id}/rows?${new URLSearchParams(query).toString()}`,
      status,
    )
  const idsOf = (from: { values: Record<string, unknown> }[]) =>
    from.map(({ values }) => `${String(values['trajectory_id'])} ${String(values['turn'])}`)
  const wanted = (some: Record<string, unknown>[]) =>
    some.map((row) => `${String(row['trajectory_id'])} ${String(row['turn'])}`)

  test('pages hold every row once, in the order of the files', async () => {
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const part: DatasetRowPage = await page({ limit: '70', ...(cursor === '' ? {} : { cursor }) })
      expect(part.total).toBe(rows.length)
      seen.push(...idsOf(part.rows))
      cursor = part.next
    }
    expect(seen).toEqual(wanted(rows))
    const test_ = await page({ split: 'test', limit: '1' })
    expect(test_.total).toBe(dataset.files.find(({ split }) => split === 'test')?.rows)
  })

  test('a condition and a sort hold over the whole dataset', async () => {
    const found = await page({
      where: 'reward >= 0.5 and turn = 0',
      sort: 'reward',
      order: 'down',
      limit: '100',
    })
    const expected = rows.filter(({ reward, turn }) => Number(reward) >= 0.5 && Number(turn) === 0)
    expect(found.total).toBe(expected.length)
    expect(expected.length).toBeGreaterThan(5)
    expect(new Set(idsOf(found.rows))).toEqual(new Set(wanted(expected).slice(0, 100)))
    const rewards = found.rows.map(({ values }) => Number(values['reward']))
    expect(rewards).toEqual(rewards.toSorted((a, b) => b - a))
  })

  test.each([
    [
      'not reward < 0.5 or turn in (0, 1)',
      (row: Record<string, unknown>) => !(Number(row['reward']) < 0.5) || Number(row['turn']) <= 1,
    ],
    [
      'prompt contains CONTEXT',
      (row: Record<string, unknown>) => /context/i.test(JSON.stringify(row['prompt'])),
    ],
    ['reward is null', (row: Record<string, unknown>) => row['reward'] === null],
    [
      '0 < reward < 0.7',
      (row: Record<string, unknown>) => Number(row['reward']) > 0 && Number(row['reward']) < 0.7,
    ],
  ])('%s', async (where, meets) => {
    expect((await page({ where, limit: '1' })).total).toBe(rows.filter(meets).length)
  })

  test.each([
    ['rewrd > 1', '"rewrd" is not a column; the columns are '],
    ['reward > high', 'reward is a number, "high" is none'],
    ['prompt = x', 'prompt is no single value'],
    ['trajectory_id > 3', 'is for numbers and times'],
    ['reward > 1; drop table x', 'cannot be read here'],
    ['reward > 1 union select 1', 'is not expected here'],
    ["run_id = '' or ''='", 'cannot be read here'],
  ])('where %s is refused at its place', async (where, message) => {
    expect((await page({ where }, 400)).detail).toContain(message)
  })

  test('a condition that is too deep is refused', async () => {
    expect((await page({ where: `${'('.repeat(2000)}reward > 1` }, 400)).detail).toContain('parentheses deep')
  })

  test('texts of a condition are values, never statements', async () => {
    for (const text of ["x' or 1=1 --", '$1', "'; copy (select 1) to 'x'", '%', '\\']) {
      const quoted = text.includes("'") ? `"${text}"` : `'${text}'`
      expect((await page({ where: `run_id = ${quoted}` })).total).toBe(0)
    }
    expect((await page({ sort: 'reward; drop table x' }, 400)).detail).toContain('is not a column')
    expect((await page({ sort: 'prompt' }, 400)).detail).toContain('no single value')
  })

  test('long texts are cut, and one row has them whole', async () => {
    const [row] = (await page({ characters: '5', limit: '1', sort: 'turn', order: 'down' })).rows
    expect(row?.cut).toContain('completion.0.content')
    const { values } = await door.get<DatasetRow>(`/v1/datasets/${dataset.id}/rows/${row?.file}/${row?.row}`)
    const whole = rows.find((one) => wanted([one])[0] === idsOf([{ values }])[0])
    expect(values['completion']).toEqual(whole?.['completion'])
    await door.get(`/v1/datasets/${dataset.id}/rows/0/9999999`, 404)
    await door.get(`/v1/datasets/${dataset.id}/rows/99/0`, 404)
  })

  test('several recipes are browsed by config, JSON lines by line', async () => {
    const several = await door.make({ recipe: ['kto', 'rl-prompts'], name: 'several' })
    const address = `/v1/datasets/${several.dataset.id}/rows`
    const names = async (query: string) =>
      (await door.get<DatasetRowPage>(`${address}?limit=1&${query}`)).columns.map(({ name }) => name)
    expect(await names('')).toContain('label')
    expect(await names('config=rl-prompts')).toContain('reward_model')
    const nested = await door.get<DatasetRowPage>(
      `${address}?config=rl-prompts&sort=extra_info.index&order=down&where=extra_info.index%20%3E%203`,
    )
    expect(nested.total).toBe(26)
    await door.get(`${address}?config=odd`, 404)
    const lines = await door.make({ recipe: 'kto', name: 'lines', format: 'jsonl' })
    const read = await door.get<DatasetRowPage>(
      `/v1/datasets/${lines.dataset.id}/rows?limit=2&split=train&cursor=1`,
    )
    const file = lines.dataset.files.find(({ split }) => split === 'train')
    const text = await readFile(join(lines.dataset.directory, file?.path ?? ''), 'utf8')
    expect(read.rows.map(({ row }) => row)).toEqual([1, 2])
    expect(text.split('\n')[1]?.startsWith(String(read.rows[0]?.values['line']))).toBe(true)
  })

  test('a file that is broken or gone is told, without its path', async () => {
    const broken = join(directory, 'broken')
    await mkdir(broken)
    await writeFile(join(broken, 'train.parquet'), 'no parquet at all')
    const facts = {
      name: 'b',
      recipe: 'b',
      recipeVersion: '1',
      selection: {},
      options: {},
      rows: 1,
      funnel: [],
      scripted: true,
      schemaVersion: 1,
    }
    for (const [file, status] of [
      ['train.parquet', 400],
      ['gone.parquet', 404],
    ] as const) {
      const id = newId()
      await door.store.addDataset({ ...facts, id, directory: broken, files: [{ path: file, rows: 1 }] })
      const response = await door.app.request(`/v1/datasets/${id}/rows`)
      expect(response.status).toBe(status)
      expect(await response.text()).not.toContain(directory)
    }
  })
})
