// Saved selections through the HTTP door; the same that `descent export --selection` takes.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp, type Api } from '../../api/http/app.ts'
import type { Store } from '../../src/store/index.ts'
import { backends } from '../store/backends.ts'

const [embedded] = backends()
let store: Store
let app: Api
beforeAll(async () => {
  if (!embedded) throw new Error('no store')
  store = await embedded.freshStore()
  app = createApp(store, { webDirectory: null })
})
afterAll(async () => await store.close())

async function ask(method: string, path: string, body?: unknown) {
  const init =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const response = await app.request(`/v1/selections${path}`, { method, ...init })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test('are saved, replaced, read and listed', async () => {
  expect((await ask('GET', '')).body).toEqual({ items: [] })
  const plan = { where: 'reward > 0.5', select: 'best-2', clean: ['secrets'] }
  const saved = await ask('PUT', '/good-ones', plan)
  expect(saved).toMatchObject({ status: 200, body: { name: 'good-ones', plan } })
  expect((await store.findSelection('good-ones')).plan).toEqual(plan)
  await ask('PUT', '/good-ones', { where: 'reward = 1' })
  await ask('PUT', '/all', {})
  const { body } = await ask('GET', '')
  expect(
    (body['items'] as { name: string; plan: unknown }[]).map(({ name, plan: kept }) => [name, kept]),
  ).toEqual([
    ['all', {}],
    ['good-ones', { where: 'reward = 1' }],
  ])
  expect((await ask('GET', '/good-ones')).body).toMatchObject({ plan: { where: 'reward = 1' } })
})

test.each([
  ['PUT', '/x', { where: 'rewrd > 1' }, 400, '"rewrd" is not a field'],
  ['PUT', '/x', { wher: 'reward > 1' }, 400, 'wher'],
  ['PUT', '/x', { recipeOptions: { tokenizer: '/etc' } }, 400, '`descent export` only'],
  ['PUT', '/x', { evaluation: ['/etc/passwd'] }, 400, 'evaluation'],
  ['PUT', '/..%2fx', {}, 400, 'letters, digits'],
  ['GET', '/missing', undefined, 404, 'there is no saved selection "missing"'],
])('%s %s %j is a mistake that is told', async (method, path, body, status, message) => {
  const answer = await ask(method, path, body)
  expect(answer.status).toBe(status)
  expect(JSON.stringify(answer.body)).toContain(message.replaceAll('"', '\\"'))
  await expect(store.findSelection('x')).rejects.toThrow('no saved selection')
})
