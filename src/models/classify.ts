// Classifies what a request to a model threw: which kind of failure, whether another try may help, and
// one line that tells a person what to do. docs/models.md lists the codes.
import { ModelError } from '../errors.ts'
import { retryAfter } from './retry-after.ts'

/** `endpoint` is shown to people; it must hold no secret. `redact` takes the key out of what a server said. */
export function classifyFailure(
  thrown: unknown,
  endpoint: string,
  redact: (text: string) => string,
): ModelError {
  if (thrown instanceof ModelError) return thrown
  const failure = httpFailure(thrown)
  if (failure.status === null) return connectionError(thrown, endpoint, redact)
  const { status, message, headers } = failure
  return statusError(status, redact(message), endpoint, {
    retryAfterMs: retryAfter(headers, Date.now()),
    cause: bareCause(thrown, redact),
  })
}

/** The failure that an HTTP status stands for; servers that answer 200 name one in the body, too. */
export function statusError(
  status: number,
  detail: string,
  endpoint: string,
  extra: { retryAfterMs?: number | null; cause?: unknown } = {},
): ModelError {
  const text = oneLine(isMarkup(detail) ? `a page: ${textOfMarkup(detail)}` : detail)
  const make = (code: string, message: string, retryable: boolean): ModelError =>
    new ModelError(code, `${endpoint} answered ${status}: ${message}`, { ...extra, status, retryable })
  if (status === 401 || status === 403)
    return make('unauthorized', `the key was refused (${text}); check the variable named by apiKeyEnv`, false)
  if (status === 404) return make('not_found', `${text}; check the model's name and baseUrl`, false)
  if (status === 413 || isTooLong(text)) return make('context_length', text, false)
  if (status === 402 || (status === 429 && /insufficient_quota|exceeded your current quota/i.test(text)))
    return make('quota', `${text}; the account has no credit left`, false)
  if (status === 429) return make('rate_limit', text, true)
  if (status === 408 || status === 409 || status >= 500) return make('server_error', text, true)
  return make('bad_request', text, false)
}

export function isTooLong(text: string): boolean {
  return /context[_ ]length|maximum context|too many tokens|context (window|size)|prompt is too long/i.test(
    text,
  )
}

export function isMarkup(text: string): boolean {
  return /^\s*<(!doctype|html|head|body|\?xml)/i.test(text)
}

/** The words of an error page. */
export function textOfMarkup(page: string): string {
  const words = page
    .replaceAll(/<(style|script)[\s\S]*?<\/\1>/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return words || 'without text'
}

export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 300)
}

function connectionError(thrown: unknown, endpoint: string, redact: (text: string) => string): ModelError {
  const chain = causes(thrown)
  const cause = bareCause(thrown, redact)
  const code = chain
    .map((error) => (error as NodeJS.ErrnoException).code)
    .find((value) => typeof value === 'string')
  const told = chain.map((error) => `${error.name} ${error.message}`).join(' ')
  if (/timeout|timed out/i.test(`${code ?? ''} ${told}`))
    return new ModelError('timeout', `${endpoint} did not answer in time`, { retryable: true, cause })
  // Refused and unknown hosts are told from connections that were made and then dropped.
  if (code && /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test(code))
    return new ModelError(
      'connection_lost',
      `${endpoint} closed the connection before its answer was whole (${code})`,
      { retryable: true, cause },
    )
  const detail = code ?? oneLine(redact(chain.at(-1)?.message ?? String(thrown)))
  return new ModelError(
    'unreachable',
    `${endpoint} cannot be reached (${detail}); is the server running, and is baseUrl right?`,
    { retryable: true, cause },
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

/** What was thrown without the request and headers that client libraries hang on it. */
function bareCause(thrown: unknown, redact: (text: string) => string): Error {
  const chain = causes(thrown)
  const bare = new Error(redact(chain.map((error) => error.message).join(': ') || String(thrown)))
  bare.name = chain[0]?.name ?? 'Error'
  return bare
}

interface HttpFailure {
  status: number | null
  message: string
  headers: { get(name: string): string | null } | undefined
}

function httpFailure(thrown: unknown): HttpFailure {
  const none = { status: null, message: String(thrown), headers: undefined }
  if (thrown === null || typeof thrown !== 'object') return none
  const { status, message, headers, httpResponse } = thrown as Record<string, unknown>
  const inner = (httpResponse ?? {}) as Record<string, unknown>
  const known = inner.status ?? status
  return {
    status: typeof known === 'number' ? known : null,
    message: typeof message === 'string' ? message.replace(/^\d{3} /, '') : 'no message',
    headers: hasGet(headers) ? headers : undefined,
  }
}

function hasGet(headers: unknown): headers is { get(name: string): string | null } {
  return (
    typeof headers === 'object' && headers !== null && 'get' in headers && typeof headers.get === 'function'
  )
}
