// What a failed query means. The driver's and drizzle's own errors carry statements and parameters
// (prompts, keys): they never leave the store; only the server's code and message do.
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { DescentError, StoreError, UsageError } from '../errors.ts'

/** SQLSTATE, or the system's or driver's code. */
export function failureCode(error: unknown): string {
  const cause = rootCause(error)
  const code = (cause as { code?: unknown }).code
  return typeof code === 'string' ? code : ''
}

function rootCause(error: unknown): unknown {
  let at = error
  while (at instanceof Error && !(at instanceof DescentError) && at.cause instanceof Error) at = at.cause
  if (at instanceof AggregateError && at.errors[0] instanceof Error) return at.errors[0]
  return at ?? {}
}

const lostConnection = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  '57P01',
  '57P02',
  '57P03',
])

/** Whether the server went away, or was not there: the same statement may work in a moment. */
export function isConnectionLoss(error: unknown): boolean {
  const code = failureCode(error)
  return lostConnection.has(code) || code.startsWith('08')
}

/** Whether the server gave up this transaction in favour of another one. */
export function isConflict(error: unknown): boolean {
  return ['40001', '40P01'].includes(failureCode(error))
}

/** The error a caller of the store gets. `where` names the store, without a password. */
export function storeFailure(error: unknown, where: string): Error {
  if (error instanceof DescentError) return error
  const code = failureCode(error)
  // Not from the database: a mistake of ours, to be seen as it is.
  if (code === '' && error instanceof Error && !(error instanceof DrizzleQueryError)) return error
  const message = firstLine(rootCause(error))
  if (code === '53100' || code === 'ENOSPC') {
    return new UsageError(`the disk of the store at ${where} is full: free some space and run again`, {
      code: 'disk_full',
    })
  }
  if (code === '42501')
    return new UsageError(`the store at ${where} refused: ${message}`, { code: 'permission' })
  if (code === '25006') return new UsageError(`the store at ${where} is read-only`, { code: 'read_only' })
  if (isConnectionLoss(error)) {
    return new StoreError('unreachable', `the store at ${where} does not answer (${code}: ${message})`)
  }
  return new StoreError(code || 'query', `the store at ${where} failed: ${message}`)
}

/** The error for a server that could not be opened: one line with host, port and database. */
export function openFailure(error: unknown, where: string): Error {
  if (error instanceof DescentError) return error
  const code = failureCode(error)
  const message = firstLine(rootCause(error))
  if (code === '28P01' || code === '28000') {
    return new UsageError(`${where} refused the user or password: check them in the URL (${message})`)
  }
  if (code === '3D000') return new UsageError(`${where}: ${message}; create it first with createdb`)
  if (code === '42501')
    return new UsageError(`${where}: ${message}; the user must own the database or may create in it`)
  if (code === 'ENOTFOUND') return new UsageError(`${where}: no such host (${message})`)
  if (code === '53300')
    return new UsageError(`${where}: ${message}; raise max_connections or close other clients`)
  if (isConnectionLoss(error) || code !== '') {
    return new UsageError(`${where} cannot be opened (${code}): ${message || 'nothing answers there'}`)
  }
  return storeFailure(error, where)
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n')[0]?.slice(0, 300) ?? ''
}
