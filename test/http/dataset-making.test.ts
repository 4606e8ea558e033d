// Datasets in the making through the API: planned, previewed, made, watched, cancelled.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeSecret } from '../../api/http/access.ts'
import { createApp } from '../../api/http/app.ts'
import { openExports } from '../../api/http/exports.ts'
import type { Dataset } from '../../api/http/routes/datasets.ts'
import type { DatasetPreviewView, ExportView } from '../../api/http/routes/exports.ts'
import { exportDataset } from '../../src/datasets/index.ts'
import { newId } from '../../src/ids.ts'
import type { Scope } from '../../src/store/index.ts'
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

describe('before it is made', () => {
  test('a plan counts what an export then takes', async () => {
    const wanted = {
      runs: ['latest'],
      recipe: 'sft-turns',
      where: 'reward >= 0.5 and turns > 1',
      select: 'best-2',
    }
    const { configs } = await door.post<DatasetPreviewView>('/v1/datasets/plan', wanted)
    const [plan] = configs
    expect(plan?.funnel.map(({ step }) => step)).toEqual([
      'in the runs',
      'status done',
      'reward >= 0.5',
      'turns > 1',
      'best-2 of each task',
    ])
    expect(plan?.rows).toEqual([])
    const made = await exportDataset({
      store: door.store,
      runIds: [door.runId],
      recipe: 'sft-turns',
      where: wanted.where,
      select: wanted.select,
      directory: join(directory, 'planned'),
    })
    expect(made.funnel.slice(0, 5)).toEqual(plan?.funnel)
    const bySplit = Map.groupBy(made.files, ({ split }) => split)
    expect(plan?.splits.map(({ split }) => split)).toEqual([...bySplit.keys()])
    const manifest = JSON.parse(await readFile(join(directory, 'planned/manifest.json'), 'utf8')) as {
      splits: Record<string, { trajectories: number }>
    }
    for (const { split, trajectories } of plan?.splits ?? [])
      expect([split, trajectories]).toEqual([split, manifest.splits[split]?.trajectories])
  })

  async function previewed(recipe: string) {
    const wanted = { runs: [door.runId], recipe }
    const preview = await door.post<DatasetPreviewView>(
      '/v1/datasets/preview?rows=3&characters=1000000',
      wanted,
    )
    const rows = preview.configs[0]?.rows ?? []
    expect(rows).toHaveLength(3)
    expect(preview.configs[0]?.complete).toBe(true)
    const place = join(directory, `preview-${recipe}`)
    const { files } = await exportDataset({
      store: door.store,
      runIds: [door.runId],
      recipe,
      directory: place,
    })
    return { rows, files: files.map((file) => ({ ...file, path: join(place, file.path) })) }
  }

  test.each(['sft-turns', 'preference', 'rl-prompts'])(
    'the preview of %s is its first rows',
    async (recipe) => {
      const { rows, files } = await previewed(recipe)
      const file = files.find(({ split }) => split === rows[0]?.split)
      const [written] = await readParquet(file?.path ?? '')
      const plain = JSON.stringify(written, (_key, value: unknown) =>
        typeof value === 'bigint' ? Number(value) : value,
      )
      expect(rows[0]?.values).toEqual(JSON.parse(plain))
    },
  )

  test('the preview of a document is what a line holds', async () => {
    const { rows, files } = await previewed('atif')
    const texts = await Promise.all(files.map(async ({ path }) => await readFile(path, 'utf8')))
    const lines = texts.join('').split('\n')
    for (const { values } of rows)
      expect(lines).toContain(JSON.stringify((values['documents'] as unknown[])[0]))
  })

  test('long texts of a preview are cut, and named', async () => {
    const wanted = { runs: [door.runId], recipe: 'sft-turns' }
    const preview = await door.post<DatasetPreviewView>('/v1/datasets/preview?rows=1&characters=10', wanted)
    const [row] = preview.configs[0]?.rows ?? []
    expect(row?.cut).toContain('prompt.0.content')
    expect(row?.values['prompt']).toMatchObject([
      { content: expect.stringMatching(/^[^]{10}$/) as string },
      {},
    ])
  })

  test.each([
    [{ recipe: 'odd' }, 'There is no recipe'],
    [{ recipe: 'sft-turns', where: 'rewrd > 1' }, '"rewrd" is not a field'],
    [{ recipe: 'sft-turns', select: 'worst' }, 'allowed: all, correct'],
    [{ recipe: 'sft-turns', recipeOptions: { tokenizer: '/etc' } }, '`descent export` only'],
    [{ recipe: 'sft-turns', recipeOptions: { minMargin: 1 } }, 'has no option minMargin'],
    [{ recipe: 'sft-turns', evaluation: ['/etc/passwd'] }, 'evaluation'],
    [{ recipe: 'sft-turns', clean: ['odd'] }, 'odd'],
    [{ recipe: 'sft-turns', directory: '/tmp/x' }, 'directory'],
  ])('%j is a mistake that is told by the plan and by the making', async (wanted, message) => {
    for (const path of ['/v1/datasets/plan', '/v1/datasets/preview', '/v1/datasets']) {
      const { detail } = await door.post<{ detail: string }>(path, { runs: [door.runId], ...wanted }, 400)
      expect(detail).toContain(message)
    }
    await door.post('/v1/datasets/plan', { recipe: 'sft-turns', runs: ['ffffffff'] }, 404)
  })
})

describe('the making', () => {
  test('is followed to its end; the dataset is there with card and manifest', async () => {
    const started = await door.post<ExportView>('/v1/datasets', {
      runs: [door.runId],
      recipe: 'sft-turns',
      name: 'turns',
    })
    expect(['waiting', 'running']).toContain(started.status)
    const told = await (await door.app.request(`/v1/exports/${started.id}/events`)).text()
    const states = told
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => JSON.parse(line.slice(6)) as ExportView)
    const last = states.at(-1)
    expect(last).toMatchObject({ status: 'done', name: 'turns' })
    expect(last?.progress).toMatchObject({ of: 117, trajectories: 117 })
    const dataset = await door.get<Dataset>(`/v1/datasets/${last?.datasetId}`)
    expect(dataset.rows).toBe(last?.rows)
    expect(dataset.directory).toBe(join(door.root, 'turns'))
    expect(new Set(dataset.files.map(({ split }) => split))).toEqual(new Set(['train', 'test']))
    const card = await door.app.request(`/v1/datasets/${dataset.id}/card`)
    expect(await card.text()).toBe(await readFile(join(door.root, 'turns/README.md'), 'utf8'))
    const manifest = await door.get<{ datasetId: string }>(`/v1/datasets/${dataset.id}/manifest`)
    expect(manifest.datasetId).toBe(dataset.id)
    expect((await door.app.request(`/v1/datasets/${dataset.id}/audit`)).status).toBe(404)
    const figure = await door.app.request(`/v1/datasets/${dataset.id}/figures/reward.svg`)
    expect(figure.headers.get('content-type')).toBe('image/svg+xml')
    expect(figure.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await figure.text()).toMatch(/^<svg /)
    for (const other of ['gone.svg', '..%2FREADME.md', 'reward.svg%2F..'])
      expect((await door.app.request(`/v1/datasets/${dataset.id}/figures/${other}`)).status).not.toBe(200)
    const listed = await door.get<{ items: ExportView[] }>('/v1/exports')
    expect(listed.items.map(({ id }) => id)).toContain(started.id)
    const taken = { runs: [door.runId], recipe: 'kto', name: 'turns' }
    expect((await door.post<{ detail: string }>('/v1/datasets', taken, 409)).detail).toContain('already')
  })

  test.each(['../out', 'a/b', '.hidden', 'x'.repeat(81), ''])(
    'a folder named %j is refused',
    async (name) => {
      await door.post('/v1/datasets', { runs: [door.runId], recipe: 'sft-turns', name }, 400)
      expect(await readdir(directory)).not.toContain('out')
    },
  )

  test('a failure is told in its words', async () => {
    const { id } = await door.post<ExportView>('/v1/datasets', {
      runs: [door.runId],
      recipe: 'kto',
      minReward: 99,
    })
    await (await door.app.request(`/v1/exports/${id}/events`)).text()
    const failed = await door.get<ExportView>(`/v1/exports/${id}`)
    expect(failed.status).toBe('failed')
    expect(failed.error?.message).toContain('Nothing to export')
  })

  test('one that runs and one that waits are cancelled, and the first can be made again', async () => {
    const first = await door.post<ExportView>('/v1/datasets', {
      runs: [door.runId],
      recipe: 'trajectories',
      name: 'again',
    })
    const second = await door.post<ExportView>('/v1/datasets', {
      runs: [door.runId],
      recipe: 'kto',
      name: 'second',
    })
    expect((await door.post<ExportView>(`/v1/exports/${second.id}/cancel`, {})).status).toBe('cancelled')
    expect((await door.post<ExportView>(`/v1/exports/${first.id}/cancel`, {})).status).toBe('cancelled')
    await expect(readFile(join(door.root, 'again/manifest.json'))).rejects.toThrow('ENOENT')
    const { made } = await door.make({ recipe: 'trajectories', name: 'again' })
    expect(made.rows).toBe(120)
    await door.get(`/v1/exports/${newId()}`, 404)
  })

  test('a server without exports shows datasets and makes none', async () => {
    const shown = createApp(door.store, { webDirectory: null })
    await door.post('/v1/datasets/plan', { runs: [door.runId], recipe: 'sft-turns' }, 200, shown)
    const { detail } = await door.post<{ detail: string }>(
      '/v1/datasets',
      { runs: [door.runId], recipe: 'kto' },
      409,
      shown,
    )
    expect(detail).toContain('descent export')
  })
})

test('looking needs the scope read, making write', async () => {
  const fresh = await embedded?.freshStore()
  if (!fresh) throw new Error('no store')
  const secrets = new Map<Scope, string>()
  for (const scope of ['read', 'write'] as const) {
    const { secret, hash } = makeSecret()
    await fresh.addToken({ id: newId(), name: scope, scope, hash, expiresAt: null })
    secrets.set(scope, secret)
  }
  const guarded = createApp(fresh, { webDirectory: null, exports: openExports(fresh, door.root) })
  const ask = async (scope: Scope, path: string) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${secrets.get(scope)}` }
    const body = JSON.stringify({ runs: ['latest'], recipe: 'kto' })
    return (await guarded.request(path, { method: 'POST', headers, body })).status
  }
  expect(await ask('read', '/v1/datasets/plan')).toBe(404)
  expect(await ask('read', '/v1/datasets/preview')).toBe(404)
  expect(await ask('read', '/v1/datasets')).toBe(403)
  expect(await ask('read', `/v1/exports/${newId()}/cancel`)).toBe(403)
  expect(await ask('write', '/v1/datasets')).toBe(404)
})
