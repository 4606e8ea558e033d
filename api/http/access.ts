// Who may do what. Tokens are random secrets of which the store has the hashes; a request names one in its
// Authorization header, or, from the trace browser, in a cookie that pages cannot read and that other sites
// do not send. Where the store has a valid token, or the server is reachable from elsewhere, nothing under
// /v1 is answered without one.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie } from 'hono/cookie'
import type { AccessToken, Scope, Store } from '../../src/store/contract.ts'
import { clientOf, type RateLimiter, tooMany } from './limits.ts'
import { HttpProblem, problemResponse } from './problem.ts'

const prefix = 'descent_'
export const cookieName = 'descent_token'
/** A revoked token is refused after this time at the latest. */
const rememberMilliseconds = 2000

export interface Access {
  /** The token of this secret; null when there is none that is valid. Null for `required: false` too. */
  identify(secret: string | null): Promise<{ required: boolean; token: AccessToken | null }>
}

/** A new secret (192 random bits) and the hash that the store keeps. */
export function makeSecret(): { secret: string; hash: Buffer } {
  const secret = `${prefix}${randomBytes(24).toString('base64url')}`
  return { secret, hash: hashSecret(secret) }
}

function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** `always`: also where the store has no token. */
export function openAccess(store: Pick<Store, 'validTokens'>, always: boolean): Access {
  let known: { at: number; tokens: ReturnType<Store['validTokens']> } | null = null
  return {
    async identify(secret) {
      if (known === null || Date.now() - known.at > rememberMilliseconds) {
        known = { at: Date.now(), tokens: store.validTokens() }
        known.tokens.catch(() => (known = null))
      }
      const tokens = await known.tokens
      const required = always || tokens.length > 0
      const given = hashSecret(secret ?? '')
      let found: AccessToken | null = null
      // Every hash is compared to its end, so that the time tells nothing about any of them.
      for (const { hash, ...token } of tokens) if (timingSafeEqual(hash, given)) found = token
      return { required, token: secret === null ? null : found }
    },
  }
}

/** The secret that a request gives; null when it gives none. */
export function secretOf(context: Context): string | null {
  const header = context.req.header('authorization')
  const bearer = header === undefined ? null : (/^Bearer +([\w.~+/=-]{1,200})$/i.exec(header)?.[1] ?? '')
  return bearer ?? getCookie(context, cookieName) ?? null
}

const order: Scope[] = ['read', 'write', 'admin']

/** What a request needs: reading, changing what is stored, or what reaches this machine (runs, tokens). */
export function neededScope(method: string, path: string): Scope {
  if (path.startsWith('/v1/tokens')) return 'admin'
  if (method === 'POST' && path === '/v1/runs') return 'admin'
  // They ask models, at the cost of whoever pays for them; rewards may be files of this machine.
  if (/^\/v1\/(?:trajectories\/[^/]+\/forks|runs\/[^/]+\/scores)/.test(path)) return 'admin'
  if (path.startsWith('/v1/batches')) return 'write'
  const onlyLooks = path === '/v1/datasets/plan' || path === '/v1/datasets/preview'
  return method === 'GET' || method === 'HEAD' || onlyLooks ? 'read' : 'write'
}

export interface AccessVariables {
  /** Who asks: the name of the token, or `local`. */
  author: string
}

/** Lets a request through when its token, if one is needed, allows what it asks for. */
export function guard(
  access: Access,
  failures: RateLimiter,
): MiddlewareHandler<{ Variables: AccessVariables }> {
  return async (context, next) => {
    const { method, path } = context.req
    if (path === '/v1/session') return await next()
    const secret = secretOf(context)
    const client = clientOf(context)
    if (secret !== null && !failures.has(client)) return tooMany()
    const { required, token } = await access.identify(secret)
    if (secret !== null && token === null && required) failures.take(client)
    if (required && token === null) {
      const detail =
        'This server needs a token: send it as "Authorization: Bearer TOKEN". `descent token create` makes one.'
      const headers = { 'www-authenticate': 'Bearer realm="descent"' }
      return problemResponse(new HttpProblem(401, 'token_missing', detail, headers))
    }
    const needed = neededScope(method, path)
    if (token !== null && order.indexOf(token.scope) < order.indexOf(needed)) {
      const detail = `This needs a token of scope ${needed}; yours has ${token.scope}.`
      return problemResponse(new HttpProblem(403, 'scope', detail))
    }
    context.set('author', token?.name ?? 'local')
    return await next()
  }
}
