// A chat server that fails in every way that servers fail, by a fixed plan, and bears only so many
// requests at once. It answers as the careful scripted policy does where it answers well.
import { createScriptedModel, type Message } from '../../src/models/index.ts'
import { startOpenAIServer, type OpenAIServer, type Reply, type SeenRequest } from './openai-server.ts'

export type Fault =
  | 'rate_limit'
  | 'server_error'
  | 'hang'
  | 'cut'
  | 'malformed'
  | 'page'
  | 'too_long'
  | 'empty'
  | 'reasoning_only'

/** Of 1000 requests, how many meet which fault. */
const shares: Record<Fault, number> = {
  rate_limit: 10,
  server_error: 50,
  hang: 25,
  cut: 50,
  malformed: 50,
  page: 25,
  too_long: 8,
  empty: 25,
  reasoning_only: 25,
}

/** The classes under which a fault may be recorded when no further attempt helps. */
export const classesOf: Record<Exclude<Fault, 'empty' | 'reasoning_only'>, string[]> = {
  rate_limit: ['rate_limit'],
  server_error: ['server_error'],
  hang: ['timeout', 'stalled'],
  cut: ['connection_lost', 'stream_cut'],
  malformed: ['truncated_json', 'stream_cut'],
  page: ['not_json'],
  too_long: ['context_length'],
}

export interface FaultyServer extends OpenAIServer {
  faultOf(request: SeenRequest): Fault | null
}

/** `capacity`: requests that are borne at once, by the number of requests before. */
export async function startFaultyServer(options: {
  capacity: (count: number) => number
  delayMs: number
}): Promise<FaultyServer> {
  const careful = createScriptedModel('careful')
  const faults = new Map<Reply, Fault>()
  const server = await startOpenAIServer(async (body, count, open) => {
    const fault = open > options.capacity(count) ? 'rate_limit' : plannedFault(count)
    const messages = body.messages as Message[]
    const { text } = await careful.complete(
      { messages, sampling: {}, wantTokens: false, seed: 1 },
      new AbortController().signal,
    )
    const reply = fault ? faultyReply(fault, text, body.stream === true) : { text, delayMs: options.delayMs }
    if (fault) faults.set(reply, fault)
    return reply
  })
  return { ...server, faultOf: ({ reply }) => faults.get(reply) ?? null }
}

/** Spread evenly, the same in every run: multiples of the golden ratio. */
function plannedFault(count: number): Fault | null {
  let point = ((count * 0.6180339887498949) % 1) * 1000
  for (const [fault, share] of Object.entries(shares)) {
    point -= share
    if (point < 0) return fault as Fault
  }
  return null
}

function faultyReply(fault: Fault, text: string, stream: boolean): Reply {
  const replies: Record<Fault, Reply> = {
    rate_limit: { status: 429, headers: { 'retry-after': '0.15' } },
    server_error: { status: 500 },
    hang: { text, stallAfter: stream ? 150 : 0 },
    cut: { text: text.padEnd(200), cutAfter: 150 },
    malformed: stream
      ? { body: 'data: {"choices": [{"delta": {"conte\n\n', contentType: 'text/event-stream' }
      : { body: '{"choices": [{"message": {"content": "as I sa' },
    page: { body: '<!DOCTYPE html><html><body>gateway</body></html>', contentType: 'text/html' },
    too_long: { status: 400, body: { error: { message: 'maximum context length is 8192 tokens' } } },
    empty: { text: '' },
    reasoning_only: { reasoning: 'all of it was thought and nothing was said' },
  }
  return replies[fault]
}
