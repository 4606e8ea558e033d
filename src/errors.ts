// Errors are named by the boundary at which they happened. A message says what was wrong, where,
// what is allowed and what to do; `UsageError` is a mistake of the person at the door (exit code 2).
// A bad rollout is data: collectors turn the errors below into rows with `toErrorRecord`.
import type { Json } from './json.ts'

export type Boundary = 'usage' | 'task' | 'model' | 'sandbox' | 'protocol' | 'reward' | 'store' | 'dataset'

export class DescentError extends Error {
  readonly boundary: Boundary
  /** A short stable word for counting and filtering, such as `rate_limit` or `unauthorized`. */
  readonly code: string

  constructor(boundary: Boundary, code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = `${boundary[0]?.toUpperCase()}${boundary.slice(1)}Error`
    this.boundary = boundary
    this.code = code
  }
}

/** A mistake in what a person gave: one line on stderr, no stack, exit code 2. */
export class UsageError extends DescentError {
  constructor(message: string, options?: { cause?: unknown; code?: string; boundary?: Boundary }) {
    super(options?.boundary ?? 'usage', options?.code ?? 'usage', message, options)
    this.name = 'UsageError'
  }
}

export interface ModelErrorDetails {
  status?: number | null
  attempts?: number
  retryable?: boolean
  retryAfterMs?: number | null
  raw?: Record<string, Json> | null
  cause?: unknown
}

export class ModelError extends DescentError {
  /** HTTP status of the last answer, when there was one. */
  readonly status: number | null
  /** Requests made, the failed one included. */
  readonly attempts: number
  readonly retryable: boolean
  /** Milliseconds that the server asked to wait before the next request. */
  readonly retryAfterMs: number | null
  /** What is worth storing with the failed call: the attempts before it, the text of a cut stream. */
  readonly raw: Record<string, Json> | null

  constructor(code: string, message: string, details: ModelErrorDetails = {}) {
    super('model', code, message, { cause: details.cause })
    this.status = details.status ?? null
    this.attempts = details.attempts ?? 1
    this.retryable = details.retryable ?? false
    this.retryAfterMs = details.retryAfterMs ?? null
    this.raw = details.raw ?? null
  }
}

export class SandboxError extends DescentError {
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super('sandbox', code, message, options)
  }
}

export class StoreError extends DescentError {
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super('store', code, message, options)
  }
}

/** What is stored of an error: its boundary and code to count by, its message to read. */
export interface ErrorRecord {
  boundary: Boundary
  code: string
  message: string
}

export function toErrorRecord(error: unknown, fallback: Boundary): ErrorRecord {
  if (error instanceof DescentError) {
    return { boundary: error.boundary, code: error.code, message: error.message }
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return { boundary: fallback, code: 'unexpected', message: message.slice(0, 4000) }
}
