// Runs: lists, one run, its tags.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { RunSummary } from '../../../src/store/contract.ts'
import { pageQuerySchema, pageSchema } from '../page.ts'
import { answers, jsonBody, orBadCursor, orNotFound } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { createRoutes, plainText, runParameter } from './shared.ts'

export const runSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    status: z.enum(['pending', 'running', 'done', 'interrupted', 'failed', 'cancelled']),
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
    rewardError: z.number().nullable().meta({
      description: 'Standard error of that mean: 1.96 times it, either way, is its 95 % interval.',
    }),
    rewardOverTime: z.array(z.number()).max(24).meta({
      description: 'Mean reward of equal parts of the trajectories, in the order in which they ended.',
    }),
    perHour: z.number().nullable().meta({
      description: 'Trajectories that ended in an hour, from the first start to the last end.',
    }),
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

const tagsSchema = z
  .strictObject({ tags: z.array(plainText.pipe(z.string().min(1).max(60))).max(50) })
  .meta({ id: 'Tags' })

const listRoute = createRoute({
  method: 'get',
  path: '/runs',
  summary: 'Runs, newest first',
  request: { query: pageQuerySchema },
  responses: answers(pageSchema('RunPage', runItemSchema), 'A page of runs.'),
})

const readRoute = createRoute({
  method: 'get',
  path: '/runs/{run}',
  summary: 'One run with its configuration',
  request: { params: runParameter },
  responses: answers(runSchema, 'The run.'),
})

const tagRoute = createRoute({
  method: 'put',
  path: '/runs/{run}/tags',
  summary: 'The tags of a run, all of them',
  request: { params: runParameter, body: jsonBody(tagsSchema) },
  responses: answers(runSchema, 'The run.'),
})

export function runRoutes(store: ApiStore) {
  return createRoutes()
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
    .openapi(tagRoute, async (context) => {
      const run = await orNotFound(store.findRun(context.req.valid('param').run))
      await store.tagRun(run.id, [...new Set(context.req.valid('json').tags)])
      return context.json(await store.summarizeRun(run.id), 200)
    })
}
