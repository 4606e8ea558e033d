// The typed client: the routes' own types, so that a call that does not fit does not compile.
import { hc } from 'hono/client'
import type { Api } from './app.ts'

/** `url` is that of `descent serve`; `token` where the server asks for one. */
export function createClient(url: string, options: { token?: string; fetch?: typeof fetch } = {}) {
  const { token, fetch: send } = options
  return hc<Api>(url, {
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    ...(send ? { fetch: send } : {}),
  })
}
