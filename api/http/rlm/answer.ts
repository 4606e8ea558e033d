// Answers one chat request: as JSON once the rollout has ended, or as server-sent events that keep the
// connection alive meanwhile. A client that goes away cancels its rollout.
import { UsageError } from '../../../src/errors.ts'
import { errorResponse, HttpProblem, withOpenAIError } from '../problem.ts'
import type { Rlm } from './index.ts'
import { completionOf, endChunks, firstChunk, trajectoryHeader, type Exchange } from './reply.ts'
import { readRequest, type ChatBody } from './request.ts'

const keepAliveMilliseconds = 10_000

/** Errors raised: HttpProblem. `left` is aborted when the client goes away. */
export async function answerChat(rlm: Rlm, body: ChatBody, left: AbortSignal): Promise<Response> {
  const request = readRequest(body)
  const gone = new AbortController()
  const cancel = AbortSignal.any([left, gone.signal])
  const asked = await rlm.ask(body.model, request.task, cancel).catch((error: unknown) => {
    throw problemOf(error)
  })
  const exchange = { model: body.model, request, asked, created: Math.floor(Date.now() / 1000) }
  const headers = { [trajectoryHeader]: asked.trajectoryId }
  if (request.stream) return streamed(exchange, headers, () => gone.abort(new Error('the client left')))
  try {
    return Response.json(completionOf(exchange, await asked.ended), { headers })
  } catch (error) {
    if (error instanceof HttpProblem) Object.assign(error.headers, headers)
    throw error
  }
}

function problemOf(error: unknown): unknown {
  if (!(error instanceof UsageError)) return error
  if (error.code === 'model_not_found') return new HttpProblem(404, error.code, error.message)
  if (error.code === 'busy')
    return new HttpProblem(429, error.code, `Too many requests: ${error.message}.`, { 'retry-after': '5' })
  if (error.code === 'closed') return new HttpProblem(503, error.code, 'The server is stopping.')
  return error
}

function streamed(exchange: Exchange, headers: Record<string, string>, leave: () => void): Response {
  const encoder = new TextEncoder()
  let timer: ReturnType<typeof setInterval> | undefined
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const write = (text: string) => controller.enqueue(encoder.encode(text))
      const send = (value: object) => write(`data: ${JSON.stringify(value)}\n\n`)
      send(firstChunk(exchange))
      timer = setInterval(() => write(': the rollout goes on\n\n'), keepAliveMilliseconds)
      const sent = finish(exchange, send).then(() => write('data: [DONE]\n\n'))
      void sent
        .then(() => controller.close())
        // Only a reader who left refuses what is written.
        .catch(() => {})
        .finally(() => clearInterval(timer))
    },
    cancel() {
      clearInterval(timer)
      leave()
    },
  })
  return new Response(stream, {
    headers: {
      ...headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    },
  })
}

async function finish(exchange: Exchange, send: (value: object) => void): Promise<void> {
  try {
    for (const chunk of endChunks(exchange, await exchange.asked.ended)) send(chunk)
  } catch (error) {
    // The status is sent already: what went wrong is the last event.
    const response = await withOpenAIError(errorResponse(error))
    send((await response.json()) as object)
  }
}
