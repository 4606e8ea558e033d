// For trainers: the rows of a selection as a stream, and groups for on-line training by lease.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { findCreditMethod, groupMethods } from '../../../rewards/credit/index.ts'
import { cleaningRules } from '../../../src/datasets/clean/rules.ts'
import { recipes } from '../../../src/datasets/registry.ts'
import { repairRules } from '../../../src/datasets/repairs/index.ts'
import { openRowStream } from '../../../src/datasets/stream.ts'
import { typeName } from '../../../src/datasets/recipe.ts'
import { newId } from '../../../src/ids.ts'
import type { Store } from '../../../src/store/contract.ts'
import { stopReasonSchema } from '../../../src/trajectory.ts'
import { referenceSchema } from '../page.ts'
import { answers, HttpProblem, orNotFound, problemResponses } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { rowFormats, rowTypes, streamRows } from '../stream.ts'
import { createRoutes, plainText } from './shared.ts'

const recipeSchema = z
  .object({
    name: z.string(),
    version: z.string(),
    description: z.string(),
    trainers: z.array(z.string()),
    options: z.array(z.string()),
    columns: z.array(
      z.object({ name: z.string(), type: z.string(), nullable: z.boolean(), meaning: z.string() }),
    ),
  })
  .meta({ id: 'Recipe' })

const ruleSchema = z.object({
  name: z.string(),
  meaning: z.string(),
  value: z.unknown().meta({ description: 'The words or the number that it takes; null for none.' }),
})

const recipeListSchema = z
  .object({
    items: z.array(recipeSchema),
    cleaning: z.array(ruleSchema).meta({ description: 'For `clean`: `NAME` or `NAME=VALUE`.' }),
    repairs: z.array(ruleSchema.omit({ value: true })).meta({ description: 'For `repair`.' }),
  })
  .meta({ id: 'RecipeList' })
export type RecipeList = z.infer<typeof recipeListSchema>

const recipesRoute = createRoute({
  method: 'get',
  path: '/recipes',
  summary: 'The recipes of training sets with their columns, and the rules of cleaning and repair',
  responses: answers(recipeListSchema, 'The recipes.'),
})

const flag = z
  .enum(['true', 'false'])
  .optional()
  .transform((text) => text === 'true')

/** Options of recipes that name places of the server. */
const localOptions = ['tokenizer']

export const rowQuerySchema = z.object({
  run: z
    .string()
    .regex(/^[0-9A-Za-z-]{1,64}(,[0-9A-Za-z-]{1,64}){0,49}$/)
    .default('latest')
    .meta({ description: 'Runs, with commas between: ids, parts of them, or `latest`.' }),
  where: plainText.pipe(z.string().min(1).max(4000)).optional(),
  select: z
    .string()
    .max(40)
    .optional()
    .meta({ description: 'What is kept of each task: all, best, best-3 …' }),
  minReward: z.coerce.number().optional(),
  maxPerTask: z.coerce.number().int().positive().optional(),
  threshold: z.coerce.number().optional(),
  onlyAnswered: flag.meta({ type: 'boolean' }),
  options: z
    .string()
    .max(4000)
    .optional()
    .meta({ description: 'Options of the recipe as JSON, such as {"children":false}.' }),
})

const rowsRoute = createRoute({
  method: 'get',
  path: '/rows/{recipe}',
  summary: 'The rows of a selection as Arrow IPC, Parquet or JSON lines',
  request: {
    params: z.object({ recipe: z.string().regex(/^[a-z0-9-]{1,60}$/) }),
    query: rowQuerySchema.extend({ format: z.enum(rowFormats).default('arrow') }),
  },
  responses: {
    200: {
      description: 'The rows, as they are made.',
      content: Object.fromEntries(Object.values(rowTypes).map((type) => [type, { schema: z.string() }])),
    },
    ...problemResponses,
  },
})

const batchSchema = z
  .object({
    lease: z.string().meta({ description: 'For POST /v1/batches/{lease}/done or /release.' }),
    seconds: z.number().meta({ description: 'After this time the groups are handed out again.' }),
    groups: z.array(
      z.object({
        taskId: z.string(),
        trajectories: z.array(
          z.object({
            id: z.string(),
            rollout: z.number(),
            reward: z.number().nullable(),
            advantage: z.number().nullable(),
            stopReason: stopReasonSchema.nullable(),
            policyVersion: z.string().nullable(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Batch' })

const batchRoute = createRoute({
  method: 'get',
  path: '/batches',
  summary: 'Groups whose rollouts are all done, each handed out once, by lease',
  request: {
    query: z.object({
      run: referenceSchema.default('latest'),
      groups: z.coerce.number().int().min(1).max(1000).default(8),
      seconds: z.coerce.number().min(1).max(86_400).default(600),
      policyVersion: plainText.pipe(z.string().max(200)).optional(),
      method: z.string().max(60).default('grpo'),
    }),
  },
  responses: answers(batchSchema, 'The groups; none when no further one is ready.'),
})

const endRoute = createRoute({
  method: 'post',
  path: '/batches/{lease}/{outcome}',
  summary: 'A batch is done with for good, or given back',
  request: { params: z.object({ lease: z.uuid(), outcome: z.enum(['done', 'release']) }) },
  responses: answers(z.object({ groups: z.number() }).meta({ id: 'EndedBatch' }), 'How many groups it had.'),
})

export function rowRoutes(store: ApiStore) {
  return createRoutes()
    .openapi(recipesRoute, (context) => {
      const cleaning = cleaningRules.map(({ name, meaning, value }) => ({ name, meaning, value }))
      const repairs = repairRules.map(({ name, meaning }) => ({ name, meaning }))
      return context.json({ items: recipes.map(describe), cleaning, repairs }, 200)
    })
    .openapi(rowsRoute, async (context) => {
      const { recipe } = context.req.valid('param')
      const { format, ...query } = context.req.valid('query')
      const aborter = new AbortController()
      context.req.raw.signal.addEventListener('abort', () => aborter.abort())
      const stream = await openRowStream(store as Store, exportOptionsOf(recipe, query), {
        creditMethods: [...groupMethods],
        signal: aborter.signal,
      })
      return context.body(streamRows(stream, format), 200, {
        'content-type': rowTypes[format],
        'content-disposition': `attachment; filename="${recipe}.${format}"`,
      })
    })
    .openapi(batchRoute, async (context) => {
      const { run: reference, method, ...options } = context.req.valid('query')
      const credit = findCreditMethod(method)
      const run = await orNotFound(store.findRun(reference))
      const lease = newId()
      const groups = await store.leaseGroups(run.id, { leaseId: lease, ...options })
      const answer = groups.map(({ taskId, trajectories }) => {
        const advantages = credit.compute(trajectories.map(({ reward }) => reward))
        return {
          taskId,
          trajectories: trajectories.map((one, index) => ({ ...one, advantage: advantages[index] ?? null })),
        }
      })
      return context.json({ lease, seconds: options.seconds, groups: answer }, 200)
    })
    .openapi(endRoute, async (context) => {
      const { lease, outcome } = context.req.valid('param')
      return context.json({ groups: await store.endLease(lease, outcome === 'done') }, 200)
    })
}

function describe({ name, version, description, trainers, options, columns }: (typeof recipes)[number]) {
  const described = columns.map((column) => ({ ...column, type: typeName(column.type) }))
  return { name, version, description, trainers, options, columns: described }
}

/** Errors raised: HttpProblem for options that are no JSON, or that name a place of the server. */
export function exportOptionsOf(recipe: string, { run, options, ...query }: z.output<typeof rowQuerySchema>) {
  const recipeOptions = options === undefined ? {} : parseOptions(options)
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  return { recipe, runIds: run.split(','), ...Object.fromEntries(given), recipeOptions }
}

function parseOptions(text: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new HttpProblem(400, 'invalid_parameter', 'query options: expected a JSON object')
  }
  const object = z.record(z.string(), z.unknown()).safeParse(parsed)
  if (!object.success)
    throw new HttpProblem(400, 'invalid_parameter', 'query options: expected a JSON object')
  const local = localOptions.find((name) => name in object.data)
  if (local !== undefined) {
    throw new HttpProblem(400, 'invalid_parameter', `query options: ${local} is for \`descent export\` only`)
  }
  return object.data
}
