// The run file: what a collection job is made of. Users' input, parsed strictly; the resolved config
// is stored with the run, which can be repeated from it.
import { z } from 'zod'
import { datasetPlanSchema } from './datasets/curation-options.ts'
import { samplingSchema } from './models/model.ts'
import { isolationSchema } from './sandbox.ts'

const price = z.number().min(0)

export const tokenStyles = ['vllm', 'sglang', 'llamacpp'] as const
export type TokenStyle = (typeof tokenStyles)[number]

function isPlainAddress(address: string): boolean {
  if (!URL.canParse(address)) return true
  const { username, password, search } = new URL(address)
  return `${username}${password}${search}` === ''
}

export const modelConfigSchema = z
  .strictObject({
    provider: z.enum(['openai', 'huggingface', 'scripted']),
    name: z
      .string()
      .min(1)
      .meta({ description: 'The model name that the server knows; for `scripted`, a policy.' }),
    baseUrl: z
      .url()
      .refine(
        isPlainAddress,
        'an address without user, password or query: it is stored; a key belongs into the variable named by apiKeyEnv',
      )
      .optional(),
    apiKeyEnv: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable')
      .optional()
      .meta({ description: 'The environment variable that holds the key; the key itself is never stored.' }),
    stream: z.boolean().optional().meta({ description: 'Ask for a streamed answer.' }),
    tokens: z
      .union([z.boolean(), z.enum(tokenStyles)])
      .optional()
      .meta({
        description:
          'Ask the server for token ids and logprobs, as this engine wants to be asked; true: vllm.',
      }),
    timeoutSeconds: z
      .number()
      .positive()
      .optional()
      .meta({ description: 'The longest that one request may take; 600 by default.' }),
    stallSeconds: z.number().positive().optional().meta({
      description: 'With `stream`: the longest silence before the request is tried again; 120 by default.',
    }),
    maxAttempts: z.number().int().min(1).max(20).optional(),
    startConcurrency: z.number().int().min(1).max(4096).optional().meta({
      description: 'Requests in flight to the server of this baseUrl at first; 32 by default.',
    }),
    maxConcurrency: z.number().int().min(1).max(4096).optional().meta({
      description: 'Requests in flight to the server of this baseUrl at most; 512 by default.',
    }),
    requestsPerMinute: z.number().positive().optional(),
    tokensPerMinute: z.number().positive().optional(),
    policyVersion: z
      .string()
      .optional()
      .meta({ description: 'A label of the weights, stored with every call.' }),
    policyVersionUrl: z
      .url()
      .optional()
      .meta({ description: 'Asked for that label: its text, or the field named by policyVersionField.' }),
    policyVersionField: z.string().optional().meta({ description: 'A field of the JSON, such as `a.b`.' }),
    policyVersionSeconds: z.number().min(0).optional().meta({
      description: 'How long an answer of policyVersionUrl holds; 10 by default.',
    }),
    cache: z
      .union([z.boolean(), z.string().min(1)])
      .optional()
      .meta({
        description:
          'Answer equal requests at temperature 0 from a directory: true for the usual one, or its path.',
      }),
    prices: z
      .union([
        z.strictObject({ input: price, output: price, cached: price.optional() }),
        z.literal('provider'),
      ])
      .optional()
      .meta({
        description:
          'Dollars per million tokens, or `provider` when the server reports what a call has cost.',
      }),
  })
  .meta({ id: 'ModelConfig' })
export type ModelConfig = z.infer<typeof modelConfigSchema>

const atLimitSchema = z.union([
  z.enum(['stop', 'answer', 'draft']),
  z.strictObject({ variable: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a Python variable') }),
])
export type AtLimit = z.output<typeof atLimitSchema>

const childLimitsSchema = z
  .strictObject({
    maxTurns: z.number().int().min(1).optional(),
    maxCalls: z.number().int().min(1).optional(),
    maxTokens: z.number().int().min(1).optional(),
    maxCostUsd: z.number().positive().optional(),
    maxTimeSeconds: z.number().positive().optional(),
    maxErrors: z.number().int().min(1).optional(),
  })
  .meta({ id: 'ChildLimits' })

export const limitsSchema = z
  .strictObject({
    maxTurns: z.number().int().min(1).default(30),
    maxDepth: z.number().int().min(0).default(1),
    maxCalls: z.number().int().min(1).optional(),
    maxTokens: z.number().int().min(1).optional(),
    maxCostUsd: z.number().positive().optional(),
    maxTimeSeconds: z.number().positive().optional(),
    maxErrors: z.number().int().min(1).optional(),
    cellSeconds: z.number().positive().default(120),
    child: childLimitsSchema.optional().meta({
      description:
        'Limits of each child invocation, with all below it; they hold beside those of the whole tree. maxTurns and maxErrors are those of the root where they are left out.',
    }),
    atLimit: atLimitSchema.optional().meta({
      description:
        'What becomes of the answer at a limit. stop: none. answer: one last answer is asked for. draft: answer["content"] is taken out of the REPL. {variable: NAME}: that variable is. Where a draft or variable is empty, and when this is left out: one last answer is asked for at maxTurns only.',
    }),
  })
  .meta({ id: 'Limits' })
export type Limits = z.infer<typeof limitsSchema>

export const protocolIds = ['rlm', 'rlm-final', 'repl', 'direct'] as const
export type ProtocolId = (typeof protocolIds)[number]
const protocolId = z.enum(protocolIds)
export const promptVariants = ['default', 'coder', 'small-window'] as const
export type PromptVariant = (typeof promptVariants)[number]
export interface ProtocolConfig {
  id: ProtocolId
  systemPromptFile?: string
  /** The family of models that the built-in prompt is written for. */
  variant?: PromptVariant
  /** Added to the system prompt, whichever it is: what one model needs to be told. */
  systemPromptAddition?: string
  /** A third message, between the facts of the context and the first turn. */
  userPrologue?: string
  /** Reproduce the reference's quirks. */
  strict?: boolean
  /** What happens at `maxTurns`: one last answer is asked for (default, as the reference does), or not. */
  forceAnswer?: boolean
  /** A history that nears the model's window is replaced by the model's own summary of it. */
  compaction?: CompactionConfig
}
const compactionSchema = z.strictObject({
  window: z.number().int().min(1000).meta({ description: "The model's window, in tokens." }),
  at: z.number().positive().max(1).default(0.85).meta({
    description: 'The share of the window at which the history is compacted.',
  }),
})
export type CompactionConfig = z.output<typeof compactionSchema>
const protocolConfigSchema = z.union([
  protocolId.transform((id): ProtocolConfig => ({ id })),
  z.strictObject({
    id: protocolId,
    systemPromptFile: z.string().optional(),
    variant: z.enum(promptVariants).optional(),
    systemPromptAddition: z.string().min(1).optional(),
    userPrologue: z.string().min(1).optional(),
    strict: z.boolean().optional(),
    forceAnswer: z.boolean().optional(),
    compaction: compactionSchema.optional(),
  }),
])

export const toolConfigSchema = z
  .strictObject({
    name: z.string().min(1),
    description: z.string().min(1).meta({ description: 'What the prompt says of it, in one line.' }),
    python: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'A source that defines a function (or a value) of that name.' }),
    pythonFile: z.string().min(1).optional(),
    data: z.json().optional(),
  })
  .refine(
    (tool) => [tool.python, tool.pythonFile, tool.data].filter((one) => one !== undefined).length === 1,
    {
      message: 'give exactly one of "python", "pythonFile" and "data"',
    },
  )
  .meta({ id: 'Tool' })
export type ToolConfig = z.output<typeof toolConfigSchema>

export const rewardConfigSchema = z.union([
  z.string().transform((name) => ({ name, weight: 1, options: {} as Record<string, unknown> })),
  z.strictObject({
    name: z.string(),
    weight: z.number().default(1),
    options: z.record(z.string(), z.unknown()).default({}),
  }),
])
export type RewardConfig = z.output<typeof rewardConfigSchema>

const tasksConfigSchema = z.union([
  z.string().min(1),
  z.strictObject({ taskset: z.string(), options: z.record(z.string(), z.unknown()).default({}) }),
])
export type TasksConfig = z.output<typeof tasksConfigSchema>

export const runFileSchema = z
  .strictObject({
    name: z.string().min(1),
    tasks: tasksConfigSchema,
    maxTasks: z.number().int().min(1).optional(),
    model: modelConfigSchema,
    subModel: modelConfigSchema.optional(),
    childModel: modelConfigSchema.optional(),
    protocol: protocolConfigSchema.default({ id: 'rlm' }),
    tools: z.array(toolConfigSchema).max(100).optional(),
    rollouts: z.number().int().min(1).default(1),
    concurrency: z.number().int().min(1).max(4096).default(8),
    subCallConcurrency: z.number().int().min(1).max(1024).default(16),
    sampling: samplingSchema.default({}),
    subSampling: samplingSchema.optional(),
    limits: limitsSchema.prefault({}),
    rewards: z.array(rewardConfigSchema).default([]),
    seed: z.number().int().default(0),
    tags: z.array(z.string()).default([]),
    policyVersion: z.string().optional(),
    dataset: datasetPlanSchema.optional(),
    minIsolation: isolationSchema.default('landlock'),
    onDivergence: z.enum(['keep', 'restart']).default('keep').meta({
      description:
        'What becomes of a rollout that is taken up and whose recorded cells do something else: keep (it goes on, flagged) or restart.',
    }),
  })
  .meta({ id: 'RunFile', title: 'Descent run file' })
export type RunFile = z.input<typeof runFileSchema>
export type RunConfig = z.output<typeof runFileSchema>
