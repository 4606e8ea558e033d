// Errors on the wire: problem details (RFC 9457). What happened and what to do, in words that were
// written for people; never a stack, a statement, or what the client sent in its query.
import { z } from 'zod'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { DescentError, UsageError } from '../../src/errors.ts'

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.string().meta({ description: 'A short stable word to branch on.' }),
    detail: z.string(),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457).' })
export type Problem = z.infer<typeof problemSchema>

type ProblemStatus = 400 | 403 | 404 | 405 | 413 | 416 | 500

const titles: Record<ProblemStatus, string> = {
  400: 'Bad request',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  413: 'Request too large',
  416: 'Range not satisfiable',
  500: 'Internal error',
}

/** Thrown by routes; the app's error handler turns it into the answer. */
export class HttpProblem extends Error {
  readonly status: ProblemStatus
  readonly code: string
  readonly headers: Record<string, string>

  constructor(status: ProblemStatus, code: string, detail: string, headers: Record<string, string> = {}) {
    super(detail)
    this.name = 'HttpProblem'
    this.status = status
    this.code = code
    this.headers = headers
  }
}

export function problemResponse(problem: HttpProblem): Response {
  const body: Problem = {
    type: 'about:blank',
    title: titles[problem.status],
    status: problem.status,
    code: problem.code,
    detail: problem.message,
  }
  return Response.json(body, {
    status: problem.status,
    headers: { ...problem.headers, 'content-type': 'application/problem+json' },
  })
}

/** The answer for anything thrown. Only messages written for people go out. */
export function errorResponse(error: unknown): Response {
  if (error instanceof HttpProblem) return problemResponse(error)
  if (error instanceof UsageError) {
    return problemResponse(new HttpProblem(400, error.code, error.message))
  }
  if (error instanceof HTTPException && error.status < 500) {
    return problemResponse(new HttpProblem(400, 'bad_request', 'The request could not be read.'))
  }
  const code = error instanceof DescentError ? `${error.boundary}_${error.code}` : 'unexpected'
  const detail = 'The server failed to answer; its log names the cause.'
  return problemResponse(new HttpProblem(500, code, detail))
}

/** Runs a lookup; the store's "there is no such…" becomes a 404. */
export async function orNotFound<T>(lookup: Promise<T>): Promise<T> {
  try {
    return await lookup
  } catch (error) {
    if (error instanceof UsageError) throw new HttpProblem(404, 'not_found', error.message)
    throw error
  }
}

/** Runs a list; what the store says of a foreign cursor repeats the cursor, so it is said anew. */
export async function orBadCursor<T>(list: Promise<T>): Promise<T> {
  try {
    return await list
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const detail = 'The cursor is not one that a page of this list gave: leave it out to begin at the first.'
    throw new HttpProblem(400, 'bad_cursor', detail)
  }
}

export function notFound(context: Context): Response {
  const known = 'GET /openapi.json lists what there is.'
  if (context.req.method !== 'GET' && context.req.method !== 'HEAD') {
    const headers = { allow: 'GET, HEAD' }
    return problemResponse(
      new HttpProblem(405, 'method_not_allowed', `This API is read only. ${known}`, headers),
    )
  }
  return problemResponse(new HttpProblem(404, 'not_found', `There is nothing at this address. ${known}`))
}

interface ValidationResult {
  success: boolean
  target: string
  error?: { issues: { path: PropertyKey[]; message: string }[] }
}

/** Answers a request whose parameters do not fit: which one, and what is allowed. */
export function validationHook(result: ValidationResult): Response | undefined {
  if (result.success || !result.error) return undefined
  const where = result.target === 'param' ? 'path' : result.target
  const problems = result.error.issues.map((issue) => `${where} ${issue.path.join('.')}: ${issue.message}`)
  return problemResponse(new HttpProblem(400, 'invalid_parameter', problems.join('; ')))
}

const content = { 'application/problem+json': { schema: problemSchema } }

/** The error answers of a route, for its OpenAPI description. */
export const problemResponses = {
  400: { description: 'A parameter does not fit.', content },
  404: { description: 'There is no such thing.', content },
  500: { description: 'The server failed.', content },
} as const
