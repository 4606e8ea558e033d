// Rows for trainers: the same in every format, with bounded memory, and batches that are handed out once.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { tableFromIPC } from 'apache-arrow'
import { parquetReadObjects } from 'hyparquet'
import { beforeAll, describe, expect, test } from 'vitest'
import { createApp, type Api } from '../../api/http/app.ts'
import { streamOf } from '../../api/http/stream.ts'
import type { Store } from '../../src/store/index.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'
import { fillStore } from '../support/fill.ts'

const [embedded] = backends()
let store: Store
let runId: string
let app: Api
let directory: string

beforeAll(async () => {
  if (!embedded) throw new Error('no store')
  store = await embedded.freshStore()
  directory = await temporaryDirectory()
  const [first = ''] = await fillStore(store, { runs: 1, tasks: 30, rollouts: 4, calls: 4, directory })
  runId = first
  app = createApp(store, { webDirectory: null })
})

describe('rows', () => {
  test('Arrow, Parquet and JSON lines hold the same rows', async () => {
    const query = `run=${runId}&where=${encodeURIComponent('reward >= 0.5')}`
    const read = async (format: string) => {
      const response = await app.request(`/v1/rows/sft-turns?${query}&format=${format}`)
      expect(response.status).toBe(200)
      return new Uint8Array(await response.arrayBuffer())
    }
    const table = tableFromIPC(await read('arrow'))
    const lines = new TextDecoder()
      .decode(await read('jsonl'))
      .trim()
      .split('\n')
    const parquet = join(directory, 'rows.parquet')
    await writeFile(parquet, await read('parquet'))
    const bytes = await readFile(parquet)
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
    const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) }
    const rows = (await parquetReadObjects({ file, compressors })) as { trajectory_id?: string }[]
    expect(table.numRows).toBeGreaterThan(50)
    expect(lines).toHaveLength(table.numRows)
    expect(rows).toHaveLength(table.numRows)
    const named = table.schema.fields.map((field) => field.name)
    expect(Object.keys(JSON.parse(lines[0] ?? '{}') as object)).toEqual(named)
    const column = table.getChild('trajectory_id')
    expect(rows[7]?.trajectory_id).toBe(column?.get(7))
    expect((JSON.parse(lines[7] ?? '{}') as { trajectory_id?: string }).trajectory_id).toBe(column?.get(7))
  })

  test.each([
    ['/v1/rows/odd', 'There is no recipe'],
    ['/v1/rows/sft-turns?where=rewrd%3E1', '"rewrd" is not a field'],
    ['/v1/rows/sft-turns?options=%7B', 'expected a JSON object'],
    ['/v1/rows/sft-tokens?options=%7B%22tokenizer%22%3A%22/etc%22%7D', '`descent export` only'],
    ['/v1/rows/sft-turns?minReward=99', 'Nothing to export'],
  ])('%s is a mistake that is told before the stream begins', async (path, message) => {
    const response = await app.request(path)
    expect(response.status).toBe(400)
    expect(((await response.json()) as { detail: string }).detail).toContain(message)
  })

  test('what is made waits for the reader, and ends when it leaves', async () => {
    let made = 0
    let ended: unknown = null
    const stream = streamOf(async (write) => {
      try {
        for (; made < 1000; made++) await write(new Uint8Array(1024))
      } catch (error) {
        ended = error
        throw error
      }
    })
    const reader = stream.getReader()
    await reader.read()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(made).toBeLessThan(5)
    await reader.cancel(new Error('left'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(ended).not.toBeNull()
    expect(made).toBeLessThan(6)
  })
})

test('batches are handed out once, acknowledged or given back', async () => {
  type Batch = { lease: string; groups: { taskId: string; trajectories: { advantage: number | null }[] }[] }
  const take = async () => (await (await app.request(`/v1/batches?run=${runId}&groups=4`)).json()) as Batch
  const batches = await Promise.all([take(), take(), take()])
  const tasks = batches.flatMap(({ groups }) => groups.map(({ taskId }) => taskId))
  expect(new Set(tasks).size).toBe(tasks.length)
  expect(tasks.length).toBeGreaterThan(4)
  expect(batches[0]?.groups[0]?.trajectories).toHaveLength(4)
  const end = async (lease: string | undefined, outcome: string) =>
    (await (await app.request(`/v1/batches/${lease}/${outcome}`, { method: 'POST' })).json()) as {
      groups: number
    }
  expect(await end(batches[0]?.lease, 'done')).toEqual({ groups: batches[0]?.groups.length })
  expect(await end(batches[0]?.lease, 'release')).toEqual({ groups: 0 })
  expect(await end(batches[1]?.lease, 'release')).toEqual({ groups: batches[1]?.groups.length })
  const again = await take()
  expect(again.groups.map(({ taskId }) => taskId)).toEqual(
    expect.arrayContaining(batches[1]?.groups.map(({ taskId }) => taskId) ?? []),
  )
})
