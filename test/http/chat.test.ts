// The chat door: the client of OpenAI against a listening server whose models are RLMs.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import OpenAI, { APIError } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { prepareServed } from '../../api/compose.ts'
import { makeSecret } from '../../api/http/access.ts'
import { createApp } from '../../api/http/app.ts'
import { openProxy } from '../../api/http/proxy/index.ts'
import { openRlm, type Rlm } from '../../api/http/rlm/index.ts'
import { completionSchema } from '../../api/http/rlm/reply.ts'
import { serve, type RunningServer } from '../../api/http/serve.ts'
import { newId } from '../../src/ids.ts'
import type { Store } from '../../src/store/index.ts'
import { backends, temporaryDirectory } from '../store/backends.ts'
import {
  startOpenAIServer,
  type ChatRequest,
  type OpenAIServer,
  type Reply,
} from '../support/openai-server.ts'

const [embedded] = backends()
let store: Store
let model: OpenAIServer
let rlm: Rlm
let server: RunningServer
const problems: unknown[] = []

/** One cell that looks and asks; then the answer is what the sub-model said. */
function reply({ messages }: ChatRequest): Reply {
  const text = messages.map(({ content }) => content).join('\n')
  const usage = { prompt_tokens: 100, completion_tokens: 10 }
  if (text.includes('refuse this')) return { status: 400, body: { error: { message: 'not this one' } } }
  if (text.includes('take your time')) return { text: 'late', delayMs: 20_000 }
  if (!text.includes('Turn')) return { text: text.includes('heron') ? 'a heron' : 'nothing', usage }
  if (text.includes('REPL output'))
    return { text: '```repl\nanswer["content"] = f"{seen} in {kind}"\nanswer["ready"] = True\n```', usage }
  const code = [
    'kind = f"{type(context).__name__} of {len(context)}"',
    'seen = llm_query("Which bird? " + str(context)[-200:])',
    'print(kind)',
  ].join('\n')
  return { text: `\`\`\`repl\n${code}\n\`\`\``, usage }
}

async function runFile(directory: string, name: string, more: string[] = []): Promise<string> {
  const file = path.join(directory, `${name}.yaml`)
  const lines = [
    `name: ${name}`,
    `model: {provider: openai, name: behind, baseUrl: "${model.baseUrl}", maxAttempts: 1}`,
    'concurrency: 2',
    ...more,
  ]
  await writeFile(file, lines.join('\n'))
  return file
}

beforeAll(async () => {
  if (!embedded) throw new Error('no store')
  store = await embedded.freshStore()
  const directory = await temporaryDirectory()
  model = await startOpenAIServer(reply)
  const files = [
    await runFile(directory, 'birds', ['rewards: [exact]']),
    await runFile(directory, 'one-turn', ['limits: {maxTurns: 1, atLimit: stop}']),
    await runFile(directory, 'narrow', ['limits: {maxCalls: 1}']),
  ]
  rlm = await openRlm(store, await Promise.all(files.map(prepareServed)), (error) => problems.push(error))
  server = await serve({ store, host: '127.0.0.1', port: 0, webDirectory: null, rlm })
})

afterAll(async () => {
  await rlm.close()
  await server.close()
  await model.close()
})

function client(options: { apiKey?: string } = {}): OpenAI {
  return new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', ...options })
}

const user = (content: string) => ({ role: 'user', content }) as const
const document = `${'grass and water\n'.repeat(2000)}a heron stood there`

/** What the answer has beside OpenAI's fields. */
function placeOf(completion: object) {
  return (completion as { descent: Record<string, unknown> }).descent as {
    runId: string
    trajectoryId: string
    stopReason: string
    ignored: string[]
  }
}

async function runOf(name: string) {
  const { items } = await store.listRuns({ limit: 20 })
  const run = items.find((one) => one.name === name)
  if (!run) throw new Error(`no run of ${name}`)
  return run
}

async function failure(asked: Promise<unknown>): Promise<APIError> {
  const error: unknown = await asked.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof APIError)) throw new Error(`no error of the API: ${String(error)}`)
  return error
}

describe('an answer', () => {
  test('is a completion, with the usage of the whole tree, and is recorded', async () => {
    const { data, response } = await client()
      .chat.completions.create({
        model: 'birds',
        temperature: 0.3,
        messages: [{ role: 'system', content: 'Answer briefly.' }, user(document), user('Which bird?')],
      })
      .withResponse()
    expect(data).toMatchObject({ object: 'chat.completion', model: 'birds' })
    expect(data.choices[0]).toMatchObject({
      index: 0,
      message: { role: 'assistant', content: `a heron in str of ${document.length}` },
      finish_reason: 'stop',
    })
    expect(data.usage).toEqual({ prompt_tokens: 300, completion_tokens: 30, total_tokens: 330 })
    const place = placeOf(data)
    expect(data.id).toBe(`chatcmpl-${place.trajectoryId}`)
    expect(response.headers.get('x-descent-trajectory')).toBe(place.trajectoryId)
    expect(place.ignored).toEqual(['temperature'])
    const tree = await store.readTrajectory(place.trajectoryId)
    expect(tree).toMatchObject({ status: 'done', stopReason: 'answered', runId: place.runId })
    expect(tree.invocations[0]?.turns).toHaveLength(2)
    expect(tree.invocations[0]?.turns[0]?.cells[0]?.calls[0]?.response.text).toBe('a heron')
    const task = await store.readTask(place.runId, tree.taskId)
    expect(task.prompt).toBe('Answer briefly.\n\nWhich bird?')
    expect(task).toMatchObject({ contextType: 'str', contextCharacters: document.length })
    expect(await store.findRun(place.runId)).toMatchObject({ name: 'birds', status: 'running' })
    const opening = tree.invocations[0]?.turns[0]?.call.messages.map(({ content }) => content).join('\n')
    expect(opening).toContain('Which bird?')
    expect(opening).not.toContain('grass and water')
  })

  test('streamed, comes as chunks that the client puts together', async () => {
    const stream = client().chat.completions.stream({
      model: 'birds',
      messages: [user(document), user('Which bird is it?')],
      stream_options: { include_usage: true },
    })
    const chunks: object[] = []
    for await (const chunk of stream) chunks.push(chunk)
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]?.message.content).toBe(`a heron in str of ${document.length}`)
    expect(final.choices[0]?.finish_reason).toBe('stop')
    expect(final.usage?.total_tokens).toBe(330)
    expect(placeOf(chunks[0] ?? {}).trajectoryId).toBe(placeOf(chunks.at(-2) ?? {}).trajectoryId)
    expect(placeOf(chunks.at(-2) ?? {}).stopReason).toBe('answered')
    const raw = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'birds', stream: true, messages: [user('Which bird?')] }),
    })
    const events = (await raw.text()).trim().split('\n\n')
    expect(events.at(-1)).toBe('data: [DONE]')
    expect(events.filter((event) => event.includes('usage'))).toEqual([])
  })

  test('to the same request again is another rollout of the same task; a gold answer is scored', async () => {
    const ask = async () =>
      await client().chat.completions.create({
        model: 'birds',
        messages: [user('Which bird?')],
        descent: { context: ['a heron', 'a rook'], answer: 'a heron in list of 2' },
      } as OpenAI.ChatCompletionCreateParamsNonStreaming)
    const places = (await Promise.all([ask(), ask()])).map(placeOf)
    const read = async () =>
      await Promise.all(places.map(async ({ trajectoryId }) => await store.readTrajectory(trajectoryId)))
    const trees = await read()
    expect(new Set(trees.map(({ taskId }) => taskId)).size).toBe(1)
    expect(trees.map(({ rollout }) => rollout).toSorted((a, b) => a - b)).toEqual([0, 1])
    await expect.poll(async () => (await read()).map(({ reward }) => reward)).toEqual([1, 1])
    expect(problems).toEqual([])
  })

  test('that a limit cut short says so', async () => {
    const none = await client().chat.completions.create({ model: 'one-turn', messages: [user('Which?')] })
    expect(none.choices[0]).toMatchObject({ message: { content: '' }, finish_reason: 'length' })
    expect(placeOf(none).stopReason).toBe('max_turns')
    const narrow = await client().chat.completions.create({ model: 'narrow', messages: [user('Which?')] })
    expect(placeOf(narrow).stopReason).toBe('max_calls')
  })
})

describe('the question and the context', () => {
  const cases: [string, object, { question: RegExp; context: string }][] = [
    ['a short message alone', { messages: [user('Which?')] }, { question: /^Which\?$/, context: 'str 0' }],
    [
      'a long message alone, which asks at its end',
      { messages: [user(`${'x'.repeat(5000)}\n\nWhich bird?`)] },
      {
        question: /^The request is `context`.*It begins:\n\nx{1000}\n\nIt ends:\n\nx+\n\nWhich bird\?$/s,
        context: 'str 5013',
      },
    ],
    [
      'a conversation',
      { messages: [user('a'.repeat(3)), { role: 'assistant', content: 'b' }, user('Which?')] },
      { question: /^Which\?$/, context: 'list 4' },
    ],
    [
      'a long system message',
      { messages: [{ role: 'system', content: 's'.repeat(4001) }, user('Which?')] },
      { question: /^Which\?$/, context: 'str 4001' },
    ],
    [
      'a question apart',
      { messages: [user('the text')], descent: { question: 'Which?' } },
      { question: /^Which\?$/, context: 'str 8' },
    ],
    [
      'a context apart, and text in parts',
      {
        messages: [
          { role: 'developer', content: 'Be brief.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Wh' },
              { type: 'text', text: 'ich?' },
            ],
          },
        ],
        descent: { context: { a: 'xyz' } },
      },
      { question: /^Be brief\.\n\nWhich\?$/, context: 'dict 3' },
    ],
  ]
  test.each(cases)('of %s', async (_name, body, { question, context }) => {
    const completion = await client().chat.completions.create({
      model: 'birds',
      ...body,
    } as OpenAI.ChatCompletionCreateParamsNonStreaming)
    const { runId, trajectoryId } = placeOf(completion)
    const { taskId } = await store.readTrajectory(trajectoryId)
    const task = await store.readTask(runId, taskId)
    expect(task.prompt).toMatch(question)
    expect(`${task.contextType} ${task.contextCharacters}`).toBe(context)
  })
})

describe('what cannot be', () => {
  const refused: [string, object, RegExp][] = [
    ['n', { n: 2 }, /^400 n: one answer/],
    ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }, /^400 tools: not supported/],
    ['formats', { response_format: { type: 'json_object' } }, /^400 response_format: only/],
    ['roles', { messages: [{ role: 'tool', content: 'x', tool_call_id: 'a' }] }, /^400 messages\.0\.role/],
    [
      'pictures',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }] },
      /^400 messages\.0\.content\.0: a part of type "image_url"/,
    ],
    ['no question', { messages: [{ role: 'assistant', content: 'x' }] }, /^400 messages: the last one/],
    ['both', { descent: { question: 'a', context: 'b' } }, /^400 descent: give question or context/],
    ['a misspelt field', { descent: { contxt: 'b' } }, /^400 descent: Unrecognized key: "contxt"/],
    [
      'nesting without end',
      { descent: { answer: JSON.parse('['.repeat(600) + ']'.repeat(600)) as unknown } },
      /^400 descent: must be JSON, nested at most 500 deep/,
    ],
    ['an unknown model', { model: 'gpt-5' }, /^404 There is no model "gpt-5"; there is "birds", "one-turn"/],
  ]
  test.each(refused)('is refused in the words of OpenAI: %s', async (_name, body, message) => {
    const asked = client().chat.completions.create({
      model: 'birds',
      messages: [user('Which?')],
      ...body,
    } as OpenAI.ChatCompletionCreateParamsNonStreaming)
    const error = await failure(asked)
    expect(error.message).toMatch(message)
    expect(error.type).toBe('invalid_request_error')
  })

  test('a rollout whose model fails is told once, with its trajectory, also in a stream', async () => {
    const before = model.seen.length
    const messages = [user('refuse this')]
    const error = await failure(client().chat.completions.create({ model: 'birds', messages }))
    expect(error.status).toBe(502)
    expect(error.message).toContain('The rollout failed (model_error)')
    const id = error.headers?.get('x-descent-trajectory') ?? ''
    expect(await store.readTrajectory(id)).toMatchObject({ stopReason: 'model_error' })
    expect(model.seen.length - before).toBe(1)
    const stream = await client().chat.completions.create({ model: 'birds', messages, stream: true })
    const read = async () => {
      for await (const _ of stream);
    }
    expect((await failure(read())).message).toContain('The rollout failed (model_error)')
  })
})

describe('a client that goes away', () => {
  test.each([false, true])('cancels its rollout (streamed: %s)', async (stream) => {
    const gone = new AbortController()
    const asked = (async () => {
      const given = await client().chat.completions.create(
        { model: 'birds', messages: [user(`take your time ${stream}`)], stream },
        { signal: gone.signal },
      )
      if (stream) for await (const _ of given as AsyncIterable<unknown>);
    })().catch((error: unknown) => error)
    const running = async () => {
      const run = await runOf('birds')
      return (await store.listTrajectories(run.id, { limit: 200, status: 'running' })).items
    }
    await expect.poll(async () => (await running()).length, { timeout: 5000 }).toBe(1)
    const [row] = await running()
    gone.abort()
    await asked
    const read = async () => await store.readTrajectory(row?.id ?? '')
    await expect.poll(async () => (await read()).status, { timeout: 5000 }).toBe('done')
    const tree = await read()
    expect(tree.stopReason).toBe('cancelled')
    expect(tree.invocations[0]?.stopReason).toBe('cancelled')
  })

  test('no more are taken than can wait', async () => {
    const gone = new AbortController()
    const ask = async (number: number) =>
      await client()
        .chat.completions.create(
          { model: 'birds', messages: [user(`take your time, ${number}`)] },
          { signal: gone.signal, maxRetries: 0 },
        )
        .catch((error: unknown) => error)
    const refused: unknown[] = []
    const asked = Array.from({ length: 24 }, async (_, number) => {
      const error = await ask(number)
      if (!gone.signal.aborted) refused.push(error)
    })
    await expect.poll(() => refused.length, { timeout: 10_000 }).toBe(6)
    expect(refused[0]).toMatchObject({ status: 429, code: 'busy' })
    gone.abort()
    await Promise.all(asked)
    const run = await runOf('birds')
    const open = async () =>
      (await store.pendingTrajectories(run.id)).filter(({ status }) => status !== 'failed')
    await expect.poll(async () => (await open()).length, { timeout: 10_000 }).toBe(0)
  })
})

test('a session in the headers is passed on, also where an RLM answers', async () => {
  const proxy = openProxy(store, { url: model.baseUrl, key: null }, (error) => problems.push(error))
  const app = createApp(store, { webDirectory: null, rlm, proxy })
  const ask = async (headers: Record<string, string>) =>
    await app.request('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'birds', messages: [user('Which heron?')] }),
    })
  const passed = (await (await ask({ 'x-descent-session': 'other' })).json()) as OpenAI.ChatCompletion
  expect(passed.choices[0]?.message.content).toBe('a heron')
  expect(passed).not.toHaveProperty('descent')
  expect(await (await ask({})).json()).toHaveProperty('descent.stopReason', 'answered')
  await proxy.close()
  expect(problems).toEqual([])
})

test('the description tells what a request may hold, and the answers keep to it', async () => {
  const app = createApp(store, { webDirectory: null, rlm })
  const text = await (await app.request('/openapi.json')).text()
  const { components } = JSON.parse(text) as { components: { schemas: Record<string, object> } }
  for (const name of ['RlmRequest', 'ChatCompletion', 'RlmPlace', 'ServedModels'])
    expect(components.schemas).toHaveProperty(name)
  const whole = await client().chat.completions.create({ model: 'birds', messages: [user('Which?')] })
  expect(completionSchema.parse(whole)).toEqual(whole)
})

test('models are listed as OpenAI lists them', async () => {
  const listed: string[] = []
  for await (const { id } of client().models.list()) listed.push(id)
  expect(listed).toEqual(['birds', 'one-turn', 'narrow'])
  expect(await client().models.retrieve('narrow')).toMatchObject({ id: 'narrow', object: 'model' })
  expect((await failure(client().models.retrieve('wide'))).status).toBe(404)
})

test('with tokens, asking needs the scope write', async () => {
  const secrets: Record<string, string> = {}
  for (const scope of ['read', 'write'] as const) {
    const { secret, hash } = makeSecret()
    await store.addToken({ id: newId(), name: scope, scope, hash, expiresAt: null })
    secrets[scope] = secret
  }
  await new Promise((resolve) => setTimeout(resolve, 2100))
  const ask = async (apiKey: string) =>
    await client({ apiKey }).chat.completions.create({ model: 'birds', messages: [user('Which?')] })
  expect(await failure(ask('none'))).toMatchObject({ status: 401, type: 'authentication_error' })
  expect(await failure(ask(secrets['read'] ?? ''))).toMatchObject({ status: 403, type: 'permission_error' })
  expect((await ask(secrets['write'] ?? '')).choices).toHaveLength(1)
  for await (const { id } of client({ apiKey: secrets['read'] ?? '' }).models.list())
    expect(id).toBeTypeOf('string')
})
