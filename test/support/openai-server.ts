// A real local HTTP server that speaks the OpenAI chat protocol: whole and streamed answers, usage,
// token ids, errors. What it answers comes from `reply`; it remembers every request that it saw.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ChatRequest {
  model: string
  messages: { role: string; content: string }[]
  stream?: boolean
  logprobs?: boolean
  return_token_ids?: boolean
  [field: string]: unknown
}

export interface Reply {
  status?: number
  headers?: Record<string, string>
  /** Sent as it is in place of a completion. */
  body?: unknown
  text?: string
  reasoning?: string
  finishReason?: string
  usage?: Record<string, unknown>
  tokenIds?: number[]
  /** The prompt's ids; [1, 2, 3] by default. */
  promptTokenIds?: number[]
  /** One for each of `tokenIds`; -0.5 by default. */
  logprobs?: number[]
  /** How token data is sent: vLLM's fields by default. */
  engine?: 'vllm' | 'sglang' | 'llamacpp'
  toolCalls?: unknown[]
  /** Of `body`. */
  contentType?: string
  delayMs?: number
  /** The connection is closed after so many bytes of the answer. */
  cutAfter?: number
  /** Silence after so many bytes of the answer, until the client goes away; 0: no headers either. */
  stallAfter?: number
  /** A stream that ends as if it were whole, without a finish reason. */
  noFinish?: boolean
  /** Bytes of a stream are sent one piece at a time, with so many milliseconds and a comment between. */
  trickleMs?: number
}

export interface SeenRequest {
  id: string
  path: string
  headers: IncomingMessage['headers']
  body: ChatRequest
  reply: Reply
  /** Milliseconds of `performance.now()`; `closedAt` is null while the request is open. */
  arrivedAt: number
  closedAt: number | null
  /** The client went away before it had the whole answer. */
  aborted: boolean
  /** Requests that were open when this one arrived, itself included. */
  open: number
}

export interface OpenAIServer {
  baseUrl: string
  seen: SeenRequest[]
  close(): Promise<void>
}

export async function startOpenAIServer(
  reply: (request: ChatRequest, count: number, open: number) => Reply | Promise<Reply>,
  options: { key?: string } = {},
): Promise<OpenAIServer> {
  const seen: SeenRequest[] = []
  let open = 0
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.statusCode = 500
      response.end(String(error))
    })
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (options.key && request.headers.authorization !== `Bearer ${options.key}`) {
      send(response, 401, { error: { message: 'Incorrect API key provided', type: 'invalid_request_error' } })
      return
    }
    if (request.method === 'GET') {
      send(response, 200, { object: 'list', data: [{ id: 'test-model', object: 'model' }] })
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as ChatRequest
    open += 1
    const one: SeenRequest = {
      id: `chatcmpl-${seen.length}`,
      path: request.url ?? '',
      headers: request.headers,
      body,
      reply: {},
      arrivedAt: performance.now(),
      closedAt: null,
      aborted: false,
      open,
    }
    response.on('close', () => {
      open -= 1
      one.closedAt = performance.now()
      one.aborted = !response.writableFinished
    })
    const given = await reply(body, seen.length, open)
    one.reply = given
    one.id = `chatcmpl-${seen.length}`
    seen.push(one)
    if (given.delayMs) await new Promise((resolve) => setTimeout(resolve, given.delayMs))
    if (response.destroyed) return
    if (given.stallAfter === 0) return
    await deliver(response, answerOf(one.id, body, given), given)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    seen,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Answer {
  status: number
  headers: Record<string, string>
  text: string
}

function answerOf(id: string, body: ChatRequest, given: Reply): Answer {
  const { status = 200, headers = {} } = given
  const failed = status >= 400
  if (failed || given.body !== undefined) {
    const content = given.body ?? { error: { message: 'failed on purpose' } }
    return {
      status,
      headers: { 'content-type': given.contentType ?? 'application/json', ...headers },
      text: typeof content === 'string' ? content : JSON.stringify(content),
    }
  }
  return body.stream
    ? { status, headers: { 'content-type': 'text/event-stream', ...headers }, text: stream(id, body, given) }
    : {
        status,
        headers: { 'content-type': 'application/json', ...headers },
        text: JSON.stringify(completion(id, body, given)),
      }
}

/** Sends the answer, or as much of it as `given` wants to be sent. */
async function deliver(
  response: ServerResponse,
  { status, headers, text }: Answer,
  given: Reply,
): Promise<void> {
  response.writeHead(status, headers)
  const most = given.cutAfter ?? given.stallAfter
  if (most !== undefined) {
    response.write(text.slice(0, most), () => {
      if (given.cutAfter !== undefined) response.destroy()
    })
    return
  }
  if (given.trickleMs !== undefined) {
    for (const piece of text.split(/(?<=\n\n)/)) {
      response.write(piece)
      for (let round = 0; round < 3; round++) {
        await new Promise((resolve) => setTimeout(resolve, given.trickleMs))
        response.write(': still here\n\n')
      }
    }
    response.end()
    return
  }
  response.end(text)
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function usageOf(body: ChatRequest, reply: Reply): Record<string, unknown> {
  const input = body.messages.reduce((sum, message) => sum + message.content.length, 0)
  return (
    reply.usage ?? {
      prompt_tokens: Math.ceil(input / 4),
      completion_tokens: Math.ceil((reply.text ?? '').length / 4),
    }
  )
}

function completion(id: string, body: ChatRequest, reply: Reply): unknown {
  const tokens = tokenFieldsOf(body, reply)
  return {
    id,
    object: 'chat.completion',
    created: 1,
    model: body.model,
    system_fingerprint: 'fp_test',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: reply.text ?? null,
          ...(reply.reasoning ? { reasoning_content: reply.reasoning } : {}),
          ...(reply.toolCalls ? { tool_calls: reply.toolCalls } : {}),
        },
        finish_reason: reply.finishReason ?? 'stop',
        ...tokens.choice,
      },
    ],
    ...tokens.root,
    usage: usageOf(body, reply),
  }
}

interface TokenFields {
  root: Record<string, unknown>
  choice: Record<string, unknown>
}

/** Token data as the engine sends it when it is asked for it in its own way. */
function tokenFieldsOf(body: ChatRequest, reply: Reply): TokenFields {
  const { tokenIds: ids, promptTokenIds: prompt = [1, 2, 3], engine = 'vllm' } = reply
  const nothing = { root: {}, choice: {} }
  if (!ids) return nothing
  const logprobs = reply.logprobs ?? ids.map(() => -0.5)
  const entries = ids.map((id, index) => ({ token: `<${id}>`, logprob: logprobs[index] }))
  if (engine === 'sglang') {
    if (!body.return_meta_info) return nothing
    const output = ids.map((id, index) => [logprobs[index], id, `<${id}>`])
    const meta = { output_token_logprobs: output, weight_version: 'step-7', id: 'x' }
    return { root: {}, choice: { prompt_token_ids: prompt, meta_info: meta, logprobs: { content: entries } } }
  }
  if (!body.logprobs) return nothing
  if (engine === 'llamacpp') {
    const content = entries.map((entry, index) => ({ id: ids[index], ...entry, bytes: [], top_logprobs: [] }))
    return { root: {}, choice: { logprobs: { content } } }
  }
  if (!body.return_token_ids) return nothing
  return { root: { prompt_token_ids: prompt }, choice: { token_ids: ids, logprobs: { content: entries } } }
}

function stream(id: string, body: ChatRequest, reply: Reply): string {
  const events: unknown[] = []
  const tokens = tokenFieldsOf(body, reply)
  const ids = tokens.choice.token_ids as number[] | undefined
  const { content: logprobs = [] } = (tokens.choice.logprobs ?? {}) as { content?: unknown[] }
  const chunk = (delta: unknown, extra: object = {}) => ({
    id,
    model: body.model,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: null, ...extra }],
  })
  // As vLLM does: prompt ids in the first chunk only, token ids as deltas.
  events.push({ ...chunk({ role: 'assistant', content: '' }), ...tokens.root })
  if (reply.reasoning) events.push(chunk({ reasoning_content: reply.reasoning }))
  const pieces = (reply.text ?? '').match(/[\s\S]{1,7}/g) ?? (logprobs.length > 0 ? [''] : [])
  for (const [index, piece] of pieces.entries()) {
    const [from, to] = [index, index + 1].map((at) => Math.floor((at * logprobs.length) / pieces.length))
    const delta = {
      ...(logprobs.length > 0 ? { logprobs: { content: logprobs.slice(from, to) } } : {}),
      ...(ids ? { token_ids: ids.slice(from, to) } : {}),
    }
    events.push(chunk({ content: piece }, delta))
  }
  for (const [index, call] of (reply.toolCalls ?? []).entries())
    events.push(chunk({ tool_calls: [{ index, ...(call as object) }] }))
  if (!reply.noFinish) {
    events.push(chunk({}, { finish_reason: reply.finishReason ?? 'stop' }))
    events.push({ id, model: body.model, choices: [], usage: usageOf(body, reply) })
  }
  const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
  return reply.noFinish ? text : `${text}data: [DONE]\n\n`
}
