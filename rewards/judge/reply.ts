// Reading a judge's reply: the last JSON object in it. What cannot be read is an error, never a score.
import { z } from 'zod'
import { DescentError } from '../../src/errors.ts'
import type { Json } from '../../src/json.ts'

const score = z.number().min(0).max(1)
const verdictSchema = z.object({ score, reason: z.string().optional() })
const groupSchema = z.object({
  scores: z.array(z.object({ attempt: z.number().int(), score, reason: z.string().optional() })),
})

/** `response_format` of the OpenAI protocol. Strict schemas want every field, and no range of numbers. */
function jsonFormat(name: string, properties: Record<string, Json>): Json {
  const schema = {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  }
  return { type: 'json_schema', json_schema: { name, strict: true, schema } }
}

const verdictFields = { reason: { type: 'string' }, score: { type: 'number' } }
export const replyFormat = jsonFormat('verdict', verdictFields)
const entryFields = { attempt: { type: 'integer' }, ...verdictFields }
export const groupReplyFormat = jsonFormat('verdicts', {
  scores: {
    type: 'array',
    items: {
      type: 'object',
      properties: entryFields,
      required: Object.keys(entryFields),
      additionalProperties: false,
    },
  },
})

export type JudgeVerdict = z.output<typeof verdictSchema>

/** Errors raised: DescentError `judge_reply`. */
export function readVerdict(text: string): JudgeVerdict {
  return parseReply(text, verdictSchema, '{"score": 0 to 1}')
}

/** Scores by attempt, one for each of `count`. Errors raised: DescentError `judge_reply`. */
export function readGroupVerdict(text: string, count: number): JudgeVerdict[] {
  const { scores } = parseReply(text, groupSchema, '{"scores": [{"attempt", "score"}]}')
  return Array.from({ length: count }, (_, index) => {
    const own = scores.filter(({ attempt }) => attempt === index + 1)
    if (own.length === 1 && own[0]) return own[0]
    throw badReply(text, `exactly one score for attempt ${index + 1}`)
  })
}

function parseReply<T>(text: string, schema: z.ZodType<T>, wanted: string): T {
  for (const candidate of objectsIn(text)) {
    const parsed = schema.safeParse(candidate)
    if (parsed.success) return parsed.data
  }
  throw badReply(text, wanted)
}

function badReply(text: string, wanted: string): DescentError {
  const shown = JSON.stringify(text.slice(0, 200))
  return new DescentError('reward', 'judge_reply', `the judge replied ${shown}; expected ${wanted}`)
}

/** JSON objects in a text, the last first: a model may think aloud before its verdict. */
function* objectsIn(text: string): Generator {
  const end = text.lastIndexOf('}') + 1
  for (let at = text.lastIndexOf('{', end); at >= 0; at = at === 0 ? -1 : text.lastIndexOf('{', at - 1)) {
    try {
      yield JSON.parse(text.slice(at, end))
    } catch {
      // It begins inside a text or an inner object: try further left.
    }
  }
}
