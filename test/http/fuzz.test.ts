// Every route of the published description, with thousands of hostile and of fitting requests: no 5xx, no
// hang, errors as problems, answers that fit the schemas of the description; and nothing without a token.
import { constant, constantFrom, oneof, sample as draw, string, type Arbitrary } from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { makeSecret } from '../../api/http/access.ts'
import { createApp, type Api } from '../../api/http/app.ts'
import { newId } from '../../src/ids.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'
import { makeSample, type Sample } from './sample.ts'

interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  schema?: { enum?: unknown[]; type?: string }
}

interface Operation {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Json }> }
  responses: Record<string, { content?: Record<string, { schema: Json }> }>
}

type Json = Record<string, unknown>

interface Route {
  method: string
  path: string
  operation: Operation
}

const [embedded] = backends()
let sample: Sample
let app: Api
let routes: Route[]
let schemas: Record<string, Json>
const failures: unknown[] = []
const rate = { burst: 1e9, perSecond: 1e9 }

beforeAll(async () => {
  if (!embedded) throw new Error('no store')
  sample = await makeSample(await embedded.freshStore(), await temporaryDirectory())
  app = createApp(sample.store, { webDirectory: null, rate, onError: (error) => failures.push(error) })
  const document = (await (await app.request('/openapi.json')).json()) as {
    paths: Record<string, Record<string, Operation>>
    components: { schemas: Record<string, Json> }
  }
  schemas = document.components.schemas
  routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )
})

const odd = [
  '',
  ' ',
  '0',
  '-1',
  '1e309',
  'NaN',
  'null',
  'true',
  '[]',
  '{}',
  '../../etc/passwd',
  '%00',
  '\u0000',
  "' or 1=1 --",
  '"; drop table runs; --',
  '<script>alert(1)</script>',
  '\ud800',
  '\u202e',
  '💥',
  'a\nb',
  'x'.repeat(5000),
  '9'.repeat(40),
  'bytes=0-',
  'latest,latest',
  '*',
  '(',
  'reward >',
  'turns > 1 or',

  '1.00000000-0000-0000-0000-000000000000',
  'eyJhIjoxfQ',
  'WyJydW5zIiwieCJd',
  "!'a:*&|",
  '😀'.repeat(300),
]

function anything(): Arbitrary<string> {
  return oneof(constantFrom(...odd), string({ maxLength: 60 }), string({ unit: 'binary', maxLength: 30 }))
}

function values(parameter: Parameter): Arbitrary<string> {
  const { trajectory, ids } = sample.made
  const fitting: Record<string, string[]> = {
    run: [sample.runId, sample.filledRunId, 'latest', sample.runId.slice(-8)],
    runs: [`${sample.runId},${sample.filledRunId}`, 'latest'],
    id: [trajectory.id, 'latest', ids.batchCell],
    trajectory: [trajectory.id, 'latest'],
    call: [ids.hostileCall, ids.failedCall],
    cell: [ids.batchCell, ids.killedCell],
    limit: ['1', '50', '200'],
    where: ['reward < 0.5', 'group.mean is null or turns > 2', 'status in (done, failed)'],
    text: ['customer', '"most common"', 'a or b -c'],
    task: [trajectory.taskId, 'task-0'],
    recipe: ['sft-turns', 'preference', 'trajectories'],
    part: ['code', 'stdout', 'message-0', 'response'],
    index: ['0', '1'],
    lease: [newId()],
    session: ['s1'],
  }
  const known = [...(parameter.schema?.enum ?? []).map(String), ...(fitting[parameter.name] ?? [])]
  return known.length === 0 ? anything() : oneof({ weight: 3, arbitrary: constantFrom(...known) }, anything())
}

function bodies(operation: Operation): Arbitrary<string | null> {
  if (!operation.requestBody) return constant(null)
  const fitting = [
    { tags: ['a', 'b'] },
    { value: 0.5, reason: 'fuzz' },
    { label: 'good' },
    { label: null, note: 'a note' },
    { target: 'cell', targetId: sample.made.ids.batchCell, label: 'bad' },
    { name: 'fuzz', scope: 'read', days: 0.00001 },
    { token: 'x' },
    { model: 'm', messages: [{ role: 'user', content: 'x' }] },
    { name: 'x', tasks: 'nothing.jsonl', model: { provider: 'scripted', name: 'careful' } },
  ]
  const broken = [
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '1e400',
    '{"value":1e400,"reason":"x"}',
    '{"__proto__":{"a":1}}',
    deep,
    ...['tags', 'value', 'dataset', 'model', 'messages', 'metadata', 'descent'].map(
      (field) => `{"${field}":${deep}}`,
    ),
  ]
  const wild = [{ tags: odd }, { value: {}, reason: [] }, { label: '\u0000' }, { name: '\ud800' }]
  const texts = [...fitting, ...wild].map((value) => JSON.stringify(value))
  return constantFrom(...texts, ...broken, `{"note":"${'x'.repeat(20_000)}"}`)
}

/** Nested further than a recursion over it would get. */
const deep = '['.repeat(20_000) + ']'.repeat(20_000)

interface Case {
  address: string
  init: RequestInit
}

function makeCase({ method, path, operation }: Route, seed: number): Case {
  const one = <T>(arbitrary: Arbitrary<T>, salt: number): T =>
    draw(arbitrary, { seed: seed * 31 + salt, numRuns: 1 })[0] as T
  let address = path
  const query = new URLSearchParams()
  const headers: Record<string, string> = {}
  for (const [salt, parameter] of (operation.parameters ?? []).entries()) {
    const value = one(values(parameter), salt)
    if (parameter.in === 'path') address = address.replace(`{${parameter.name}}`, encode(value))
    else if (parameter.in === 'query' && (parameter.required || (seed + salt) % 3 === 0))
      query.set(parameter.name, value)
    else if (parameter.in === 'header' && (seed + salt) % 2 === 0 && /^[\x20-\x7e]*$/.test(value))
      headers[parameter.name] = value
  }
  const body = one(bodies(operation), 99)
  if (body !== null) headers['content-type'] = 'application/json'
  const text = query.toString()
  return {
    address: text === '' ? address : `${address}?${text}`,
    init: { method: method.toUpperCase(), headers, body },
  }
}

/** A path segment that stays one: `.` and `..` would be resolved by the client. */
function encode(value: string): string {
  const text = encodeURIComponent(value.toWellFormed())
  return /^\.{0,2}$/.test(text) ? 'x' : text
}

const checkers = new Map<string, z.ZodType | null>()

/** The schema that the description gives for this answer; null for answers that are not JSON. */
function checkerOf({ method, path, operation }: Route, status: number, type: string): z.ZodType | null {
  const key = `${method} ${path} ${status}`
  const known = checkers.get(key)
  if (known !== undefined) return known
  const schema = operation.responses[status]?.content?.[type]?.schema
  const definitions = JSON.parse(
    JSON.stringify(schemas).replaceAll('#/components/schemas/', '#/$defs/'),
  ) as Json
  const local =
    schema && (JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/')) as Json)
  const made = local
    ? z.fromJSONSchema({ ...local, $defs: definitions } as Parameters<typeof z.fromJSONSchema>[0])
    : null
  checkers.set(key, made)
  return made
}

async function readSome(response: Response): Promise<string> {
  const type = response.headers.get('content-type') ?? ''
  if (!type.startsWith('text/event-stream')) return await response.text()
  await response.body?.cancel()
  return ''
}

describe('fuzz', () => {
  test('thousands of requests: no 5xx, no hang, only described answers', async () => {
    const seen = new Map<string, Set<number>>()
    let cases = 0
    for (const route of routes) {
      for (let seed = 0; seed < 55; seed++) {
        const { address, init } = makeCase(route, seed)
        const late = new Promise<never>((_, reject) => {
          setTimeout(() => reject(new Error(`no answer: ${init.method} ${address}`)), 20_000).unref()
        })
        const response = await Promise.race([app.request(address, init), late])
        const text = await readSome(response)
        cases += 1
        const { status } = response
        const type = (response.headers.get('content-type') ?? '').split(';')[0] ?? ''
        const body = typeof init.body === 'string' ? init.body : ''
        const about = `${init.method} ${address.slice(0, 300)} ${body.slice(0, 100)} → ${status} ${text.slice(0, 300)}`
        if (status >= 500) throw new Error(`${about}\n${String(failures.at(-1))}`)
        if (status >= 400 && type !== 'application/problem+json') throw new Error(`no problem: ${about}`)
        expect(text).not.toMatch(/node_modules|\.ts:\d+|select .* from/i)
        const described = route.operation.responses[status]
        const checker = status < 400 && type === 'application/json' ? checkerOf(route, status, type) : null
        if (checker && described) {
          const { error } = checker.safeParse(JSON.parse(text))
          if (error) throw new Error(`${about}\ndoes not fit the description: ${error.message.slice(0, 600)}`)
        }
        const key = `${route.method} ${route.path}`
        seen.set(key, (seen.get(key) ?? new Set()).add(status))
      }
    }
    expect(cases).toBeGreaterThan(2000)
    // Most routes were also reached with a request that fits.
    const answered = [...seen.values()].filter((statuses) => [...statuses].some((status) => status < 400))
    expect(answered.length).toBeGreaterThan(20)
  }, 240_000)

  test('with a token in the store, no route answers without one', async () => {
    if (!embedded) throw new Error('no store')
    const store = await embedded.freshStore()
    const { hash } = makeSecret()
    await store.addToken({ id: newId(), name: 'one', scope: 'admin', hash, expiresAt: null })
    const closed = createApp(store, { webDirectory: null, rate })
    for (const route of routes) {
      if (route.path === '/v1/session') continue
      for (let seed = 0; seed < 6; seed++) {
        const { address, init } = makeCase(route, seed)
        const response = await closed.request(address, init)
        expect([init.method, address, response.status]).toEqual([init.method, address, 401])
        await response.text()
      }
    }
  }, 120_000)
})
