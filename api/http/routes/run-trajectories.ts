// The trajectories of a run: filtered and sorted lists, their statistics, and their groups with advantages.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { findCreditMethod, groupMethods } from '../../../rewards/credit/index.ts'
import { UsageError } from '../../../src/errors.ts'
import { sortKeys } from '../../../src/store/read-contract.ts'
import type { OutlineCell, RunStatistics } from '../../../src/store/contract.ts'
import { pageQuerySchema, pageSchema } from '../page.ts'
import { answers, HttpProblem, orBadCursor, orNotFound } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { trajectoryItem, trajectoryItemSchema } from '../tree.ts'
import { createRoutes, plainText, runParameter, selectionQuerySchema } from './shared.ts'

const spreadSchema = z
  .object({
    count: z.number(),
    mean: z.number(),
    deviation: z.number().nullable().meta({ description: 'Of the sample; null for fewer than two.' }),
    min: z.number(),
    max: z.number(),
    quantiles: z.array(z.number()).meta({ description: 'At 10, 25, 50, 75 and 90 per cent.' }),
  })
  .meta({ id: 'Spread' })

const binsSchema = z.array(z.object({ from: z.number(), to: z.number(), count: z.number() }))

export const statisticsSchema = z
  .object({
    trajectories: z.number(),
    reward: spreadSchema.nullable(),
    cost: spreadSchema.nullable(),
    turns: spreadSchema.nullable(),
    calls: spreadSchema.nullable(),
    seconds: spreadSchema.nullable(),
    histograms: z.object({ reward: binsSchema, turns: binsSchema, cost: binsSchema }),
    statuses: z.record(z.string(), z.number()),
    stopReasons: z.record(z.string(), z.number()),
    errors: z.array(
      z.object({ boundary: z.string(), code: z.string(), count: z.number(), example: z.string() }),
    ),
    overTime: z
      .array(z.object({ endedAt: z.string(), reward: z.number(), count: z.number() }))
      .meta({ description: 'Mean reward of equal parts, in the order in which they ended.' }),
  })
  .meta({ id: 'RunStatistics' }) satisfies z.ZodType<RunStatistics>

export const groupSchema = z
  .object({
    taskId: z.string(),
    position: z.number(),
    rollouts: z.number(),
    done: z.number(),
    scored: z.number(),
    mean: z.number().nullable(),
    min: z.number().nullable(),
    max: z.number().nullable(),
    deviation: z.number().nullable(),
    costUsd: z.number().nullable(),
  })
  .meta({ id: 'Group', description: 'The rollouts of one task in one run.' })
export type GroupItem = z.infer<typeof groupSchema>

const divergenceSchema = z.object({
  /** Position among the cells of the root, from 0. */
  position: z.number(),
  cells: z.array(z.object({ trajectoryId: z.string(), cellId: z.string().nullable(), code: z.string() })),
})

export const groupDetailSchema = z
  .object({
    taskId: z.string(),
    prompt: z.string().nullable(),
    answer: z.unknown(),
    method: z.string(),
    rollouts: z.array(trajectoryItemSchema.extend({ advantage: z.number().nullable() })),
    firstDifference: divergenceSchema
      .nullable()
      .meta({ description: 'The first cell of the root that is not the same in all rollouts.' }),
  })
  .meta({ id: 'GroupDetail' })
export type GroupDetail = z.infer<typeof groupDetailSchema>

const listRoute = createRoute({
  method: 'get',
  path: '/runs/{run}/trajectories',
  summary: 'The trajectories of a run: filtered, sorted, by page',
  request: {
    params: runParameter,
    query: pageQuerySchema.extend(selectionQuerySchema.shape).extend({
      sort: z.enum(sortKeys).default('position'),
      order: z.enum(['up', 'down']).default('up'),
    }),
  },
  responses: answers(pageSchema('TrajectoryPage', trajectoryItemSchema), 'A page of trajectories.'),
})

const statisticsRoute = createRoute({
  method: 'get',
  path: '/runs/{run}/statistics',
  summary: 'Figures over all trajectories of a run that are selected',
  request: { params: runParameter, query: selectionQuerySchema },
  responses: answers(statisticsSchema, 'The figures.'),
})

const groupsRoute = createRoute({
  method: 'get',
  path: '/runs/{run}/groups',
  summary: 'The groups of a run, in the order of its tasks',
  request: { params: runParameter, query: pageQuerySchema },
  responses: answers(pageSchema('GroupPage', groupSchema), 'A page of groups.'),
})

const groupRoute = createRoute({
  method: 'get',
  path: '/runs/{run}/group',
  summary: 'All rollouts of one task, with their advantages',
  request: {
    params: runParameter,
    query: z.object({
      task: plainText.pipe(z.string().min(1).max(1000)),
      method: z
        .string()
        .max(60)
        .default('grpo')
        .meta({ description: groupMethods.map(({ name }) => name).join(', ') }),
    }),
  },
  responses: answers(groupDetailSchema, 'The group.'),
})

export function runTrajectoryRoutes(store: ApiStore) {
  return createRoutes()
    .openapi(listRoute, async (context) => {
      const run = await orNotFound(store.findRun(context.req.valid('param').run))
      const { order, cursor, ...query } = context.req.valid('query')
      const options = { ...query, cursor: cursor ?? null, descending: order === 'down' }
      const page = await orBadCursor(store.findTrajectories(run.id, options))
      return context.json({ items: page.items.map(trajectoryItem), next: page.next }, 200)
    })
    .openapi(statisticsRoute, async (context) => {
      const run = await orNotFound(store.findRun(context.req.valid('param').run))
      return context.json(await store.runStatistics(run.id, context.req.valid('query')), 200)
    })
    .openapi(groupsRoute, async (context) => {
      const run = await orNotFound(store.findRun(context.req.valid('param').run))
      const { limit, cursor } = context.req.valid('query')
      return context.json(await orBadCursor(store.listGroups(run.id, { limit, cursor: cursor ?? null })), 200)
    })
    .openapi(groupRoute, async (context) => {
      const run = await orNotFound(store.findRun(context.req.valid('param').run))
      const { task: taskId, method } = context.req.valid('query')
      return context.json(await readGroup(store, run.id, taskId, method), 200)
    })
}

async function readGroup(
  store: ApiStore,
  runId: string,
  taskId: string,
  method: string,
): Promise<GroupDetail> {
  const credit = findCreditMethod(method)
  const rows = await store.readGroup(runId, taskId)
  if (rows.length === 0) throw new HttpProblem(404, 'not_found', 'This run has no task of this id.')
  const task = await store.readTask(runId, taskId).catch((error: unknown) => {
    if (error instanceof UsageError) return null
    throw error
  })
  const advantages = credit.compute(rows.map((row) => row.reward))
  const outline = await store.readOutlines(rows.filter((row) => row.turns > 0).map((row) => row.id))
  return {
    taskId,
    prompt: task?.prompt.slice(0, 4000) ?? null,
    answer: task?.answer ?? null,
    method: credit.name,
    rollouts: rows.map((row, index) => ({ ...trajectoryItem(row), advantage: advantages[index] ?? null })),
    firstDifference: firstDifference(outline),
  }
}

/** Where the roots' cells, taken in their order, are not all the same code. */
export function firstDifference(outline: OutlineCell[]): z.infer<typeof divergenceSchema> | null {
  const byTrajectory = [...Map.groupBy(outline, (cell) => cell.trajectoryId)]
  const longest = Math.max(0, ...byTrajectory.map(([, cells]) => cells.length))
  for (let position = 0; position < longest; position++) {
    const cells = byTrajectory.map(([trajectoryId, list]) => ({ trajectoryId, cell: list[position] }))
    if (new Set(cells.map(({ cell }) => cell?.hash)).size < 2) continue
    return {
      position,
      cells: cells.map(({ trajectoryId, cell }) => ({
        trajectoryId,
        cellId: cell?.cellId ?? null,
        code: cell?.code ?? '',
      })),
    }
  }
  return null
}
