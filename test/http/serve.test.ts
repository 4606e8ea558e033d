import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { createApp } from '../../api/http/app.ts'
import { serve } from '../../api/http/serve.ts'
import type { RunningServer } from '../../api/http/serve.ts'
import { UsageError } from '../../src/errors.ts'
import type { Store } from '../../src/store/index.ts'
import { makeSecret } from '../../api/http/access.ts'
import { newId } from '../../src/ids.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'
import * as make from '../store/fixtures.ts'

const [embedded] = backends()
let store: Store

beforeAll(async () => {
  if (!embedded) throw new Error('no store')
  store = await embedded.freshStore()
})

const running: RunningServer[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

async function start(host = '127.0.0.1', port = 0): Promise<RunningServer> {
  const server = await serve({ store, host, port, webDirectory: null })
  running.push(server)
  return server
}

test('answers on the address it names, and stops at once', async () => {
  const server = await start()
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  const response = await fetch(`${server.url}/v1/health`)
  expect(response.status).toBe(200)
  await response.text()
  await server.close()
  await expect(fetch(`${server.url}/v1/health`)).rejects.toThrow('fetch failed')
})

test('refuses a Host that a page from elsewhere would send', async () => {
  const server = await start()
  const status = await new Promise((resolve, reject) => {
    const sent = request(`${server.url}/v1/runs`, { headers: { host: 'evil.example' } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject)
    sent.end()
  })
  expect(status).toBe(403)
})

test('a port in use is one clear line', async () => {
  const first = await start()
  const port = Number(new URL(first.url).port)
  const failure = await start('127.0.0.1', port).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(UsageError)
  expect((failure as UsageError).message).toMatch(
    new RegExp(`^port ${port} .* in use: choose another with --port`),
  )
  expect((failure as UsageError).message).not.toContain('\n')
})

test.each(['0.0.0.0', '::', '192.168.1.4', 'example.com', ''])('a bind to %j needs a token', async (host) => {
  await expect(start(host)).rejects.toThrow(/a token is needed first: .*descent token create/)
})

test('with a token another bind is allowed, and answers to no one without it', async () => {
  const { secret, hash } = makeSecret()
  const id = newId()
  await store.addToken({ id, name: 'reader', scope: 'read', hash, expiresAt: null })
  const server = await start('0.0.0.0')
  const url = server.url.replace('0.0.0.0', '127.0.0.1')
  expect((await fetch(`${url}/v1/runs`)).status).toBe(401)
  const headers = { authorization: `Bearer ${secret}` }
  expect((await fetch(`${url}/v1/runs`, { headers })).status).toBe(200)
  await store.revokeToken(id)
  await new Promise((resolve) => setTimeout(resolve, 2100))
  expect((await fetch(`${url}/v1/runs`, { headers })).status).toBe(401)
})

test('pages are served with their caching, and anything else leads to the first one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'descent-web-'))
  const app = createApp(store, { webDirectory: directory })
  const missing = await app.request('/')
  expect(missing.status).toBe(404)
  expect(await missing.text()).toBe(
    'The trace browser is not built yet: run `npm run build:web`, then reload.\n',
  )

  await mkdir(join(directory, 'assets'))
  await writeFile(join(directory, 'index.html'), '<!doctype html><title>Descent</title>')
  await writeFile(join(directory, 'assets', 'index-abc.js'), 'export {}')
  for (const path of ['/', '/runs/abc', '/trajectories/x']) {
    const page = await app.request(path)
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(page.headers.get('cache-control')).toBe('no-cache')
    expect(await page.text()).toContain('Descent')
  }
  const asset = await app.request('/assets/index-abc.js')
  expect(asset.headers.get('cache-control')).toContain('immutable')
  expect(asset.headers.get('content-type')).toContain('javascript')
  for (const path of ['/assets/gone.js', '/assets/..%2f..%2fetc%2fpasswd', '/v1/nothing']) {
    expect((await app.request(path)).status).toBe(404)
  }
  await rm(directory, { recursive: true })
})

test('puts what has ended into the index of full-text search', async () => {
  const { planned, runId } = await make.aPlannedRun(store, await temporaryDirectory(), {
    tasks: 3,
    rollouts: 1,
  })
  for (const { id } of planned) {
    await store.beginTrajectory(id, make.now())
    await store.endTrajectory(id, make.anEnd({ answer: 'kakapo' }), make.now())
  }
  const left: number[] = []
  const watched = {
    ...store,
    async indexForSearch(options: Parameters<Store['indexForSearch']>[0]) {
      left.push(await store.indexForSearch(options))
      return left.at(-1) ?? 0
    },
  }
  running.push(await serve({ store: watched, host: '127.0.0.1', port: 0, webDirectory: null }))
  await expect.poll(() => left.at(-1), { timeout: 10_000 }).toBe(0)
  expect((await store.search({ text: 'kakapo', runId, limit: 10 })).items).toHaveLength(3)
})
