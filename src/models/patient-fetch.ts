// Requests by undici, which Node's `fetch` is made of, asked directly. That takes a third of the processor
// time, and sets no time limits: `fetch` ends every request whose headers, or whose next bytes, take 300
// seconds, which long answers of big models do. The limits of a run file are the only ones here. Proxies
// are used when Node is told to (NODE_USE_ENV_PROXY=1).
import { Readable } from 'node:stream'
import { Agent, EnvHttpProxyAgent, interceptors, request, type Dispatcher } from 'undici'
import { environmentValue } from '../env.ts'

/** An answer whose headers are there; what of a `Response` is used. */
export interface HttpAnswer {
  ok: boolean
  status: number
  headers: { get(name: string): string | null }
  body: AsyncIterable<Uint8Array> | null
  /** The text of the whole body, in place of its bytes: for short ones, half the work. `heard`: bytes came. */
  whole?(heard: () => void): Promise<string>
}

/** Milliseconds; 0 is none. */
interface Limits {
  headersTimeout: number
  bodyTimeout: number
}

/** As many as `fetch` follows. */
const maxRedirections = 20

function createDispatcher(limits: Limits): Dispatcher {
  const proxied = environmentValue('NODE_USE_ENV_PROXY') === '1'
  const agent = proxied ? new EnvHttpProxyAgent(limits) : new Agent(limits)
  return agent.compose(interceptors.redirect({ maxRedirections }))
}

const patient = createDispatcher({ headersTimeout: 0, bodyTimeout: 0 })

/** Errors raised: what the connection throws; the signal's reason. */
export async function post(
  url: string,
  { headers, body, signal }: { headers: Record<string, string>; body: string; signal: AbortSignal },
): Promise<HttpAnswer> {
  const answer = await request(url, { dispatcher: patient, method: 'POST', headers, body, signal })
  const received = answer.headers
  const { body: content } = answer
  return {
    ok: answer.statusCode >= 200 && answer.statusCode < 300,
    status: answer.statusCode,
    headers: { get: (name) => [received[name] ?? []].flat().join(', ') || null },
    body: content,
    whole: async (heard) => await readWhole(content, heard),
  }
}

function readWhole(body: Readable, heard: () => void): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  return new Promise((resolve, reject) => {
    body.on('data', (bytes: Buffer) => {
      heard()
      text += decoder.decode(bytes, { stream: true })
    })
    body.on('end', () => resolve(text + decoder.decode()))
    body.on('error', reject)
    body.on('close', () => reject(new Error('the body was closed before its end')))
  })
}

/** The same for libraries, as the `fetch` that they are made for. */
export function createPatientFetch(limits?: Limits): typeof fetch {
  const dispatcher = limits ? createDispatcher(limits) : patient
  return async (input, init = {}) => {
    const { statusCode, headers, body } = await request(input instanceof Request ? input.url : input, {
      dispatcher,
      method: init.method ?? 'GET',
      headers: Object.fromEntries(new Headers(init.headers)),
      body: typeof init.body === 'string' ? init.body : null,
      signal: init.signal ?? null,
    })
    const received = Object.entries(headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((one): [string, string] => [name, one]),
    )
    const stream = [204, 205, 304].includes(statusCode) ? null : (Readable.toWeb(body) as ReadableStream)
    return new Response(stream, { status: statusCode, headers: received })
  }
}

export const patientFetch = createPatientFetch()
