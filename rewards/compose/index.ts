// Rewards made of rewards: `sum`, `product`, `gate`, `clip` and `by_task`. An error of a part is an error of
// the whole, never a 0; and a closed gate stops before the parts behind it are computed (and paid).
import { z } from 'zod'
import { DescentError } from '../../src/errors.ts'
import type { Json } from '../../src/json.ts'
import { defineReward } from '../../src/reward.ts'
import type { BoundReward, RewardContext, RewardResult } from '../../src/reward.ts'
import { entrySchema } from './entry.ts'

async function part<Options>(
  inner: BoundReward | undefined,
  context: RewardContext<Options>,
): Promise<RewardResult> {
  if (!inner) throw new DescentError('reward', 'missing_part', 'a part of the reward is missing')
  const result = await inner.score(context.task, context.trajectory, context.tools)
  if (Number.isFinite(result.value)) return result
  throw new DescentError(
    'reward',
    'not_finite',
    `reward ${inner.name} gave ${String(result.value)}, not a number`,
  )
}

/** What each part gave, for the details of the whole. */
function described(inner: BoundReward[], results: RewardResult[]): Record<string, Json> {
  const parts = results.map(({ value, details }, index) => {
    const name = inner[index]?.name ?? ''
    return { name, value, ...(details ? { details } : {}) }
  })
  return { parts }
}

export const sum = defineReward({
  name: 'sum',
  version: '1',
  description: 'The weighted sum of other rewards; with `mean`, divided by the sum of the weights.',
  sees: 'answer',
  options: z.strictObject({ rewards: z.array(entrySchema).min(1), mean: z.boolean().default(false) }),
  inner: ({ rewards }) => rewards,
  async score(context) {
    const results = await Promise.all(context.inner.map((one) => part(one, context)))
    const weights = context.options.rewards.map(({ weight }) => weight)
    const total = results.reduce((value, result, index) => value + (weights[index] ?? 0) * result.value, 0)
    const whole = context.options.mean ? weights.reduce((a, b) => a + b, 0) : 1
    return { value: total / whole, details: described(context.inner, results) }
  },
})

export const product = defineReward({
  name: 'product',
  version: '1',
  description: 'The product of other rewards.',
  sees: 'answer',
  options: z.strictObject({ rewards: z.array(entrySchema).min(1) }),
  inner: ({ rewards }) => rewards,
  async score(context) {
    const results = await Promise.all(context.inner.map((one) => part(one, context)))
    const value = results.reduce((total, result) => total * result.value, 1)
    return { value, details: described(context.inner, results) }
  },
})

const conditionSchema = z.union([
  z.string().transform((name) => ({ name, options: {} as Record<string, unknown>, atLeast: 1 })),
  z.strictObject({
    name: z.string(),
    options: z.record(z.string(), z.unknown()).default({}),
    atLeast: z.number().default(1),
  }),
])

export const gate = defineReward({
  name: 'gate',
  version: '1',
  description: 'A reward that counts only where others reach a value; else `otherwise` (0).',
  sees: 'answer',
  options: z.strictObject({
    reward: entrySchema,
    when: z.array(conditionSchema).min(1),
    otherwise: z.number().default(0),
  }),
  inner: ({ reward, when }) => [...when, reward],
  async score(context): Promise<RewardResult> {
    const { when, otherwise } = context.options
    for (const [index, condition] of when.entries()) {
      const { value } = await part(context.inner[index], context)
      if (value < condition.atLeast)
        return { value: otherwise, details: { closedBy: condition.name, gave: value } }
    }
    const { value, details } = await part(context.inner[when.length], context)
    return { value, details: { closedBy: null, ...details } }
  },
})

export const clip = defineReward({
  name: 'clip',
  version: '1',
  description: 'A reward kept within bounds.',
  sees: 'answer',
  options: z
    .strictObject({ reward: entrySchema, min: z.number().default(0), max: z.number().default(1) })
    .refine(({ min, max }) => min <= max, { message: 'must not be above `max`', path: ['min'] }),
  inner: ({ reward }) => [reward],
  async score(context) {
    const { value, details } = await part(context.inner[0], context)
    const { min, max } = context.options
    return { value: Math.min(max, Math.max(min, value)), details: { unclipped: value, ...details } }
  },
})

const namedByTask = z.union([
  z.string().transform((name) => ({ name, options: {} as Record<string, unknown> })),
  z.object({ name: z.string(), options: z.record(z.string(), z.unknown()).default({}) }),
])

export const byTask = defineReward({
  name: 'by_task',
  version: '1',
  description: 'The reward that the task names in metadata.reward: a name, or {name, options}.',
  options: z.strictObject({
    otherwise: entrySchema
      .optional()
      .meta({ description: 'For tasks that name none; without it they are errors.' }),
  }),
  async score(context) {
    const { task, options, resolve } = context
    const given = task.metadata['reward']
    const named =
      given === undefined || given === null
        ? { success: true as const, data: options.otherwise }
        : namedByTask.safeParse(given)
    if (!named.success || named.data === undefined) {
      throw new DescentError(
        'reward',
        'bad_task',
        `task ${task.id}: metadata.reward is ${given === undefined ? 'missing' : JSON.stringify(given)}; expected a reward's name or {name, options}`,
      )
    }
    const bound = resolve(named.data)
    const { value, details } = await part(bound, context)
    return { value, details: { by: `${bound.name}@${bound.version}`, ...details } }
  },
})
