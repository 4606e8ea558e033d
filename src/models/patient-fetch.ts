// The `fetch` of the client libraries: undici, which Node's own is made of, asked directly. That takes a
// third of the processor time per request, and sets no time limits: Node's `fetch` ends every request
// whose headers, or whose next bytes, take 300 seconds, which long answers of big models do. The limits of
// a run file are the only ones here. Proxies are used when Node is told to (NODE_USE_ENV_PROXY=1).
import { Agent, EnvHttpProxyAgent, interceptors, request } from 'undici'
import { environmentValue } from '../env.ts'

/** As many as `fetch` follows. */
const maxRedirections = 20

/** `limits` in milliseconds; 0 is none. */
export function createPatientFetch(
  limits: { headersTimeout: number; bodyTimeout: number } = { headersTimeout: 0, bodyTimeout: 0 },
): typeof fetch {
  const proxied = environmentValue('NODE_USE_ENV_PROXY') === '1'
  const dispatcher = (proxied ? new EnvHttpProxyAgent(limits) : new Agent(limits)).compose(
    interceptors.redirect({ maxRedirections }),
  )
  return async (input, init = {}) => {
    const { statusCode, headers, body } = await request(input instanceof Request ? input.url : input, {
      dispatcher,
      method: init.method ?? 'GET',
      headers: Object.fromEntries(new Headers(init.headers)),
      body: typeof init.body === 'string' ? init.body : null,
      signal: init.signal ?? null,
    })
    const facts = { status: statusCode, headers: headersOf(headers) }
    // A good answer is read as it comes in, without the streams of the web; the rest is small.
    if (statusCode >= 300) return new Response(await body.text(), facts)
    const text = async () => await body.text()
    return { ok: true, ...facts, body, text, json: async () => await body.json() } as unknown as Response
  }
}

function headersOf(received: Record<string, string | string[] | undefined>): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(received))
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  return headers
}

export const patientFetch = createPatientFetch()
