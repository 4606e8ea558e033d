// Access tokens, for administrators; and the session of the trace browser, which is a token in a cookie.
import { createRoute } from '@hono/zod-openapi'
import { deleteCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'
import { newId } from '../../../src/ids.ts'
import { scopes } from '../../../src/store/read-contract.ts'
import { cookieName, makeSecret, secretOf, type Access } from '../access.ts'
import { clientOf, type RateLimiter } from '../limits.ts'
import { referenceSchema } from '../page.ts'
import { answers, HttpProblem, jsonBody, orNotFound } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { createRoutes, plainText } from './shared.ts'

const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scope: z.enum(scopes),
    createdAt: z.string(),
    expiresAt: z.string().nullable(),
    revokedAt: z.string().nullable(),
  })
  .meta({ id: 'AccessToken' })

const newTokenSchema = z
  .strictObject({
    name: plainText.pipe(z.string().trim().min(1).max(100)),
    scope: z.enum(scopes).default('read'),
    days: z.number().positive().max(3650).optional().meta({ description: 'How long it is valid.' }),
  })
  .meta({ id: 'NewAccessToken' })

const listRoute = createRoute({
  method: 'get',
  path: '/tokens',
  summary: 'The access tokens, newest first; their secrets are not kept',
  responses: answers(
    z.object({ items: z.array(tokenSchema) }).meta({ id: 'AccessTokenList' }),
    'The tokens.',
  ),
})

const createTokenRoute = createRoute({
  method: 'post',
  path: '/tokens',
  summary: 'Make an access token; its secret is shown this once',
  request: { body: jsonBody(newTokenSchema) },
  responses: answers(
    z.object({ token: tokenSchema, secret: z.string() }).meta({ id: 'CreatedAccessToken' }),
    'The token.',
  ),
})

const revokeRoute = createRoute({
  method: 'delete',
  path: '/tokens/{id}',
  summary: 'Revoke an access token',
  request: { params: z.object({ id: referenceSchema }) },
  responses: answers(tokenSchema, 'The token.'),
})

const sessionSchema = z
  .object({
    required: z.boolean().meta({ description: 'Whether this server asks for a token.' }),
    name: z.string().nullable(),
    scope: z.enum(scopes).nullable(),
  })
  .meta({ id: 'Session' })

const sessionRoute = createRoute({
  method: 'get',
  path: '/session',
  summary: 'Who is signed in',
  responses: answers(sessionSchema, 'The session.'),
})

const signInRoute = createRoute({
  method: 'post',
  path: '/session',
  summary: 'Sign the trace browser in: the token becomes a cookie that pages cannot read',
  request: {
    body: jsonBody(z.strictObject({ token: z.string().min(1).max(200) }).meta({ id: 'SignIn' })),
  },
  responses: answers(sessionSchema, 'The session.'),
})

const signOutRoute = createRoute({
  method: 'delete',
  path: '/session',
  summary: 'Sign the trace browser out',
  responses: answers(sessionSchema, 'The session.'),
})

const sessionSeconds = 30 * 24 * 3600

export function tokenRoutes(store: ApiStore, access: Access, failures: RateLimiter) {
  async function sessionOf(secret: string | null) {
    const { required, token } = await access.identify(secret)
    return { required, name: token?.name ?? null, scope: token?.scope ?? null }
  }
  return createRoutes()
    .openapi(listRoute, async (context) => context.json({ items: await store.listTokens() }, 200))
    .openapi(createTokenRoute, async (context) => {
      const { name, scope, days } = context.req.valid('json')
      const { secret, hash } = makeSecret()
      const id = newId()
      const expiresAt = days === undefined ? null : new Date(Date.now() + days * 86_400_000).toISOString()
      await store.addToken({ id, name, scope, hash, expiresAt })
      const token = (await store.listTokens()).find((one) => one.id === id)
      if (!token) throw new HttpProblem(500, 'unexpected', 'The token was not stored.')
      return context.json({ token, secret }, 200)
    })
    .openapi(revokeRoute, async (context) => {
      const { id } = context.req.valid('param')
      return context.json(await orNotFound(store.revokeToken(id)), 200)
    })
    .openapi(sessionRoute, async (context) => context.json(await sessionOf(secretOf(context)), 200))
    .openapi(signInRoute, async (context) => {
      const client = clientOf(context)
      if (!failures.take(client)) {
        throw new HttpProblem(429, 'rate_limit', 'Too many attempts: wait a minute.', { 'retry-after': '60' })
      }
      const { token } = context.req.valid('json')
      const session = await sessionOf(token)
      if (session.name === null) throw new HttpProblem(401, 'token_invalid', 'This token is not valid here.')
      const secure = new URL(context.req.url).protocol === 'https:'
      setCookie(context, cookieName, token, {
        httpOnly: true,
        sameSite: 'Strict',
        path: '/',
        maxAge: sessionSeconds,
        secure,
      })
      return context.json(session, 200)
    })
    .openapi(signOutRoute, async (context) => {
      deleteCookie(context, cookieName, { path: '/' })
      return context.json(await sessionOf(null), 200)
    })
}
