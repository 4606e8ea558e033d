// Tokens, scopes, sessions, foreign pages, limits.
import { beforeEach, describe, expect, test } from 'vitest'
import { createApp, type AppOptions } from '../../api/http/app.ts'
import { makeSecret, neededScope } from '../../api/http/access.ts'
import { createRateLimiter } from '../../api/http/limits.ts'
import { newId } from '../../src/ids.ts'
import type { Scope, Store } from '../../src/store/index.ts'
import { backends } from '../store/backends.ts'

const [embedded] = backends()
let store: Store

beforeEach(async () => {
  if (!embedded) throw new Error('no store')
  store = await embedded.freshStore()
})

function open(options: AppOptions = {}) {
  return createApp(store, { webDirectory: null, ...options })
}

async function makeToken(scope: Scope, expiresAt: string | null = null): Promise<string> {
  const { secret, hash } = makeSecret()
  await store.addToken({ id: newId(), name: `${scope} token`, scope, hash, expiresAt })
  return secret
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })
const json = { 'content-type': 'application/json' }

describe('tokens', () => {
  test('without a token in the store loopback is open; with one, nothing is answered without it', async () => {
    expect((await open().request('/v1/runs')).status).toBe(200)
    const secret = await makeToken('read')
    const app = open()
    const refused = await app.request('/v1/runs')
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain('Bearer')
    for (const path of ['/v1/health', '/v1/search?text=a', '/v1/runs/latest', '/v1/tokens', '/v1/nothing']) {
      expect([path, (await app.request(path)).status]).toEqual([path, 401])
    }
    expect((await app.request('/v1/runs', { headers: bearer(secret) })).status).toBe(200)
    for (const wrong of ['x', `${secret}x`, secret.slice(0, -1), '', '"']) {
      expect((await app.request('/v1/runs', { headers: bearer(wrong) })).status).toBe(401)
    }
  })

  test('a scope allows what is below it, and no more', async () => {
    const secrets = {
      read: await makeToken('read'),
      write: await makeToken('write'),
      admin: await makeToken('admin'),
    }
    const app = open()
    const attempts = [
      ['GET', '/v1/runs', 'read'],
      ['PUT', '/v1/runs/latest/tags', 'write'],
      ['POST', '/v1/trajectories/latest/scores', 'write'],
      ['POST', '/v1/runs/latest/pause', 'write'],
      ['POST', '/v1/runs', 'admin'],
      ['GET', '/v1/tokens', 'admin'],
    ] as const
    const order = ['read', 'write', 'admin']
    for (const [method, path, needed] of attempts) {
      expect(neededScope(method, path)).toBe(needed)
      for (const [scope, secret] of Object.entries(secrets)) {
        const { status } = await app.request(path, { method, headers: bearer(secret) })
        const allowed = order.indexOf(scope) >= order.indexOf(needed)
        expect([method, path, scope, status === 403]).toEqual([method, path, scope, !allowed])
      }
    }
  })

  test('an administrator makes and revokes tokens; the secret is told once and not stored', async () => {
    const admin = await makeToken('admin')
    const app = open()
    const made = await app.request('/v1/tokens', {
      method: 'POST',
      headers: { ...bearer(admin), ...json },
      body: JSON.stringify({ name: 'ci', scope: 'write', days: 1 }),
    })
    const { token, secret } = (await made.json()) as {
      token: { id: string; expiresAt: string }
      secret: string
    }
    expect(Date.parse(token.expiresAt)).toBeGreaterThan(Date.now())
    const list = await (await app.request('/v1/tokens', { headers: bearer(admin) })).text()
    expect(list).toContain(token.id)
    expect(list).not.toContain(secret)
    expect(list).not.toContain('hash')
    const revoked = await app.request(`/v1/tokens/${token.id}`, { method: 'DELETE', headers: bearer(admin) })
    expect(((await revoked.json()) as { revokedAt: string }).revokedAt).not.toBeNull()
    expect((await open().request('/v1/runs', { headers: bearer(secret) })).status).toBe(401)
  })

  test('an expired token is none', async () => {
    await makeToken('read')
    const old = await makeToken('admin', new Date(Date.now() - 1000).toISOString())
    expect((await open().request('/v1/runs', { headers: bearer(old) })).status).toBe(401)
  })

  test('guessing is slowed down', async () => {
    await makeToken('read')
    const app = open()
    const seen: number[] = []
    for (let at = 0; at < 14; at++)
      seen.push((await app.request('/v1/runs', { headers: bearer('guess') })).status)
    expect(seen.filter((status) => status === 401)).toHaveLength(10)
    expect(seen.at(-1)).toBe(429)
  })

  test('the trace browser signs in by a cookie that pages cannot read', async () => {
    const secret = await makeToken('write')
    const app = open()
    const wrong = await app.request('/v1/session', {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ token: 'no' }),
    })
    expect(wrong.status).toBe(401)
    expect(wrong.headers.get('set-cookie')).toBeNull()
    const session = await app.request('/v1/session', {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ token: secret }),
    })
    const cookie = session.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/HttpOnly/)
    expect(cookie).toMatch(/SameSite=Strict/)
    const headers = { cookie: cookie.split(';')[0] ?? '' }
    expect((await app.request('/v1/runs', { headers })).status).toBe(200)
    const who = await (await app.request('/v1/session', { headers })).json()
    expect(who).toEqual({ required: true, name: 'write token', scope: 'write' })
  })
})

describe('foreign pages', () => {
  test.each([
    [{ ...json, origin: 'https://evil.example' }, 403],
    [{ ...json, origin: 'null' }, 403],
    [{ ...json, 'sec-fetch-site': 'cross-site' }, 403],
    [{ ...json, 'sec-fetch-site': 'same-site' }, 403],
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 415],
    [{ ...json, origin: 'http://localhost', 'sec-fetch-site': 'same-origin' }, 404],
  ])('a change asked for with %j is answered %d', async (headers, status) => {
    const response = await open().request('http://localhost/v1/runs/latest/tags', {
      method: 'PUT',
      headers: headers as Record<string, string>,
      body: '{"tags":[]}',
    })
    expect(response.status).toBe(status)
  })
})

describe('limits', () => {
  test('a client has a burst and a rate', () => {
    let now = 0
    const limiter = createRateLimiter(3, 2, () => now)
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([true, true, true, false])
    expect(limiter.take('b')).toBe(true)
    now = 500
    expect([limiter.take('a'), limiter.take('a')]).toEqual([true, false])
  })

  test('too many requests are answered 429 with a problem', async () => {
    const app = open({ rate: { burst: 5, perSecond: 0.001 } })
    const statuses = []
    for (let at = 0; at < 7; at++) statuses.push((await app.request('/v1/health')).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429])
    expect((await app.request('/v1/health')).headers.get('content-type')).toBe('application/problem+json')
  })
})
