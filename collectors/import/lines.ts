// The lines of a log of the reference implementation (PyPI `rlms`): one of type `metadata`, then one of type
// `iteration` for each turn of each completion. Source of the shapes: alexzhang13/rlm, `logger/rlm_logger.py`
// and `core/types.py`. What is needed is required; fields that are unknown pass.
import { z } from 'zod'

const count = z.number().nullish()

const promptSchema = z.union(
  [
    z.string(),
    z.array(z.looseObject({ role: z.string(), content: z.unknown().optional() })),
    z.record(z.string(), z.unknown()),
  ],
  { error: 'expected a text, a list of messages or an object' },
)
export type LoggedPrompt = z.output<typeof promptSchema>

const usageSchema = z.looseObject({
  model_usage_summaries: z.record(
    z.string(),
    z.looseObject({
      total_calls: count,
      total_input_tokens: count,
      total_output_tokens: count,
      total_cost: count,
    }),
  ),
})
export type LoggedUsage = z.output<typeof usageSchema>

export const metadataSchema = z.looseObject({
  type: z.literal('metadata'),
  root_model: z.string().min(1),
  backend: z.string().min(1),
  backend_kwargs: z.record(z.string(), z.unknown()).default({}),
  max_depth: count,
  max_iterations: count,
  environment_type: z.string().nullish(),
  other_backends: z.array(z.string()).nullish(),
})
export type LoggedMetadata = z.output<typeof metadataSchema>

const callSchema = z.looseObject({
  root_model: z.string(),
  prompt: promptSchema,
  response: z.string().nullish(),
  usage_summary: usageSchema.nullish(),
  execution_time: count,
  error: z.string().nullish(),
  /** Of a child that is an RLM itself. */
  get metadata() {
    return z.looseObject({ iterations: z.array(turnSchema) }).nullish()
  },
})
export type LoggedCall = z.output<typeof callSchema>

const blockSchema = z.looseObject({
  code: z.string(),
  result: z.looseObject({
    stdout: z.string(),
    stderr: z.string(),
    locals: z.record(z.string(), z.unknown()).nullish(),
    execution_time: count,
    get rlm_calls() {
      return z.array(callSchema).default([])
    },
    final_answer: z.string().nullish(),
  }),
})
export type LoggedBlock = z.output<typeof blockSchema>

/** Earlier versions logged the answer as a pair of how it was given and what it is. */
const answerSchema = z.union([z.string(), z.tuple([z.string(), z.string()]).transform(([, text]) => text)], {
  error: 'expected a text or null',
})

const turnSchema = z.looseObject({
  iteration: z.number().int().min(1),
  /** Local time without a zone. */
  timestamp: z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'expected a time in ISO 8601'),
  prompt: promptSchema,
  response: z.string(),
  get code_blocks() {
    return z.array(blockSchema)
  },
  final_answer: answerSchema.nullish(),
  iteration_time: count,
})
export type LoggedTurn = z.output<typeof turnSchema>

export type LoggedLine =
  | { type: 'metadata'; metadata: LoggedMetadata }
  | { type: 'iteration'; turn: LoggedTurn }

const typeSchema = z.looseObject({
  type: z.enum(['metadata', 'iteration'], { error: 'expected "metadata" or "iteration"' }),
})

/** Errors raised: a plain Error that names the field and what is expected. */
export function readLine(value: unknown): LoggedLine {
  const { type } = check(typeSchema, value)
  if (type === 'metadata') return { type, metadata: check(metadataSchema, value) }
  return { type, turn: check(turnSchema, value) }
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue?.path.map(String).join('.') || 'the line'
  throw new Error(`${field}: ${(issue?.message ?? 'not allowed').replace(/^Invalid input: /, '')}`)
}
