// The proxy door: what passes is unchanged and recorded, whole and streamed, also when it fails.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp, type Api } from '../../api/http/app.ts'
import { openProxy, type Proxy } from '../../api/http/proxy/index.ts'
import type { Store } from '../../src/store/index.ts'
import { backends } from '../store/backends.ts'
import { startOpenAIServer, type OpenAIServer } from '../support/openai-server.ts'

const [embedded] = backends()
let store: Store
let server: OpenAIServer
let proxy: Proxy
let app: Api
const problems: unknown[] = []

beforeAll(async () => {
  if (!embedded) throw new Error('no store')
  store = await embedded.freshStore()
  server = await startOpenAIServer(
    ({ messages, stream }) => {
      const last = messages.at(-1)?.content ?? ''
      if (last === 'fail') return { status: 429, body: { error: { message: 'slow down' } } }
      if (last.startsWith('sub')) return { text: `about ${last}` }
      const done = messages.some(({ content }) => content.includes('REPL output'))
      return { text: done ? 'The answer is 4.' : '```repl\nprint(2 + 2)\n```', ...(stream ? {} : {}) }
    },
    { key: 'upstream-key' },
  )
  proxy = openProxy(store, { url: server.baseUrl, key: 'upstream-key' }, (error) => problems.push(error))
  app = createApp(store, { webDirectory: null, proxy })
})

afterAll(async () => {
  await proxy.close()
  await server.close()
})

function ask(session: string, messages: { role: string; content: string }[], more: object = {}) {
  return app.request(`/v1/proxy/${session}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages, temperature: 0.5, ...more }),
  })
}

async function end(session: string) {
  const ended = await app.request(`/v1/proxy/${session}/end`, { method: 'POST' })
  return (await ended.json()) as { runId: string; trajectoryId: string }
}

test.each([false, true])(
  'a harness is recorded as turns, cells and sub-calls (streamed: %s)',
  async (stream) => {
    const session = `harness-${stream}`
    const history = [
      { role: 'system', content: 'You have a REPL.' },
      { role: 'user', content: 'What is 2 + 2?' },
    ]
    const first = await ask(session, history, { stream })
    const text = await first.text()
    expect(first.status).toBe(200)
    expect(text).toContain('print(2 + 2)'.slice(0, 5))
    await (await ask(session, [{ role: 'user', content: 'sub one' }])).text()
    await (await ask(session, [{ role: 'user', content: 'sub two' }])).text()
    expect((await ask(session, [{ role: 'user', content: 'fail' }])).status).toBe(429)
    const next = [
      ...history,
      { role: 'assistant', content: '```repl\nprint(2 + 2)\n```' },
      { role: 'user', content: 'REPL output:\n4' },
    ]
    await (await ask(session, next, { stream })).text()
    await new Promise((resolve) => setTimeout(resolve, 100))
    const { runId, trajectoryId } = await end(session)
    expect(problems).toEqual([])
    expect(await store.findRun(runId)).toMatchObject({ name: session, status: 'done', tags: ['proxy'] })
    const tree = await store.readTrajectory(trajectoryId)
    expect(tree.answer).toBe('The answer is 4.')
    const [invocation] = tree.invocations
    expect(invocation?.turns.map((turn) => turn.call.messages.length)).toEqual([2, 4])
    const [cell] = invocation?.turns[0]?.cells ?? []
    expect(cell).toMatchObject({ code: 'print(2 + 2)', stdout: 'REPL output:\n4' })
    expect(cell?.calls.map((call) => [call.kind, call.response.text, call.error?.code ?? null])).toEqual([
      ['llm', 'about sub one', null],
      ['llm', 'about sub two', null],
      ['llm', null, 'http_429'],
    ])
    expect(server.seen.at(-1)?.body['temperature']).toBe(0.5)
    const skeleton = await app.request(`/v1/trajectories/${trajectoryId}`)
    expect(skeleton.status).toBe(200)
  },
)

test('the caller’s own key does not reach the server behind, and mistakes are told', async () => {
  const response = await app.request('/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-descent-session': 'by-header' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'sub x' }] }),
  })
  expect(response.status).toBe(200)
  expect(server.seen.at(-1)?.headers.authorization).toBe('Bearer upstream-key')
  expect((await end('by-header')).trajectoryId).toBeTypeOf('string')
  expect((await ask('odd session', [])).status).toBe(400)
  const none = createApp(store, { webDirectory: null })
  const refused = await none.request('/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x' }] }),
  })
  expect(refused.status).toBe(409)
  expect(await refused.text()).toContain('--proxy-to')
})
