// The same routes over the real store.
import { expect, test } from 'vitest'
import { createApp } from '../../api/http/app.ts'
import { runItemSchema, runSchema } from '../../api/http/routes/runs.ts'
import { trajectoryItemSchema, trajectoryTreeSchema } from '../../api/http/tree.ts'
import { callBodySchema } from '../../api/http/routes/trajectories.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'
import * as make from '../store/fixtures.ts'

const [embedded] = backends()

test('a recorded trajectory is listed, drawn and read whole', async () => {
  if (!embedded) throw new Error('no backend')
  const store = await embedded.freshStore()
  const options = { tasks: 3, rollouts: 1, run: { name: 'recorded' } }
  const { runId, planned } = await make.aPlannedRun(store, await temporaryDirectory(), options)
  const id = planned[0]?.id ?? ''
  const place = { runId, trajectoryId: id }
  const text = `<script>\0\u{1F680}${'long '.repeat(60_000)}`
  await store.beginTrajectory(id, make.now())
  await store.append(make.aTurnsEntries(place, text))
  await store.endTrajectory(id, make.anEnd({ answer: text }), make.now())
  await store.addScores([make.aScore(place)])

  const errors: unknown[] = []
  const app = createApp(store, { webDirectory: null, onError: (error) => errors.push(error) })
  async function read(path: string): Promise<unknown> {
    const response = await app.request(path)
    expect([path, response.status]).toEqual([path, 200])
    return await response.json()
  }

  const runs = (await read('/v1/runs')) as { items: unknown[] }
  expect(runItemSchema.strict().parse(runs.items[0])).toMatchObject({ id: runId, trajectories: 3, done: 1 })
  const run = runSchema.strict().parse(await read(`/v1/runs/${runId.slice(-8)}`))
  expect(run).toMatchObject({ meanReward: 1, stopReasons: { answered: 1 } })

  const seen: string[] = []
  let cursor = ''
  while (seen.length < 4) {
    const page = (await read(`/v1/runs/latest/trajectories?limit=1${cursor}`)) as {
      items: unknown[]
      next: string
    }
    for (const item of page.items) seen.push(trajectoryItemSchema.strict().parse(item).id)
    if (page.next === null) break
    cursor = `&cursor=${page.next}`
  }
  expect(seen).toHaveLength(3)
  expect(new Set(seen).size).toBe(3)

  const tree = trajectoryTreeSchema.strict().parse(await read(`/v1/trajectories/${id}`))
  const turn = tree.invocations[0]?.turns[0]
  expect(turn?.cells[0]?.stdout).toMatchObject({ truncated: true })
  expect(tree.answer?.text.startsWith('<script>\u2400\u{1F680}')).toBe(true)
  expect(tree.task?.contextType).toBe('str')
  const call = callBodySchema.strict().parse(await read(`/v1/calls/${id}/${turn?.call.id}?limit=1000000`))
  expect(call.response.text).toBe(text)
  expect(await read(`/v1/trajectories/${id}/raw`)).toEqual(
    JSON.parse(JSON.stringify(await store.readTrajectory(id))),
  )
  expect(await read('/v1/health')).toMatchObject({ status: 'ok' })

  for (const [path, status] of [
    ['/v1/runs/ffffffff', 404],
    ['/v1/trajectories/ffffffff', 404],
    ['/v1/datasets/ffffffff', 404],
    ['/v1/runs?cursor=nonsense', 400],
  ] as const) {
    const response = await app.request(path)
    expect([path, response.status]).toEqual([path, status])
    expect(await response.text()).not.toContain('nonsense')
  }
  expect(errors).toEqual([])
})
