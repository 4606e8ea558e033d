// The run file: what a collection job is made of. Users' input, parsed strictly; the resolved config
// is stored with the run, which can be repeated from it.
import { z } from 'zod'
import { samplingSchema } from './models/model.ts'
import { isolationSchema } from './sandbox.ts'

const price = z.number().min(0)

export const modelConfigSchema = z
  .strictObject({
    provider: z.enum(['openai', 'huggingface', 'scripted']),
    name: z
      .string()
      .min(1)
      .meta({ description: 'The model name that the server knows; for `scripted`, a policy.' }),
    baseUrl: z.url().optional(),
    apiKeyEnv: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable')
      .optional()
      .meta({ description: 'The environment variable that holds the key; the key itself is never stored.' }),
    stream: z.boolean().optional(),
    tokens: z.boolean().optional().meta({ description: 'Ask the server for token ids and logprobs.' }),
    timeoutSeconds: z.number().positive().optional(),
    maxAttempts: z.number().int().min(1).max(20).optional(),
    prices: z
      .strictObject({ input: price, output: price, cached: price.optional() })
      .optional()
      .meta({ description: 'Dollars per million tokens.' }),
  })
  .meta({ id: 'ModelConfig' })
export type ModelConfig = z.infer<typeof modelConfigSchema>

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
  })
  .meta({ id: 'Limits' })
export type Limits = z.infer<typeof limitsSchema>

export const protocolIds = ['rlm', 'rlm-final', 'repl', 'direct'] as const
const protocolId = z.enum(protocolIds)
export interface ProtocolConfig {
  id: (typeof protocolIds)[number]
  systemPromptFile?: string
  /** Reproduce the reference's quirks. */
  strict?: boolean
  /** What happens at `maxTurns`: one last answer is asked for (default, as the reference does), or not. */
  forceAnswer?: boolean
}
const protocolConfigSchema = z.union([
  protocolId.transform((id): ProtocolConfig => ({ id })),
  z.strictObject({
    id: protocolId,
    systemPromptFile: z.string().optional(),
    strict: z.boolean().optional(),
    forceAnswer: z.boolean().optional(),
  }),
])

const rewardConfigSchema = z.union([
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
    minIsolation: isolationSchema.default('landlock'),
  })
  .meta({ id: 'RunFile', title: 'Descent run file' })
export type RunFile = z.input<typeof runFileSchema>
export type RunConfig = z.output<typeof runFileSchema>
