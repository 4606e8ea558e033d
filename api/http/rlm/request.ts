// What a chat request asks of an RLM: a question, which the root model reads, and a context, which only the
// REPL sees. Invariant: every message is in the question or in the context; what is long never enters the
// question whole.
import { z } from 'zod'
import type { AskedTask } from '../../../collectors/open-run.ts'
import { jsonSchema } from '../../../src/json.ts'
import type { Json } from '../../../src/json.ts'
import { contextSchema, type TaskContext } from '../../../src/tasks/task.ts'
import { HttpProblem } from '../problem.ts'

/** A message of at most so many characters is read by the root model; a longer one is context. */
export const shortCharacters = 4000
/** Of a long last message the question shows so many characters of its beginning and of its end. */
const shownCharacters = 1000

const askSchema = jsonSchema.pipe(
  z.strictObject({
    question: z.string().min(1).optional(),
    context: contextSchema.optional(),
    answer: z.json().optional(),
  }),
)

/** The same for the description of the API, which cannot tell of any JSON. */
export const describedAskSchema = z
  .looseObject({
    question: z.string().optional().meta({
      description: 'The question; all messages, but for short system messages, are then the context.',
    }),
    context: z.unknown().optional().meta({
      description: 'The context: a string, a list or an object. The one user message is then the question.',
    }),
    answer: z.unknown().optional().meta({
      description: 'The gold answer, any JSON, for the rewards of the run file.',
    }),
  })
  .meta({ id: 'RlmRequest', description: 'What an OpenAI request has no field for.' })

export interface ChatBody {
  model: string
  messages: { role: string; content?: unknown }[]
  stream?: boolean | null | undefined
  [field: string]: unknown
}

export interface RlmRequest {
  task: AskedTask
  stream: boolean
  includeUsage: boolean
  /** Fields of the request that have no effect: sampling and limits are those of the run file. */
  ignored: string[]
}

interface ChatMessage {
  role: string
  content: string
}

const used = new Set(['model', 'messages', 'stream', 'stream_options', 'descent', 'metadata', 'n'])
const metadataSchema = z.record(z.string().max(64), z.string().max(512)).nullish()
const streamOptions = z.looseObject({ include_usage: z.boolean().nullish() }).nullish()

/** Errors raised: HttpProblem 400 that names the field and what is allowed. */
export function readRequest(body: ChatBody): RlmRequest {
  refuseForeign(body)
  const ask = check(askSchema.optional(), body['descent'], 'descent') ?? {}
  const metadata = check(metadataSchema, body['metadata'], 'metadata') ?? {}
  const options = check(streamOptions, body['stream_options'], 'stream_options')
  const messages = body.messages.map(readMessage)
  const { question, context } = divide(messages, ask)
  return {
    task: { prompt: question, context, answer: ask.answer ?? null, metadata },
    stream: body.stream === true,
    includeUsage: options?.include_usage === true,
    ignored: Object.keys(body).filter((field) => !used.has(field) && isSet(body[field])),
  }
}

function bad(detail: string): HttpProblem {
  return new HttpProblem(400, 'invalid_request', detail)
}

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown, field: string): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw bad(`${[field, ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'not allowed'}`)
}

/** What would change the kind of answer, and is not there. */
function refuseForeign(body: ChatBody): void {
  const { n, response_format: format } = body
  if (isSet(n) && n !== 1) throw bad('n: one answer a request; send the request again for another one')
  for (const field of ['tools', 'functions']) {
    const given = body[field]
    if (isSet(given) && !(Array.isArray(given) && given.length === 0))
      throw bad(`${field}: not supported; tools of the REPL are named in the run file`)
  }
  if (isSet(format) && (format as { type?: unknown }).type !== 'text')
    throw bad('response_format: only {"type": "text"}; ask for another format in the question')
  if (body['logprobs'] === true) throw bad('logprobs: not supported; the recorded trajectory may have them')
}

function readMessage({ role, content }: ChatBody['messages'][number], index: number): ChatMessage {
  const where = `messages.${index}`
  if (!['system', 'developer', 'user', 'assistant'].includes(role))
    throw bad(`${where}.role: "${role}" is not supported; allowed: system, developer, user, assistant`)
  if (typeof content === 'string') return { role, content }
  if (!isSet(content) && role === 'assistant') return { role, content: '' }
  if (!Array.isArray(content)) throw bad(`${where}.content: expected a string or a list of text parts`)
  const texts = (content as { type?: unknown; text?: unknown }[]).map((part, at) => {
    if (part?.type === 'text' && typeof part.text === 'string') return part.text
    const type = String(part?.type)
    throw bad(`${where}.content.${at}: a part of type "${type}" is not supported; only text is`)
  })
  return { role, content: texts.join('') }
}

function isInstruction({ role, content }: ChatMessage): boolean {
  return (role === 'system' || role === 'developer') && content.length <= shortCharacters
}

function divide(
  messages: ChatMessage[],
  ask: z.output<typeof askSchema>,
): { question: string; context: TaskContext } {
  const instructions = messages.filter(isInstruction).map(({ content }) => content)
  const rest = messages.filter((message) => !isInstruction(message))
  const withInstructions = (text: string) => [...instructions, text].filter(Boolean).join('\n\n')
  if (ask.question !== undefined && ask.context !== undefined)
    throw bad('descent: give question or context, not both: the messages are the other one')
  if (ask.question !== undefined)
    return { question: withInstructions(ask.question), context: contextOf(rest) }
  const last = rest.at(-1)
  if (last?.role !== 'user')
    throw bad('messages: the last one must be of role user, or give descent.question')
  if (last.content.trim() === '') throw bad(`messages.${messages.indexOf(last)}.content: it is empty`)
  if (ask.context !== undefined) {
    if (rest.length > 1)
      throw bad('descent.context goes with one user message, the question, and short system messages')
    return { question: withInstructions(last.content), context: valueOf(ask.context) }
  }
  if (last.content.length <= shortCharacters)
    return { question: withInstructions(last.content), context: contextOf(rest.slice(0, -1)) }
  return { question: withInstructions(excerpt(last.content, rest.length > 1)), context: contextOf(rest) }
}

/** One message is its text; several are a list, as the reference takes conversations. */
function contextOf(messages: ChatMessage[]): TaskContext {
  if (messages.length > 1) return { kind: 'json', value: messages as unknown as Json }
  return { kind: 'text', text: messages[0]?.content ?? '' }
}

function valueOf(value: z.output<typeof contextSchema>): TaskContext {
  return typeof value === 'string' ? { kind: 'text', text: value } : { kind: 'json', value }
}

/** Whether people ask before or after what they paste is not known, so both ends are shown. */
function excerpt(text: string, several: boolean): string {
  const where = several ? 'the content of the last message in `context`' : '`context`'
  return [
    `The request is ${where}, which is too long to be shown here. What it asks stands at its beginning or at its end, as a rule: find it, and answer it. It begins:`,
    sliceOf(text, 0, shownCharacters),
    'It ends:',
    sliceOf(text, text.length - shownCharacters, text.length),
  ].join('\n\n')
}

/** Never half of a surrogate pair. */
function sliceOf(text: string, from: number, to: number): string {
  return text
    .slice(from, to)
    .replace(/^[\udc00-\udfff]/, '')
    .replace(/[\ud800-\udbff]$/, '')
}
