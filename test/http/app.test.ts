import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { createApp } from '../../api/http/app.ts'
import type { Api } from '../../api/http/app.ts'
import { createClient } from '../../api/http/client.ts'
import { callBodySchema, cellTextsSchema } from '../../api/http/routes/trajectories.ts'
import { trajectoryItemSchema, trajectoryTreeSchema } from '../../api/http/tree.ts'
import { problemSchema } from '../../api/http/problem.ts'
import { groupDetailSchema } from '../../api/http/routes/run-trajectories.ts'
import { runItemSchema, runSchema } from '../../api/http/routes/runs.ts'
import { newId } from '../../src/ids.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'
import { hostile } from './hostile.ts'
import { makeSample } from './sample.ts'
import type { Sample } from './sample.ts'

const [embedded] = backends()
let directory: string
let sample: Sample
let app: Api
const errors: unknown[] = []
const datasetId = newId()

beforeAll(async () => {
  directory = await temporaryDirectory()
  if (!embedded) throw new Error('no store')
  sample = await makeSample(await embedded.freshStore(), directory)
  const exported = join(directory, 'export')
  await mkdir(exported)
  await writeFile(join(exported, 'train.parquet'), '0123456789')
  await writeFile(join(exported, 'empty.jsonl'), '')
  await writeFile(join(directory, 'secret.txt'), 'secret')
  await symlink(join(directory, 'secret.txt'), join(exported, 'link.jsonl'))
  const paths = ['train.parquet', '../secret.txt', 'link.jsonl', 'gone.jsonl', 'empty.jsonl', '.']
  await sample.store.addDataset({
    id: datasetId,
    name: 'refunds',
    recipe: 'sft',
    recipeVersion: '1',
    selection: {},
    options: {},
    directory: exported,
    files: paths.map((path) => ({ path, rows: 1, bytes: 10, sha256: 'ab'.repeat(32) })),
    rows: 1,
    funnel: [],
    scripted: true,
    schemaVersion: 1,
  })
  app = createApp(sample.store, { webDirectory: null, onError: (error) => errors.push(error) })
})

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  return problemSchema.strict().parse(await response.json())
}

describe('reading', () => {
  test('runs come in pages, without their configuration', async () => {
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const response = await app.request(`/v1/runs?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      const page = (await response.json()) as { items: unknown[]; next: string | null }
      for (const item of page.items) seen.push(runItemSchema.strict().parse(item).id)
      cursor = page.next
    } while (cursor)
    expect(seen).toHaveLength(5)
    expect(seen[0]).toBe(sample.runId)
    expect(new Set(seen).size).toBe(5)
  })

  test('a run is found by id, by part of it, and as latest', async () => {
    for (const reference of [sample.runId, sample.runId.slice(-8), 'latest']) {
      const response = await app.request(`/v1/runs/${reference}`)
      expect(runSchema.strict().parse(await response.json()).id).toBe(sample.runId)
    }
  })

  test('trajectories are filtered, sorted and paged in the store, and their answers are cut', async () => {
    const response = await app.request(`/v1/runs/latest/trajectories?limit=200`)
    const { items, next } = (await response.json()) as { items: unknown[]; next: string | null }
    expect(next).toBeNull()
    const first = trajectoryItemSchema.strict().parse(items[0])
    expect(first.answer?.truncated).toBe(true)
    const run = sample.filledRunId
    const where = encodeURIComponent('stop_reason = answered and turns > 2')
    const seen: { turns: number; reward: number | null; stopReason: string | null }[] = []
    let cursor = ''
    do {
      const page = await app.request(
        `/v1/runs/${run}/trajectories?where=${where}&sort=reward&order=down&limit=6${cursor}`,
      )
      const body = (await page.json()) as { items: typeof seen; next: string | null }
      seen.push(...body.items)
      cursor = body.next === null ? '' : `&cursor=${body.next}`
    } while (cursor !== '')
    expect(seen.length).toBeGreaterThan(6)
    expect(seen.every((row) => row.turns > 2 && row.stopReason === 'answered')).toBe(true)
    const rewards = seen.flatMap((row) => row.reward ?? [])
    expect(rewards).toEqual(rewards.toSorted((a, b) => b - a))
    const statistics = await (await app.request(`/v1/runs/${run}/statistics?where=${where}`)).json()
    expect(statistics).toMatchObject({ trajectories: seen.length, reward: { count: rewards.length } })
    const mistake = await app.request(`/v1/runs/${run}/trajectories?where=rewrd%20%3E%201`)
    expect(mistake.status).toBe(400)
    expect((await problemOf(mistake)).detail).toMatch(/"rewrd" is not a field.*position 1/)
  })

  test('the tree has every node, no message body, and stays small', async () => {
    const response = await app.request(`/v1/trajectories/${sample.made.trajectory.id}`)
    const text = await response.text()
    expect(text.length).toBeLessThan(60_000)
    const tree = trajectoryTreeSchema.strict().parse(JSON.parse(text))
    expect(tree.invocations.map((invocation) => invocation.turns.length)).toEqual([5, 2])
    const cell = tree.invocations[0]?.turns[2]?.cells[0]
    expect(cell?.stdout).toMatchObject({ truncated: true })
    expect(cell?.stdout.characters).toBeGreaterThan(300_000)
    expect(cell?.calls.map((call) => [call.kind, call.messages])).toEqual([
      ['rlm', 1],
      ['llm', 1],
    ])
    expect(tree.task?.answer).toBe('C-1043, 119.80')
    expect(tree.invocations[0]?.turns[1]?.cells[0]?.calls[7]?.error?.code).toBe('rate_limit')
  })

  test('the raw file is the trajectory, character for character', async () => {
    const { id, invocations } = sample.made.trajectory
    const response = await app.request(`/v1/trajectories/${id}/raw`)
    expect(response.headers.get('content-disposition')).toContain('attachment')
    const raw = (await response.json()) as typeof sample.made.trajectory
    expect(raw).toEqual(JSON.parse(JSON.stringify(await sample.store.readTrajectory(id))))
    const texts = (list: typeof invocations) =>
      list.flatMap(({ turns }) =>
        turns.flatMap(({ call, cells }) => [
          call.messages,
          call.response.text,
          ...cells.map(({ code, stdout, stderr, calls }) => [
            code,
            stdout,
            stderr,
            calls.map((one) => one.response),
          ]),
        ]),
      )
    expect(JSON.stringify(texts(raw.invocations)).length).toBe(JSON.stringify(texts(invocations)).length)
  })

  test('one call and one cell come by themselves, cut at a limit, with the way to the whole', async () => {
    const { trajectory, ids } = sample.made
    const call = await app.request(`/v1/calls/${trajectory.id}/${ids.hostileCall}`)
    const body = callBodySchema.strict().parse(await call.json())
    expect(body.messages[0]?.content.startsWith(hostile)).toBe(true)
    expect(body.cut).toEqual([])
    const wanted = trajectory.invocations[0]?.turns[2]?.cells[0]
    const cell = await app.request(`/v1/cells/${trajectory.id}/${wanted?.id}?limit=1000`)
    const cut = cellTextsSchema.strict().parse(await cell.json())
    expect(cut.stdout).toBe(wanted?.stdout.slice(0, 1000))
    const part = cut.cut.find((one) => one.part === 'stdout')
    expect(part?.length).toBe(wanted?.stdout.length)
    const whole = await app.request(part?.href ?? '')
    expect(whole.headers.get('content-type')).toContain('text/plain')
    expect(await whole.text()).toBe(wanted?.stdout)
    expect((await app.request(`/v1/texts/${trajectory.id}/cell/${wanted?.id}/message-0`)).status).toBe(404)
  })

  test('search leads to the cell, with the words marked', async () => {
    const response = await app.request('/v1/search?text=most_common&fields=code')
    expect([response.status, errors]).toEqual([200, []])
    const { items } = (await response.json()) as {
      items: { id: string; kind: string; fragments: { parts: { text: string; match: boolean }[] }[] }[]
    }
    expect(items.map((hit) => hit.id)).toContain(sample.made.ids.batchCell)
    const marked = items[0]?.fragments[0]?.parts.find((part) => part.match)
    expect(marked?.text).toBe('most_common')
    expect((await app.request('/v1/search?text=--')).status).toBe(400)
    expect((await app.request('/v1/search?text=a&fields=odd')).status).toBe(400)
  })

  test('a group has its rollouts with advantages and the first cell in which they differ', async () => {
    const { taskId } = sample.made.trajectory
    const address = `/v1/runs/latest/group?task=${encodeURIComponent(taskId)}`
    const group = groupDetailSchema.strict().parse(await (await app.request(address)).json())
    expect(group.rollouts.map((row) => row.rollout)).toEqual([0, 1])
    expect(group.firstDifference).toMatchObject({ position: 1 })
    expect(group.firstDifference?.cells[0]?.cellId).toBe(sample.made.ids.batchCell)
    const centered = await (await app.request(`/v1/runs/${sample.filledRunId}/groups?limit=2`)).json()
    const [first] = (centered as { items: { taskId: string }[] }).items
    const scored = await app.request(
      `/v1/runs/${sample.filledRunId}/group?task=${first?.taskId}&method=grpo_centered`,
    )
    const { rollouts } = groupDetailSchema.parse(await scored.json())
    const sum = rollouts.reduce((total, row) => total + (row.advantage ?? 0), 0)
    expect(sum).toBeCloseTo(0, 9)
    expect((await app.request(`${address}&method=odd`)).status).toBe(400)
    expect((await app.request('/v1/runs/latest/group?task=none')).status).toBe(404)
  })

  test('runs are compared task by task', async () => {
    const response = await app.request(`/v1/compare?runs=${sample.filledRunId},latest`)
    const body = (await response.json()) as { runs: unknown[]; tasks: { means: unknown[] }[] }
    expect(body.runs).toHaveLength(2)
    expect(body.tasks[0]?.means).toHaveLength(2)
    expect((await app.request('/v1/compare?runs=')).status).toBe(400)
  })

  test('the typed client reads the same', async () => {
    const client = createClient('http://localhost', { fetch: app.request as typeof fetch })
    const response = await client.v1.runs[':run'].$get({ param: { run: 'latest' } })
    if (!response.ok) throw new Error('no run')
    const run = await response.json()
    expect(run.name).toBe('refunds-qwen3-coder')
  })

  test('health says which store answers', async () => {
    const response = await app.request('/v1/health')
    expect(await response.json()).toMatchObject({
      status: 'ok',
      store: { embedded: false },
    })
  })
})

describe('mistakes', () => {
  test.each([
    ['/v1/runs/ffffffff', 404],
    ['/v1/trajectories/ffffffff', 404],
    ['/v1/runs/a%00b', 400],
    ['/v1/runs?limit=0', 400],
    ['/v1/runs?limit=100000', 400],
    ['/v1/runs?cursor=nonsense', 400],
    ['/v1/runs/latest/trajectories?status=odd', 400],
    ['/v1/nothing', 404],
    ['/nothing', 404],
    ['/v1/datasets/ffffffff', 404],
  ])('%s is a problem with status %d', async (path, status) => {
    const response = await app.request(path)
    expect(response.status).toBe(status)
    const problem = await problemOf(response)
    expect(problem.status).toBe(status)
    expect(problem.detail).not.toMatch(/nonsense|odd|100000/)
  })

  test('a call of another trajectory is not found', async () => {
    const response = await app.request(`/v1/calls/${sample.made.trajectory.id}/${newId()}`)
    expect(response.status).toBe(404)
  })

  test('what cannot be done is refused, and a large body too', async () => {
    const headers = { 'content-type': 'application/json' }
    const response = await app.request('/v1/runs', { method: 'POST', body: '{}', headers })
    expect(response.status).toBe(409)
    expect((await problemOf(response)).detail).toContain('descent collect')
    const odd = await app.request('/v1/health', { method: 'DELETE' })
    expect(odd.status).toBe(404)
    const broken = await app.request('/v1/runs/latest/tags', { method: 'PUT', body: '{', headers })
    expect(broken.status).toBe(400)
    const large = await app.request('/v1/runs', { method: 'POST', body: 'x'.repeat(2_000_000), headers })
    expect(large.status).toBe(413)
    expect((await problemOf(large)).code).toBe('body_too_large')
  })

  test('an unexpected error shows nothing of itself', async () => {
    const broken = createApp(
      { ...sample.store, listRuns: () => Promise.reject(new Error('select secret from runs')) },
      { webDirectory: null, onError: (error) => errors.push(error) },
    )
    const response = await broken.request('/v1/runs')
    expect(response.status).toBe(500)
    expect(JSON.stringify(await problemOf(response))).not.toContain('select')
    expect(String(errors.at(-1))).toContain('select secret')
  })
})

describe('guards', () => {
  test.each(['localhost:4477', '127.0.0.1', '[::1]:80', 'LOCALHOST', '127.8.0.1:1'])(
    'Host %s is answered',
    async (host) => {
      expect((await app.request('/v1/health', { headers: { host } })).status).toBe(200)
    },
  )

  test.each([
    'evil.example',
    'localhost.evil.example:80',
    '127.0.0.1.evil.example',
    '192.168.0.1',
    '',
    'a b',
    '127.0.0.999',
  ])('Host %j is refused', async (host) => {
    const response = await app.request('/v1/health', { headers: { host } })
    expect(response.status).toBe(403)
    expect((await problemOf(response)).code).toBe('foreign_host')
  })

  test('every answer carries the headers, and no other origin is let in', async () => {
    for (const path of ['/', '/v1/runs', '/v1/nothing', '/openapi.json', '/v1/runs?limit=0']) {
      const response = await app.request(path, { headers: { origin: 'https://evil.example' } })
      const policy = response.headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'; script-src 'self';")
      expect(policy).not.toContain('unsafe')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
      expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin')
    }
  })
})

describe('datasets', () => {
  function file(index: number | string, headers: Record<string, string> = {}) {
    return app.request(`/v1/datasets/${datasetId}/files/${index}`, { headers })
  }

  test('are listed and read', async () => {
    const list = (await (await app.request('/v1/datasets')).json()) as {
      items: { id: string; files: number }[]
    }
    expect(list.items).toMatchObject([{ id: datasetId, files: 6 }])
    const one = (await (await app.request(`/v1/datasets/${datasetId}`)).json()) as {
      files: { path: string }[]
    }
    expect(one.files[0]).toMatchObject({ index: 0, path: 'train.parquet', bytes: 10 })
  })

  test('a file is sent whole', async () => {
    const response = await file(0)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe('10')
    expect(response.headers.get('content-disposition')).toContain('filename="train.parquet"')
    expect(await response.text()).toBe('0123456789')
    expect(await (await file(4)).text()).toBe('')
  })

  test.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=5-999', 206, '56789', 'bytes 5-9/10'],
    ['bytes=0-1,3-4', 200, '0123456789', null],
    ['bytes=4-2', 200, '0123456789', null],
    ['lines=0-1', 200, '0123456789', null],
  ])('Range %s', async (range, status, body, contentRange) => {
    const response = await file(0, { range })
    expect(response.status).toBe(status)
    expect(await response.text()).toBe(body)
    expect(response.headers.get('content-range')).toBe(contentRange)
  })

  test('a range past the end is refused with the size, and a stale If-Range gives the whole file', async () => {
    const response = await file(0, { range: 'bytes=10-' })
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toBe('bytes */10')
    const stale = await file(0, { range: 'bytes=2-4', 'if-range': '"old"' })
    expect(stale.status).toBe(200)
    await stale.text()
  })

  test.each([1, 2, 3, 5, 6, -1, 'x'])('file %s is not sent', async (index) => {
    const response = await file(index)
    expect([400, 404]).toContain(response.status)
    expect(JSON.stringify(await problemOf(response))).not.toContain('secret')
  })

  test('a dataset outside the export roots is not sent', async () => {
    const elsewhere = createApp(sample.store, { webDirectory: null, exportRoots: [join(directory, 'other')] })
    expect((await elsewhere.request(`/v1/datasets/${datasetId}/files/0`)).status).toBe(404)
    const within = createApp(sample.store, { webDirectory: null, exportRoots: [directory] })
    const response = await within.request(`/v1/datasets/${datasetId}/files/0`)
    expect(response.status).toBe(200)
    await response.text()
  })
})

describe('the description', () => {
  test('names every route and schema, as OpenAPI 3.1', async () => {
    const document = (await (await app.request('/openapi.json')).json()) as {
      openapi: string
      paths: Record<string, unknown>
      components: { schemas: Record<string, { properties: Record<string, unknown> }> }
    }
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths).sort()).toEqual(
      expect.arrayContaining([
        '/v1/calls/{trajectory}/{call}',
        '/v1/cells/{trajectory}/{cell}',
        '/v1/datasets',
        '/v1/datasets/{id}',
        '/v1/datasets/{id}/files/{index}',
        '/v1/health',
        '/v1/runs',
        '/v1/runs/{run}',
        '/v1/runs/{run}/trajectories',
        '/v1/trajectories/{id}',
        '/v1/trajectories/{id}/raw',
      ]),
    )
    const orNull = (name: string) => ({ anyOf: [{ $ref: `#/components/schemas/${name}` }, { type: 'null' }] })
    const { schemas } = document.components
    expect(schemas['CellNode']?.properties['finalAnswer']).toEqual(orNull('Preview'))
    expect(schemas['Call']?.properties['usage']).toEqual(orNull('CallUsage'))
    expect(schemas['TrajectoryTree']?.properties['task']).toMatchObject(orNull('TaskView'))
    expect(Object.keys(schemas)).toEqual(
      expect.arrayContaining([
        'Call',
        'CallNode',
        'CellNode',
        'Problem',
        'Run',
        'Trajectory',
        'TrajectoryTree',
      ]),
    )
  })
})
