// Errors on the wire: problem details (RFC 9457). What happened and what to do, in words that were
// written for people; never a stack, a statement, or what the client sent in its query.
import { z } from 'zod'
import type { MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { DescentError, UsageError } from '../../src/errors.ts'

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.string().meta({ description: 'A short stable word to branch on.' }),
    detail: z.string(),
    error: z
      .object({ message: z.string(), type: z.string(), code: z.string(), param: z.null() })
      .optional()
      .meta({ description: 'The same as OpenAI has it; on the chat routes.' }),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457).' })
export type Problem = z.infer<typeof problemSchema>

type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 416 | 429 | 500 | 502 | 503 | 504

const titles: Record<ProblemStatus, string> = {
  400: 'Bad request',
  401: 'Not signed in',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Request too large',
  415: 'Unsupported media type',
  416: 'Range not satisfiable',
  429: 'Too many requests',
  500: 'Internal error',
  502: 'The model server failed',
  503: 'Not now',
  504: 'Took too long',
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

/** The problem with an `error` beside it, where clients of OpenAI look for what went wrong. */
export async function withOpenAIError(response: Response): Promise<Response> {
  const problem = (await response.json()) as Problem
  const { detail: message, code, status } = problem
  const type = openAITypes[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error')
  const body: Problem = { ...problem, error: { message, type, code, param: null } }
  const { headers } = response
  headers.delete('content-length')
  return Response.json(body, { status, headers })
}

const openAITypes: Partial<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
}

/** Gives the problems of the chat routes in the shape of OpenAI too. */
export function openAIErrors(): MiddlewareHandler {
  return async (context, next) => {
    await next()
    const type = context.res.headers.get('content-type')
    if (type === 'application/problem+json') context.res = await withOpenAIError(context.res)
  }
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
    if (!(error instanceof UsageError) || error.code !== 'bad_cursor') throw error
    const detail = 'The cursor is not one that a page of this list gave: leave it out to begin at the first.'
    throw new HttpProblem(400, 'bad_cursor', detail)
  }
}

export function notFound(): Response {
  const known = 'GET /openapi.json lists what there is.'
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
  401: { description: 'A valid token is missing.', content },
  403: { description: 'The token does not allow it.', content },
  404: { description: 'There is no such thing.', content },
  429: { description: 'Too many requests.', content },
  500: { description: 'The server failed.', content },
} as const

/** The answers of a route that gives JSON, for its OpenAPI description. */
export function answers<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { 200: { description, content: { 'application/json': { schema } } }, ...problemResponses } as const
}

/** A request body of JSON. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { content: { 'application/json': { schema } }, required: true } as const
}
