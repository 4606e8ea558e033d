// What changes while it is looked at: judgements, server-sent events, jobs of the server.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createApp } from '../../api/http/app.ts'
import { createFeed } from '../../api/http/feed.ts'
import { openJobs } from '../../api/http/jobs.ts'
import type { Store } from '../../src/store/index.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'
import * as rows from '../store/fixtures.ts'

const [embedded] = backends()
let store: Store
let directory: string

beforeEach(async () => {
  if (!embedded) throw new Error('no store')
  store = await embedded.freshStore()
  directory = await temporaryDirectory()
})

const headers = { 'content-type': 'application/json' }
const body = (value: unknown) => ({ method: 'POST', headers, body: JSON.stringify(value) })

async function endOne(runId: string, id: string): Promise<void> {
  const place = { runId, trajectoryId: id }
  await store.beginTrajectory(id, rows.now())
  await store.append(rows.aTurnsEntries(place, 'text'))
  await store.endTrajectory(id, rows.anEnd(), rows.now())
  await store.addScores([rows.aScore(place)])
}

describe('judgements', () => {
  test('scores and labels have an author, a history, and are selected by', async () => {
    const { runId, planned } = await rows.aPlannedRun(store, directory, { tasks: 2, rollouts: 1 })
    for (const { id } of planned) await endOne(runId, id)
    const id = planned[0]?.id ?? ''
    const app = createApp(store, { webDirectory: null })
    const scored = await app.request(
      `/v1/trajectories/${id}/scores`,
      body({ value: 0.25, reason: 'half right' }),
    )
    const { items } = (await scored.json()) as { items: { reward: string; author: string; value: number }[] }
    expect(items.map(({ reward, author, value }) => [reward, author, value])).toEqual([
      ['exact', 'test', 1],
      ['human', 'human:local', 0.25],
    ])
    const labelled = await app.request(
      `/v1/trajectories/${id}/annotations`,
      body({ label: 'bad', note: 'guessed' }),
    )
    expect(await labelled.json()).toMatchObject({ target: 'trajectory', targetId: id, author: 'local' })
    const tree = await store.readSkeleton(id)
    const cell = tree.invocations[0]?.turns[0]?.cells[0]?.id
    const onCell = await app.request(
      `/v1/trajectories/${id}/annotations`,
      body({ target: 'cell', targetId: cell, label: 'good' }),
    )
    expect(onCell.status).toBe(200)
    const foreign = await app.request(
      `/v1/trajectories/${planned[1]?.id}/annotations`,
      body({ target: 'cell', targetId: cell, label: 'good' }),
    )
    expect(foreign.status).toBe(404)
    const where = encodeURIComponent('score.label = 0')
    const list = await app.request(`/v1/runs/${runId}/trajectories?where=${where}`)
    expect(((await list.json()) as { items: { id: string }[] }).items.map((row) => row.id)).toEqual([id])
    const ofRun = await app.request(`/v1/runs/${runId}/annotations?label=bad`)
    const [annotation] = ((await ofRun.json()) as { items: { id: string }[] }).items
    const removed = await app.request(`/v1/annotations/${annotation?.id}`, { method: 'DELETE' })
    expect(removed.status).toBe(200)
    const rest = await app.request(`/v1/trajectories/${id}/annotations`)
    expect(((await rest.json()) as { items: unknown[] }).items).toHaveLength(1)
    for (const wrong of [{ value: 'x', reason: 'r' }, { value: 1 }, { value: 1, reason: 'a\0b' }, []]) {
      expect((await app.request(`/v1/trajectories/${id}/scores`, body(wrong))).status).toBe(400)
    }
    const tagged = await app.request(`/v1/runs/${runId}/tags`, {
      ...body({ tags: ['a', 'b', 'a'] }),
      method: 'PUT',
    })
    expect(((await tagged.json()) as { tags: string[] }).tags).toEqual(['a', 'b'])
  })
})

/** Reads events until `enough` says so, then leaves. */
async function readEvents(
  app: ReturnType<typeof createApp>,
  path: string,
  last: string | null,
  enough: (events: { id: string; event: string; data: string }[]) => boolean,
) {
  const response = await app.request(path, last === null ? {} : { headers: { 'last-event-id': last } })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  const events: { id: string; event: string; data: string }[] = []
  let text = ''
  if (!reader) return events
  while (!enough(events)) {
    const { done, value } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
    const parts = text.split('\n\n')
    text = parts.pop() ?? ''
    for (const part of parts) {
      const fields = Object.fromEntries(
        part.split('\n').flatMap((line) => {
          const found = /^(\w+): (.*)$/.exec(line)
          return found ? [[found[1] ?? '', found[2] ?? '']] : []
        }),
      )
      if (fields['id']) events.push(fields as { id: string; event: string; data: string })
    }
  }
  await reader.cancel()
  return events
}

describe('events', () => {
  test('readers who come and go see every trajectory end, and nothing twice', async () => {
    const { runId, planned } = await rows.aPlannedRun(store, directory, { tasks: 15, rollouts: 2 })
    const app = createApp(store, { webDirectory: null, rate: { burst: 10_000, perSecond: 10_000 } })
    const path = `/v1/runs/${runId}/events`
    const work = (async () => {
      for (const { id } of planned) {
        await endOne(runId, id)
        await new Promise((resolve) => setTimeout(resolve, 15))
      }
    })()
    const readers = Array.from({ length: 20 }, async (_, at) => {
      const ended = new Set<string>()
      const ids: string[] = []
      let last: string | null = null
      while (ended.size < planned.length) {
        const wanted = 5 + at
        const events = await readEvents(
          app,
          path,
          last,
          (seen) => seen.length >= wanted || new Set([...ended, ...endedOf(seen)]).size === planned.length,
        )
        for (const id of endedOf(events)) ended.add(id)
        ids.push(...events.map((event) => event.id))
        last = events.at(-1)?.id ?? last
      }
      expect(new Set(ids).size).toBe(ids.length)
      return ended.size
    })
    await work
    expect(await Promise.all(readers)).toEqual(Array.from({ length: 20 }, () => 30))

    const one = planned[0]?.id ?? ''
    const all = await readEvents(app, `/v1/trajectories/${one}/events`, null, (seen) => seen.length === 4)
    expect(all.map(({ event }) => event).sort()).toEqual(['call', 'cell', 'trajectory', 'turn'])
    const wrong = await app.request(path, { headers: { 'last-event-id': 'x' } })
    expect(wrong.status).toBe(400)
  })

  function endedOf(events: { data: string }[]): string[] {
    return events
      .map(({ data }) => JSON.parse(data) as { id: string; status: string; reward: number | null })
      .filter(({ status, reward }) => status === 'done' && reward !== null)
      .map(({ id }) => id)
  }

  test('a feed asks once for all who follow, and keeps no queue for who is slow', async () => {
    const changes = Array.from({ length: 3000 }, (_, at) => ({ cursor: `${at}`, event: at }))
    let asked = 0
    let written = 0
    const feed = createFeed<number>(async (cursor, limit) => {
      asked += 1
      const from = cursor === null ? 0 : Number(cursor) + 1
      return await Promise.resolve(changes.slice(from, Math.min(written, from + limit)))
    }, 5)
    const aborter = new AbortController()
    const follow = async (delay: number) => {
      const seen: number[] = []
      for await (const { event } of feed.follow(null, aborter.signal)) {
        seen.push(event)
        if (delay > 0 && event % 100 === 0) await new Promise((resolve) => setTimeout(resolve, delay))
        if (event === 2999) break
      }
      return seen
    }
    const fast = Array.from({ length: 50 }, () => follow(0))
    const slow = follow(3)
    const grow = setInterval(() => (written = Math.min(3000, written + 100)), 2)
    const seen = await Promise.all([...fast, slow])
    clearInterval(grow)
    for (const list of seen) expect(list).toEqual(changes.map(({ event }) => event))
    expect(asked).toBeLessThan(1500)
    aborter.abort()
  })
})

describe('jobs', () => {
  let close: (() => Promise<void>) | null = null
  afterEach(async () => await close?.())

  test('a run is started, paused, taken up and cancelled through the API', async () => {
    await writeFile(
      join(directory, 'tasks.jsonl'),
      Array.from({ length: 6 }, (_, at) =>
        JSON.stringify({ id: `t${at}`, prompt: 'What?', context: `the code is ${at}`, answer: `${at}` }),
      ).join('\n'),
    )
    const failures: unknown[] = []
    const jobs = openJobs(store, directory, (error) => failures.push(error))
    close = () => jobs.close()
    const app = createApp(store, { webDirectory: null, jobs })
    const wrong = await app.request('/v1/runs', body({ name: 'x', tasks: 'tasks.jsonl' }))
    expect(wrong.status).toBe(400)
    expect(await wrong.text()).toContain('model')
    const file = {
      name: 'through-the-api',
      tasks: 'tasks.jsonl',
      model: { provider: 'scripted', name: 'careful' },
      subModel: { provider: 'scripted', name: 'reader' },
      rollouts: 2,
      concurrency: 2,
      rewards: ['exact'],
    }
    const started = await app.request('/v1/runs', body(file))
    const text = await started.text()
    expect([started.status, text.slice(0, 300)]).toEqual([200, expect.any(String)])
    const { id } = JSON.parse(text) as { id: string }
    const paused = await app.request(`/v1/runs/${id}/pause`, { method: 'POST' })
    expect(['interrupted', 'pending']).toContain(((await paused.json()) as { status: string }).status)
    const resumed = await app.request(`/v1/runs/${id}/resume`, { method: 'POST' })
    expect(resumed.status).toBe(200)
    const again = await app.request(`/v1/runs/${id}/resume`, { method: 'POST' })
    expect(again.status).toBe(409)
    for (let waited = 0; jobs.running(id) && waited < 300; waited++) {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(failures).toEqual([])
    const done = await (await app.request(`/v1/runs/${id}`)).json()
    expect(done).toMatchObject({ status: 'done', trajectories: 12, done: 12 })
    const second = await app.request('/v1/runs', body({ ...file, name: 'cancelled' }))
    const { id: other } = (await second.json()) as { id: string }
    const cancelled = await app.request(`/v1/runs/${other}/cancel`, { method: 'POST' })
    expect(((await cancelled.json()) as { status: string }).status).toBe('cancelled')
    expect(await store.findInterrupted((await store.findRun(other)).configHash)).toBeNull()
  })
})
