// Runs and the list of their trajectories. Lists carry no message bodies.
import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import type { RunSummary } from '../../../src/store/contract.ts'
import { trajectoryStatusSchema } from '../../../src/trajectory.ts'
import { pageQuerySchema, pageSchema, referenceSchema } from '../page.ts'
import { orBadCursor, orNotFound, problemResponses, validationHook } from '../problem.ts'
import type { ReadStore } from '../read-store.ts'
import { trajectoryItem, trajectoryItemSchema } from '../tree.ts'

export const runSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    status: z.enum(['pending', 'running', 'done', 'interrupted', 'failed']),
    config: z.record(z.string(), z.unknown()),
    configHash: z.string(),
    protocol: z.string(),
    protocolHash: z.string(),
    model: z.string(),
    policyVersion: z.string().nullable(),
    scripted: z.boolean().meta({ description: 'Made by the scripted model: no data to train on.' }),
    seed: z.number(),
    codeVersion: z.string(),
    tags: z.array(z.string()),
    tasks: z.number(),
    rollouts: z.number(),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
    trajectories: z.number(),
    done: z.number(),
    failed: z.number(),
    meanReward: z.number().nullable(),
    costUsd: z.number().nullable(),
    inputTokens: z.number(),
    outputTokens: z.number(),
    calls: z.number(),
    stopReasons: z.record(z.string(), z.number()),
  })
  .meta({
    id: 'Run',
    description: 'A run with what has become of its trajectories.',
  }) satisfies z.ZodType<Omit<RunSummary, 'config'>>
export type Run = z.infer<typeof runSchema>

export const runItemSchema = runSchema.omit({ config: true }).meta({ id: 'RunItem' })
export type RunItem = z.infer<typeof runItemSchema>

const runPageSchema = pageSchema('RunPage', runItemSchema)
const trajectoryPageSchema = pageSchema('TrajectoryPage', trajectoryItemSchema)

const runParameter = z.object({
  run: referenceSchema.meta({ description: 'An id, a unique part of one, or `latest`.' }),
})

const listRoute = createRoute({
  method: 'get',
  path: '/runs',
  summary: 'Runs, newest first',
  request: { query: pageQuerySchema },
  responses: {
    200: { description: 'A page of runs.', content: { 'application/json': { schema: runPageSchema } } },
    400: problemResponses[400],
    500: problemResponses[500],
  },
})

const readRoute = createRoute({
  method: 'get',
  path: '/runs/{run}',
  summary: 'One run with its configuration',
  request: { params: runParameter },
  responses: {
    200: { description: 'The run.', content: { 'application/json': { schema: runSchema } } },
    ...problemResponses,
  },
})

const trajectoriesRoute = createRoute({
  method: 'get',
  path: '/runs/{run}/trajectories',
  summary: 'The trajectories of a run',
  request: {
    params: runParameter,
    query: pageQuerySchema.extend({ status: trajectoryStatusSchema.optional() }),
  },
  responses: {
    200: {
      description: 'A page of trajectories.',
      content: { 'application/json': { schema: trajectoryPageSchema } },
    },
    ...problemResponses,
  },
})

export function runRoutes(store: ReadStore) {
  return new OpenAPIHono({ defaultHook: validationHook })
    .openapi(listRoute, async (context) => {
      const { limit, cursor } = context.req.valid('query')
      const page = await orBadCursor(store.listRuns({ limit, cursor: cursor ?? null }))
      const items = page.items.map(({ config: _config, ...item }) => item)
      return context.json({ items, next: page.next }, 200)
    })
    .openapi(readRoute, async (context) => {
      const run = await orNotFound(store.findRun(context.req.valid('param').run))
      return context.json(await store.summarizeRun(run.id), 200)
    })
    .openapi(trajectoriesRoute, async (context) => {
      const run = await orNotFound(store.findRun(context.req.valid('param').run))
      const { limit, cursor, status } = context.req.valid('query')
      const options = { limit, cursor: cursor ?? null, ...(status ? { status } : {}) }
      const page = await orBadCursor(store.listTrajectories(run.id, options))
      return context.json({ items: page.items.map(trajectoryItem), next: page.next }, 200)
    })
}
