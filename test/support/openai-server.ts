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
  delayMs?: number
}

export interface SeenRequest {
  id: string
  path: string
  headers: IncomingMessage['headers']
  body: ChatRequest
  reply: Reply
}

export interface OpenAIServer {
  baseUrl: string
  seen: SeenRequest[]
  close(): Promise<void>
}

export async function startOpenAIServer(
  reply: (request: ChatRequest, count: number) => Reply | Promise<Reply>,
  options: { key?: string } = {},
): Promise<OpenAIServer> {
  const seen: SeenRequest[] = []
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
    const given = await reply(body, seen.length)
    const id = `chatcmpl-${seen.length}`
    seen.push({ id, path: request.url ?? '', headers: request.headers, body, reply: given })
    if (given.delayMs) await new Promise((resolve) => setTimeout(resolve, given.delayMs))
    if (response.destroyed) return
    if (given.status && given.status >= 400) {
      send(response, given.status, given.body ?? { error: { message: 'failed on purpose' } }, given.headers)
    } else if (given.body !== undefined) {
      send(response, 200, given.body)
    } else if (body.stream) {
      stream(response, id, body, given)
    } else {
      send(response, 200, completion(id, body, given))
    }
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

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
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
        },
        finish_reason: reply.finishReason ?? 'stop',
        ...(reply.tokenIds && body.return_token_ids
          ? {
              token_ids: reply.tokenIds,
              logprobs: { content: reply.tokenIds.map((token) => ({ token: String(token), logprob: -0.5 })) },
            }
          : {}),
      },
    ],
    ...(reply.tokenIds && body.return_token_ids ? { prompt_token_ids: [1, 2, 3] } : {}),
    usage: usageOf(body, reply),
  }
}

function stream(response: ServerResponse, id: string, body: ChatRequest, reply: Reply): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const event = (data: unknown) => response.write(`data: ${JSON.stringify(data)}\n\n`)
  const chunk = (delta: unknown, finish: string | null = null) => ({
    id,
    model: body.model,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finish }],
  })
  if (reply.reasoning) event(chunk({ reasoning_content: reply.reasoning }))
  for (const piece of (reply.text ?? '').match(/[\s\S]{1,7}/g) ?? []) event(chunk({ content: piece }))
  event(chunk({}, reply.finishReason ?? 'stop'))
  event({ id, model: body.model, choices: [], usage: usageOf(body, reply) })
  response.end('data: [DONE]\n\n')
}
