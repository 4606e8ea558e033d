// Classifies what a model request threw: which kind of failure, whether another try may help, and one
// line that tells a person what to do.
import { ModelError } from '../errors.ts'
import { retryAfter } from './retry.ts'

interface HttpFailure {
  status: number | undefined
  message: string
  headers: { get(name: string): string | null } | undefined
}

/** `endpoint` is shown to people; it must hold no secret. */
export function classifyFailure(
  thrown: unknown,
  endpoint: string,
): { error: ModelError; retryAfterMs: number | null } {
  if (thrown instanceof ModelError) return { error: thrown, retryAfterMs: null }
  const failure = httpFailure(thrown)
  if (failure.status === undefined) return { error: connectionError(thrown, endpoint), retryAfterMs: null }
  return {
    error: statusError(failure.status, failure.message, endpoint, thrown),
    retryAfterMs: retryAfter(failure.headers, Date.now()),
  }
}

function statusError(status: number, detail: string, endpoint: string, cause: unknown): ModelError {
  const make = (code: string, message: string, retryable: boolean): ModelError =>
    new ModelError(code, `${endpoint} answered ${status}: ${message}`, { status, retryable, cause })
  const text = oneLine(detail)
  if (status === 401 || status === 403)
    return make('unauthorized', `the key was refused (${text}); check the variable named by apiKeyEnv`, false)
  if (status === 404) return make('not_found', `${text}; check the model's name and baseUrl`, false)
  if (status === 413 || /context length|maximum context|too many tokens|context window/i.test(text))
    return make('context_length', text, false)
  if (status === 429) return make('rate_limit', text, true)
  if (status === 408 || status === 409 || status >= 500) return make('server_error', text, true)
  return make('bad_request', text, false)
}

function connectionError(thrown: unknown, endpoint: string): ModelError {
  const chain = causes(thrown)
  const timedOut = chain.some((error) => /timeout|timed out/i.test(`${error.name} ${error.message}`))
  if (timedOut)
    return new ModelError('timeout', `${endpoint} did not answer in time`, { retryable: true, cause: thrown })
  const code = chain
    .map((error) => (error as NodeJS.ErrnoException).code)
    .find((value) => typeof value === 'string')
  const detail = code ?? oneLine(chain.at(-1)?.message ?? String(thrown))
  return new ModelError(
    'unreachable',
    `${endpoint} cannot be reached (${detail}); is the server running, and is baseUrl right?`,
    {
      retryable: true,
      cause: thrown,
    },
  )
}

function causes(thrown: unknown): Error[] {
  const chain: Error[] = []
  let current: unknown = thrown
  while (current instanceof Error && chain.length < 8) {
    chain.push(current)
    if (current instanceof AggregateError && current.errors[0] instanceof Error) chain.push(current.errors[0])
    current = current.cause
  }
  return chain
}

function httpFailure(thrown: unknown): HttpFailure {
  if (thrown === null || typeof thrown !== 'object')
    return { status: undefined, message: String(thrown), headers: undefined }
  const fields = thrown as {
    status?: unknown
    message?: unknown
    headers?: unknown
    httpResponse?: { status?: number; headers?: unknown; body?: unknown }
  }
  const status = fields.httpResponse?.status ?? fields.status
  const headers = fields.headers ?? fields.httpResponse?.headers
  const body = fields.httpResponse?.body
  const message = body === undefined ? fields.message : typeof body === 'string' ? body : JSON.stringify(body)
  return {
    status: typeof status === 'number' ? status : undefined,
    message: typeof message === 'string' ? message.replace(/^\d{3} /, '') : 'no message',
    headers: hasGet(headers) ? headers : undefined,
  }
}

function hasGet(headers: unknown): headers is { get(name: string): string | null } {
  return (
    typeof headers === 'object' && headers !== null && 'get' in headers && typeof headers.get === 'function'
  )
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 300)
}
