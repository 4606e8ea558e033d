// What every answer and every request is held to. On loopback the server answers only to loopback names (a
// foreign page that rebinds its DNS name to 127.0.0.1 still sends its own Host); it grants no other origin,
// takes changes from its own pages and from programs only, and lets its pages load nothing from outside and
// run no inline script.
import type { MiddlewareHandler } from 'hono'
import { HttpProblem, problemResponse } from './problem.ts'

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const headers: Record<string, string> = {
  'content-security-policy': contentSecurityPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

export function securityHeaders(): MiddlewareHandler {
  return async (context, next) => {
    await next()
    for (const [name, value] of Object.entries(headers)) context.res.headers.set(name, value)
    if (!context.res.headers.has('cache-control')) context.res.headers.set('cache-control', 'no-store')
  }
}

/** True for the names and addresses of this machine's loopback: localhost, 127.0.0.0/8, ::1. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  if (name === 'localhost' || name === '::1') return true
  const parts = name.split('.')
  return (
    parts.length === 4 && parts[0] === '127' && parts.every((part) => /^\d{1,3}$/.test(part) && +part < 256)
  )
}

/** Refuses requests whose Host is not a loopback name. */
export function loopbackHost(): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header('host') ?? new URL(context.req.url).host
    const name = /^(\[[^\]]*\]|[^:]*)(:\d+)?$/.exec(host)?.[1]
    if (name === undefined || !isLoopback(name)) {
      const detail = 'This server answers to localhost, 127.0.0.1 and [::1] only: use one of these names.'
      return problemResponse(new HttpProblem(403, 'foreign_host', detail))
    }
    return await next()
  }
}

/**
 * Refuses a change that a page of another origin asks for, and a body that is not JSON (which a page can
 * send without being asked whether it may).
 */
export function ownPagesOnly(): MiddlewareHandler {
  return async (context, next) => {
    const { method } = context.req
    if (method === 'GET' || method === 'HEAD') return await next()
    const site = context.req.header('sec-fetch-site')
    const origin = context.req.header('origin')
    const host = context.req.header('host') ?? new URL(context.req.url).host
    const foreign = origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host)
    if (foreign || (site !== undefined && site !== 'same-origin' && site !== 'none')) {
      return problemResponse(
        new HttpProblem(403, 'foreign_origin', 'Pages of other origins may not change anything here.'),
      )
    }
    const type = context.req.header('content-type')
    const length = context.req.header('content-length')
    const hasBody = (length !== undefined && length !== '0') || context.req.header('transfer-encoding')
    if ((hasBody || type !== undefined) && !/^application\/json\b/i.test(type ?? '')) {
      return problemResponse(new HttpProblem(415, 'not_json', 'Send the body as application/json.'))
    }
    return await next()
  }
}
