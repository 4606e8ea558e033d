// A store with a run of 30 tasks of 4 rollouts, the API over it, and what tests of datasets ask of both.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { expect } from 'vitest'
import { createApp, type Api } from '../../api/http/app.ts'
import { openExports, type Exports } from '../../api/http/exports.ts'
import type { Dataset } from '../../api/http/routes/datasets.ts'
import type { ExportView } from '../../api/http/routes/exports.ts'
import type { Store } from '../../src/store/index.ts'
import { fillStore } from '../support/fill.ts'

export interface DatasetDoor {
  store: Store
  app: Api
  exports: Exports
  runId: string
  /** Where the server puts datasets: a name that a pattern of files would read otherwise. */
  root: string
  post<T>(path: string, body: unknown, status?: number, server?: Api): Promise<T>
  get<T>(path: string, status?: number): Promise<T>
  /** Makes a dataset and waits for it. */
  make(wanted: object): Promise<{ made: ExportView; dataset: Dataset }>
}

export async function openDatasetDoor(store: Store, directory: string): Promise<DatasetDoor> {
  const root = join(directory, 'data[sets]*')
  const [runId = ''] = await fillStore(store, { runs: 1, tasks: 30, rollouts: 4, calls: 4, directory })
  const exports = openExports(store, root)
  const app = createApp(store, { webDirectory: null, exports })

  async function answerOf<T>(response: Response, status: number): Promise<T> {
    const answer = (await response.json()) as T
    expect([response.status, answer]).toEqual([status, answer])
    return answer
  }
  async function post<T>(path: string, body: unknown, status = 200, server: Api = app): Promise<T> {
    const headers = { 'content-type': 'application/json' }
    return await answerOf(
      await server.request(path, { method: 'POST', headers, body: JSON.stringify(body) }),
      status,
    )
  }
  async function get<T>(path: string, status = 200): Promise<T> {
    return await answerOf(await app.request(path), status)
  }
  async function make(wanted: object): Promise<{ made: ExportView; dataset: Dataset }> {
    const { id } = await post<ExportView>('/v1/datasets', { runs: [runId], ...wanted })
    await (await app.request(`/v1/exports/${id}/events`)).text()
    const made = await get<ExportView>(`/v1/exports/${id}`)
    expect(made).toMatchObject({ status: 'done', error: null })
    return { made, dataset: await get<Dataset>(`/v1/datasets/${made.datasetId}`) }
  }
  return { store, app, exports, runId, root, post, get, make }
}

/** The rows of a file, by a reader that is not the one of the server. */
export async function readParquet(place: string): Promise<Record<string, unknown>[]> {
  const bytes = await readFile(place)
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
  const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) }
  return (await parquetReadObjects({ file, compressors })) as Record<string, unknown>[]
}
