// The server behind the proxy: requests go to it as they came, answers come back as they are, and a copy of
// each is read for the record.
import type { Exchange, ProxyMessage } from './session.ts'

export interface Upstream {
  /** Such as http://127.0.0.1:8000/v1 */
  url: string
  /** Sent as a bearer token; the caller's own is never passed on. */
  key: string | null
}

type Body = Record<string, unknown>

/** Passes a chat request on. `done` is told once the answer is complete, also when it failed. */
export async function forward(
  { url, key }: Upstream,
  body: Body,
  signal: AbortSignal,
  done: (exchange: Exchange) => Promise<void>,
): Promise<Response> {
  const startedAt = new Date()
  const started = performance.now()
  const { model, messages, stream, ...sampling } = body
  const base = {
    model: typeof model === 'string' ? model : '',
    messages: readMessages(messages),
    sampling,
    startedAt: startedAt.toISOString(),
  }
  const timing = () => ({ latencyMs: performance.now() - started })
  const none = { reply: null, usage: null, requestId: null }
  async function recordStream(copy: ReadableStream<Uint8Array>): Promise<void> {
    let exchange: Exchange
    try {
      exchange = { ...base, ...(await readStream(copy)), ...timing(), error: null }
    } catch (error) {
      exchange = { ...base, ...none, ...timing(), error: { code: 'stream_cut', message: String(error) } }
    }
    await done(exchange)
  }

  let response: Response
  try {
    response = await fetch(`${url.replace(/\/+$/, '')}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
      signal,
    })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    await done({ ...base, ...none, ...timing(), error: { code: 'unreachable', message } })
    throw error
  }
  const headers = { 'content-type': response.headers.get('content-type') ?? 'application/json' }
  if (stream === true && response.ok && response.body) {
    const [copy, out] = response.body.tee()
    void recordStream(copy)
    return new Response(out, { status: response.status, headers })
  }
  const text = await response.text()
  const error = response.ok
    ? null
    : { code: `http_${response.status}`, message: text.slice(0, 2000) || response.statusText }
  await done({ ...base, ...(response.ok ? readCompletion(text) : none), ...timing(), error })
  return new Response(text, { status: response.status, headers })
}

function readMessages(given: unknown): ProxyMessage[] {
  if (!Array.isArray(given)) return []
  return (given as { role?: unknown; content?: unknown }[]).map(({ role, content }) => ({
    role: typeof role === 'string' ? role : 'user',
    content: textOf(content),
  }))
}

/** Of several parts, those that are text. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return content === null || content === undefined ? '' : JSON.stringify(content)
  return (content as { text?: unknown }[]).map(({ text }) => (typeof text === 'string' ? text : '')).join('')
}

interface Completion {
  id?: string
  choices?: {
    message?: { content?: unknown; reasoning_content?: unknown }
    delta?: { content?: unknown; reasoning_content?: unknown }
    finish_reason?: string | null
  }[]
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null
}

type Read = Pick<Exchange, 'reply' | 'usage' | 'requestId'>

function usageOf({ usage }: Completion): Exchange['usage'] {
  if (!usage) return null
  return { inputTokens: usage.prompt_tokens ?? 0, outputTokens: usage.completion_tokens ?? 0 }
}

function readCompletion(text: string): Read {
  const completion = JSON.parse(text) as Completion
  const [choice] = completion.choices ?? []
  const reasoning = choice?.message?.reasoning_content
  return {
    reply: {
      text: textOf(choice?.message?.content),
      reasoning: typeof reasoning === 'string' ? reasoning : null,
      finishReason: choice?.finish_reason ?? null,
    },
    usage: usageOf(completion),
    requestId: completion.id ?? null,
  }
}

/** Joins the deltas of a streamed answer (server-sent events that end with [DONE]). */
async function readStream(body: ReadableStream<Uint8Array>): Promise<Read> {
  const decoder = new TextDecoder()
  let rest = ''
  let text = ''
  let reasoning = ''
  let finishReason: string | null = null
  let usage: Exchange['usage'] = null
  let requestId: string | null = null
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const data = /^data:\s*(\{.*\})\s*$/.exec(line)?.[1]
      if (data === undefined) continue
      const part = JSON.parse(data) as Completion
      const [choice] = part.choices ?? []
      text += textOf(choice?.delta?.content)
      reasoning += textOf(choice?.delta?.reasoning_content)
      finishReason = choice?.finish_reason ?? finishReason
      usage = usageOf(part) ?? usage
      requestId = part.id ?? requestId
    }
  }
  return { reply: { text, reasoning: reasoning || null, finishReason }, usage, requestId }
}
