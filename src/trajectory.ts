// The shape in which a recorded trajectory is read: `descent show --json`, the API, the rewards and
// the recipes all see this one. Stable: fields are added, never renamed.
import { z } from 'zod'

export const stopReasons = [
  'answered',
  'max_turns',
  'max_tokens',
  'max_cost',
  'max_calls',
  'max_time',
  'max_errors',
  'cancelled',
  'model_error',
  'sandbox_error',
  'no_code',
] as const
export const stopReasonSchema = z.enum(stopReasons)
export type StopReason = z.infer<typeof stopReasonSchema>

/** `failed`: it ended by an error of ours or of a server, not of the policy, and may be run again. */
export const trajectoryStatusSchema = z.enum(['pending', 'running', 'done', 'failed'])
export type TrajectoryStatus = z.infer<typeof trajectoryStatusSchema>

const message = z.object({ role: z.string(), content: z.string() })

export const errorRecordSchema = z.object({ boundary: z.string(), code: z.string(), message: z.string() })

export const usageSchema = z
  .object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    calls: z.number().meta({ description: 'Requests to models in the whole tree.' }),
    costUsd: z.number().nullable(),
  })
  .meta({ id: 'TreeUsage', description: 'Usage of the whole tree: each call counted once.' })

export const callUsageSchema = z
  .object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    cachedTokens: z.number(),
    reasoningTokens: z.number(),
    costUsd: z.number().nullable(),
  })
  .meta({ id: 'CallUsage' })

export const callKindSchema = z.enum(['policy', 'llm', 'rlm'])

export const callSchema = z
  .object({
    id: z.string(),
    kind: callKindSchema,
    model: z.string(),
    provider: z.string(),
    scripted: z.boolean(),
    messages: z.array(message),
    response: z.object({
      text: z.string().nullable(),
      reasoning: z.string().nullable(),
      finishReason: z.string().nullable(),
    }),
    usage: callUsageSchema.nullable(),
    attempts: z.number(),
    error: errorRecordSchema.nullable(),
    latencyMs: z.number().nullable(),
    startedAt: z.string(),
    order: z
      .number()
      .meta({ description: 'Position among the sub-calls of its cell, from 0; 0 for a policy call.' }),
    batchId: z.string().nullable(),
    batchIndex: z.number().nullable(),
    depth: z.number(),
    requestId: z.string().nullable(),
    sampling: z.record(z.string(), z.unknown()),
    invocationId: z
      .string()
      .nullable()
      .meta({ description: 'The child invocation that an `rlm` call started.' }),
    tokenSource: z.string().meta({ description: '`engine` or `none`.' }),
  })
  .meta({ id: 'Call', description: 'One request to a model.' })
export type Call = z.infer<typeof callSchema>

export const cellSchema = z
  .object({
    id: z.string(),
    index: z.number(),
    code: z.string(),
    stdout: z.string(),
    stderr: z.string(),
    stdoutCharacters: z.number(),
    stderrCharacters: z.number(),
    error: z.object({ type: z.string(), message: z.string(), traceback: z.string() }).nullable(),
    death: z.object({ reason: z.string(), detail: z.string() }).nullable(),
    durationMs: z.number(),
    computeMs: z.number(),
    limits: z
      .array(z.string())
      .optional()
      .meta({ description: 'The limits of the sandbox that it reached, also when it went on.' }),
    variables: z.array(z.object({ name: z.string(), type: z.string(), basic: z.boolean() })),
    finalAnswer: z.string().nullable(),
    calls: z.array(callSchema),
  })
  .meta({ id: 'Cell', description: 'One executed code block.' })
export type Cell = z.infer<typeof cellSchema>

export const turnSchema = z
  .object({
    id: z.string(),
    index: z.number(),
    forced: z.boolean().meta({ description: 'The one last answer asked for at a limit.' }),
    compaction: z.boolean().meta({
      description: "The reply is the model's summary, which takes the place of the history in later prompts.",
    }),
    extendsPrevious: z.boolean().nullable().meta({
      description:
        'The extension property: the prompt begins with the prompt and the reply of the turn before, in messages and, where the engine told them, in token ids. Null for a first turn.',
    }),
    call: callSchema,
    cells: z.array(cellSchema),
  })
  .meta({ id: 'Turn', description: 'One policy call and the cells it ran.' })
export type Turn = z.infer<typeof turnSchema>

export const invocationSchema = z
  .object({
    id: z.string(),
    depth: z.number(),
    parentCellId: z.string().nullable(),
    stopReason: stopReasonSchema.nullable(),
    answer: z.string().nullable(),
    turns: z.array(turnSchema),
  })
  .meta({ id: 'Invocation', description: 'One RLM instance with its own REPL and messages.' })
export type Invocation = z.infer<typeof invocationSchema>

export const scoreSchema = z
  .object({
    reward: z.string(),
    version: z.string(),
    value: z.number().nullable(),
    weight: z.number(),
    error: errorRecordSchema.nullable(),
    details: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'Score', description: 'The value one reward gave. Not scored (null, with an error) is not 0.' })
export type Score = z.infer<typeof scoreSchema>

export const divergenceSchema = z
  .object({
    turn: z.number(),
    cell: z.number(),
    depth: z.number(),
    what: z.enum(['stdout', 'stderr', 'error', 'answer', 'call']),
    recorded: z.string(),
    replayed: z.string(),
  })
  .meta({ id: 'Divergence', description: 'Where a replay of recorded cells first differed from the record.' })
export type Divergence = z.infer<typeof divergenceSchema>

export const advantageSchema = z
  .object({
    method: z.string(),
    version: z.string(),
    options: z.unknown(),
    invocationId: z.string().nullable().meta({ description: 'Null for the trajectory as a whole.' }),
    turnId: z.string().nullable().meta({ description: 'Null for an invocation as a whole.' }),
    reward: z.number().nullable().meta({ description: 'What it was computed from.' }),
    value: z.number(),
    weight: z.number().meta({ description: 'Factor of its part of the loss.' }),
  })
  .meta({ id: 'Advantage', description: 'What a credit method made of the scores (descent advantages).' })
export type Advantage = z.infer<typeof advantageSchema>

/** The columns of a trajectory without its tree: what lists show. */
export const trajectoryRowSchema = z
  .object({
    id: z.string(),
    runId: z.string(),
    taskId: z.string(),
    rollout: z.number(),
    status: trajectoryStatusSchema,
    stopReason: stopReasonSchema.nullable(),
    answer: z.string().nullable(),
    answerTruncated: z
      .boolean()
      .optional()
      .meta({ description: 'The answer is the beginning of a longer one.' }),
    turns: z.number(),
    calls: z.number(),
    cells: z.number(),
    usage: usageSchema,
    scores: z.array(scoreSchema),
    reward: z
      .number()
      .nullable()
      .meta({ description: 'Weighted sum of the scores; null while one is missing.' }),
    scripted: z.boolean(),
    error: errorRecordSchema.nullable(),
    startedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
  })
  .meta({ id: 'TrajectoryRow' })
export type TrajectoryRow = z.infer<typeof trajectoryRowSchema>

export const trajectorySchema = trajectoryRowSchema
  .omit({ turns: true, calls: true, cells: true, answerTruncated: true })
  .extend({
    schemaVersion: z.number(),
    sandbox: z.string().nullable().meta({ description: 'The isolation level in force.' }),
    protocol: z.object({ id: z.string(), hash: z.string() }),
    seed: z.number(),
    attempt: z.number(),
    divergence: divergenceSchema.nullable(),
    origin: z
      .object({ trajectoryId: z.string(), turns: z.number() })
      .nullable()
      .meta({ description: 'Of a fork: where its first root turns come from, and how many they are.' }),
    advantages: z
      .array(advantageSchema)
      .optional()
      .meta({ description: 'Those that are stored; none before descent advantages was run.' }),
    invocations: z.array(invocationSchema),
    lostCalls: z.array(callSchema).meta({
      description:
        'Calls that no turn or cell holds: given up or failed before the rollout was taken up again.',
    }),
  })
  .meta({ id: 'Trajectory', description: 'One rollout: a tree of invocations.' })
export type Trajectory = z.infer<typeof trajectorySchema>

/** The version of the stored records and of the shapes above. */
export const schemaVersion = 1
