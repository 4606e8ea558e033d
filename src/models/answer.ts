// Reads the HTTP answer of a chat server, whole or streamed, and names what is wrong with it. Client
// libraries end silently when a stream breaks off and swallow keep-alives, so the bytes are read here.
import { ModelError } from '../errors.ts'
import { classifyFailure, isMarkup, isTooLong, oneLine, statusError, textOfMarkup } from './classify.ts'
import type { HttpAnswer } from './patient-fetch.ts'
import { retryAfter } from './retry-after.ts'
import { createStreamAssembler, type StreamAssembler } from './stream.ts'

export interface AnswerOptions {
  /** The server's address as people see it. */
  endpoint: string
  /** Takes the key out of whatever the server sent. */
  redact: (text: string) => string
  /** Called whenever bytes arrive. */
  heard: () => void
}

/**
 * The answer in the shape of an unstreamed chat completion. Errors raised: ModelError by the answer's
 * status, or `not_json`, `truncated_json`, `bad_response`, `connection_lost`, `stream_cut`.
 */
export async function readAnswer(response: HttpAnswer, options: AnswerOptions): Promise<unknown> {
  options.heard()
  if (response.ok && response.headers.get('content-type')?.includes('event-stream'))
    return await readStream(response, options)
  const text = options.redact(await readText(response, options))
  if (!response.ok) {
    const detail = errorIn(parsed(text))?.message ?? (text.trim() || 'no message')
    const retryAfterMs = retryAfter(response.headers, Date.now())
    throw statusError(response.status, detail, options.endpoint, { retryAfterMs })
  }
  const body = parseBody(text, options.endpoint)
  throwErrorIn(body, options.endpoint)
  return body
}

async function readText(response: HttpAnswer, options: AnswerOptions): Promise<string> {
  const pieces: string[] = []
  const decoder = new TextDecoder()
  try {
    if (response.whole) return await response.whole(options.heard)
    for await (const bytes of response.body ?? []) {
      options.heard()
      pieces.push(decoder.decode(bytes, { stream: true }))
    }
  } catch (thrown) {
    throw asLost(thrown, options)
  }
  return pieces.join('') + decoder.decode()
}

async function readStream(response: HttpAnswer, options: AnswerOptions): Promise<unknown> {
  const assembler = createStreamAssembler()
  const decoder = new TextDecoder()
  let rest = ''
  let ended = false
  try {
    for await (const bytes of response.body ?? []) {
      options.heard()
      const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (!line.startsWith('data:')) continue
        const data = line.slice(5).trim()
        if (data === '[DONE]') ended = true
        else if (data) addEvent(assembler, options.redact(data), options.endpoint)
      }
    }
  } catch (thrown) {
    if (thrown instanceof ModelError) throw thrown
    if (thrown instanceof SyntaxError) throw cut(assembler, options, thrown.message)
    const lost = asLost(thrown, options)
    throw cut(assembler, options, lost.code, lost)
  }
  // Some servers leave out the last line; a finish reason says as well that the answer is whole.
  if (!ended && !assembler.finished()) throw cut(assembler, options, 'it ended without a finish reason')
  return assembler.completion()
}

/** A broken event is one of the ways in which a stream breaks off. */
function addEvent(assembler: StreamAssembler, data: string, endpoint: string): void {
  const event = parsed(data)
  if (event === undefined) throw new SyntaxError(`an event of the stream is not JSON: ${oneLine(data)}`)
  throwErrorIn(event, endpoint)
  if (!assembler.add(event)) throw new SyntaxError(`an event of the stream is no chunk: ${oneLine(data)}`)
}

function cut(
  assembler: StreamAssembler,
  { endpoint }: AnswerOptions,
  detail: string,
  cause?: Error,
): ModelError {
  const partial = assembler.partial()
  const length = partial.text.length + partial.reasoning.length
  return new ModelError(
    'stream_cut',
    `${endpoint} broke off its stream after ${length} characters: ${detail}`,
    {
      retryable: true,
      cause,
      raw: length > 0 ? { partial } : null,
    },
  )
}

/** What a connection throws while the body is read: it was there, so it was lost. */
function asLost(thrown: unknown, options: AnswerOptions): ModelError {
  const error = classifyFailure(thrown, options.endpoint, options.redact)
  if (error.code !== 'unreachable') return error
  return new ModelError(
    'connection_lost',
    `${options.endpoint} closed the connection before its answer was whole`,
    { retryable: true, cause: error.cause },
  )
}

function parseBody(text: string, endpoint: string): unknown {
  const body = parsed(text)
  if (body !== undefined) return body
  const start = text.trimStart()
  if (/^[[{]/.test(start))
    throw new ModelError(
      'truncated_json',
      `${endpoint} answered JSON that breaks off or is malformed, after ${text.length} characters`,
      { retryable: true, status: 200 },
    )
  const told =
    start === ''
      ? 'nothing at all'
      : isMarkup(start)
        ? `a page in place of JSON: ${oneLine(textOfMarkup(start))}`
        : `text in place of JSON: ${oneLine(start)}`
  throw new ModelError('not_json', `${endpoint} answered ${told}`, { retryable: true, status: 200 })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Some servers answer 200 and put the failure into the body, or into an event of the stream. */
function throwErrorIn(body: unknown, endpoint: string): void {
  const error = errorIn(body)
  if (!error) return
  if (error.status !== null) throw statusError(error.status, error.message, endpoint)
  const tooLong = isTooLong(error.message)
  throw new ModelError(tooLong ? 'context_length' : 'bad_response', oneLine(error.message), {
    retryable: !tooLong,
    status: 200,
  })
}

function errorIn(body: unknown): { message: string; status: number | null } | null {
  if (!isRecord(body)) return null
  const isError = body.object === 'error' || (body.error !== undefined && body.error !== null)
  if (!isError && body.choices !== undefined) return null
  const error = body.object === 'error' ? body : (body.error ?? body.detail ?? body.message)
  if (typeof error === 'string') return { message: error, status: null }
  if (!isRecord(error)) return isError ? { message: JSON.stringify(body.error), status: null } : null
  const code = Number(error.code ?? error.status)
  return {
    message: typeof error.message === 'string' ? error.message : JSON.stringify(error),
    status: Number.isInteger(code) && code >= 400 && code < 600 ? code : null,
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
