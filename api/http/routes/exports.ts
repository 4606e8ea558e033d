// Datasets in the making: what a plan would select and the first rows of it, and exports of this process
// that are started, watched and cancelled.
import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { z } from 'zod'
import { groupMethods } from '../../../rewards/credit/group.ts'
import { checkDatasetPlan } from '../../../src/datasets/check-plan.ts'
import { datasetPlanSchema, findRecipes, formats } from '../../../src/datasets/index.ts'
import { previewDataset } from '../../../src/datasets/preview.ts'
import { splitRecipeOptions } from '../../../src/datasets/recipe-options.ts'
import { UsageError } from '../../../src/errors.ts'
import type { Store } from '../../../src/store/contract.ts'
import { openCurationTools } from '../../curation-tools.ts'
import type { Exports } from '../exports.ts'
import { referenceSchema } from '../page.ts'
import { answers, HttpProblem, jsonBody, orNotFound, problemResponses } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { createRoutes } from './shared.ts'

const funnelSchema = z.array(
  z.object({
    step: z.string(),
    trajectories: z.number(),
    rows: z.number().optional(),
    turns: z.number().optional(),
  }),
)

const planSchema = datasetPlanSchema
  // What names places of the server is for `descent export`.
  .omit({ evaluation: true, cleanTokenizer: true, recipeOptions: true })
  .extend({
    runs: z.array(referenceSchema).min(1).max(50).meta({ description: 'Ids, parts of them, or `latest`.' }),
    recipe: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(20)]),
    recipeOptions: z
      .record(z.string(), z.unknown())
      .refine((given) => !('tokenizer' in given), 'tokenizer is for `descent export` only')
      .optional()
      .meta({ description: 'Options that the recipe takes; `GET /v1/recipes` names them.' }),
  })

const wantedSchema = planSchema.meta({
  id: 'WantedDataset',
  description: 'What to make of which runs, in the words of the section `dataset` of a run file.',
})
const newDatasetSchema = planSchema
  .extend({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][\w-]{0,79}$/, 'expected letters, digits, - and _, at most 80')
      .optional()
      .meta({ description: 'Of its folder on the server; made of the recipe and the time by default.' }),
    format: z.enum(formats).optional(),
  })
  .meta({ id: 'NewDataset' })

const cutRowSchema = z.object({
  values: z.record(z.string(), z.unknown()),
  cut: z.array(z.string()).meta({ description: 'Columns, or paths in them, that go on.' }),
})

const previewSchema = z
  .object({
    runs: z.array(z.object({ id: z.string(), name: z.string() })),
    scripted: z.boolean(),
    configs: z.array(
      z.object({
        name: z.string(),
        recipe: z.string(),
        recipeVersion: z.string(),
        columns: z.array(
          z.object({ name: z.string(), type: z.string(), nullable: z.boolean(), meaning: z.string() }),
        ),
        funnel: funnelSchema,
        trajectories: z.number(),
        tasks: z.number(),
        splits: z
          .array(z.object({ split: z.string(), trajectories: z.number(), tasks: z.number() }))
          .meta({ description: 'Of the selected trajectories.' }),
        rows: z.array(cutRowSchema.extend({ split: z.string() })),
        complete: z.boolean().meta({ description: 'False when time was over before enough rows were made.' }),
      }),
    ),
  })
  .meta({ id: 'DatasetPreview', description: 'What an export would select, and its first rows.' })
export type DatasetPreviewView = z.infer<typeof previewSchema>

export const exportStateSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    status: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
    plan: z.record(z.string(), z.unknown()),
    author: z.string(),
    createdAt: z.string(),
    endedAt: z.string().nullable(),
    cleaned: z.object({ trajectories: z.number(), of: z.number() }).nullable(),
    progress: z
      .object({
        trajectories: z.number(),
        of: z.number(),
        rows: z.number(),
        bytes: z.number().meta({ description: 'Uncompressed.' }),
        before: z.number().meta({ description: 'Trajectories that an earlier attempt had done.' }),
        seconds: z.number(),
        secondsLeft: z.number().nullable(),
      })
      .nullable(),
    notices: z.array(z.string()),
    datasetId: z.string().nullable().meta({ description: 'For /v1/datasets, when it is done.' }),
    rows: z.number().nullable(),
    funnel: funnelSchema.nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .meta({ id: 'Export', description: 'The making of a dataset.' })
export type ExportView = z.infer<typeof exportStateSchema>

const planRoute = createRoute({
  method: 'post',
  path: '/datasets/plan',
  summary: 'What an export would select: the funnel and the splits; nothing is written',
  request: { body: jsonBody(wantedSchema) },
  responses: answers(previewSchema, 'The plan, without rows.'),
})

const previewRoute = createRoute({
  method: 'post',
  path: '/datasets/preview',
  summary: 'The same with the first rows as the recipe makes them',
  request: {
    query: z.object({
      rows: z.coerce.number().int().min(1).max(50).default(5),
      characters: z.coerce.number().int().min(1).max(1_000_000).default(2000).meta({
        description: 'Of each text; `cut` names those that go on.',
      }),
    }),
    body: jsonBody(wantedSchema),
  },
  responses: answers(previewSchema, 'The plan with rows.'),
})

const makeRoute = createRoute({
  method: 'post',
  path: '/datasets',
  summary: 'Make a dataset in this process; the answer is the export, which goes on',
  request: { body: jsonBody(newDatasetSchema) },
  responses: answers(exportStateSchema, 'The export.'),
})

const listRoute = createRoute({
  method: 'get',
  path: '/exports',
  summary: 'The exports of this process, newest first',
  responses: answers(
    z.object({ items: z.array(exportStateSchema) }).meta({ id: 'ExportList' }),
    'The exports.',
  ),
})

const idParameter = z.object({ id: z.uuid() })

const readRoute = createRoute({
  method: 'get',
  path: '/exports/{id}',
  summary: 'One export: how far it is, how fast, and what came of it',
  request: { params: idParameter },
  responses: answers(exportStateSchema, 'The export.'),
})

const cancelRoute = createRoute({
  method: 'post',
  path: '/exports/{id}/cancel',
  summary: 'Stop an export; whole files stay, and the same export takes them up',
  request: { params: idParameter },
  responses: answers(exportStateSchema, 'The export.'),
})

const eventsRoute = createRoute({
  method: 'get',
  path: '/exports/{id}/events',
  summary: 'Follow an export: an `export` event with its state whenever it changes, until its end',
  request: { params: idParameter },
  responses: {
    200: {
      description: 'Events until the export ends.',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    ...problemResponses,
  },
})

/** A plan is given up shortly before the server answers that it took too long. */
const planMilliseconds = 28_000
const rowMilliseconds = 10_000
const listItems = 50

/** `exports` is null on a server that only shows what is there. */
export function exportRoutes(store: ApiStore, exports: Exports | null) {
  function orRefuse(): Exports {
    if (exports) return exports
    throw new HttpProblem(409, 'no_exports', 'This server makes no datasets: use `descent export`.')
  }

  async function preview(
    context: Context,
    wanted: z.output<typeof wantedSchema>,
    rows: number,
    characters = 2000,
  ) {
    const options = await optionsOf(store, wanted)
    const curation = openCurationTools(store as Store)
    try {
      return await previewDataset(options, {
        store: store as Store,
        rows,
        limits: { characters, items: listItems },
        milliseconds: rowMilliseconds,
        creditMethods: [...groupMethods],
        tools: curation.tools,
        signal: AbortSignal.any([context.req.raw.signal, AbortSignal.timeout(planMilliseconds)]),
      })
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'TimeoutError') throw error
      const detail = 'The plan took too long: narrow the selection, or make the dataset without a preview.'
      throw new HttpProblem(504, 'timeout', detail)
    } finally {
      await curation.close()
    }
  }

  return createRoutes()
    .openapi(planRoute, async (context) =>
      context.json(await preview(context, context.req.valid('json'), 0), 200),
    )
    .openapi(previewRoute, async (context) => {
      const { rows, characters } = context.req.valid('query')
      return context.json(await preview(context, context.req.valid('json'), rows, characters), 200)
    })
    .openapi(makeRoute, async (context) => {
      const own = orRefuse()
      const { name, ...wanted } = context.req.valid('json')
      const options = await optionsOf(store, wanted)
      const started = await own.start(name ?? defaultName(wanted.recipe), options, context.var.author)
      return context.json(started, 200)
    })
    .openapi(listRoute, (context) => context.json({ items: exports?.list() ?? [] }, 200))
    .openapi(readRoute, (context) => context.json(orRefuse().find(context.req.valid('param').id), 200))
    .openapi(cancelRoute, async (context) =>
      context.json(await orRefuse().cancel(context.req.valid('param').id), 200),
    )
    .openapi(eventsRoute, (context) => {
      const own = orRefuse()
      const { id } = own.find(context.req.valid('param').id)
      context.header('x-accel-buffering', 'no')
      return streamSSE(context, async (out) => {
        const aborter = new AbortController()
        out.onAbort(() => aborter.abort())
        for await (const state of own.follow(id, aborter.signal))
          await out.writeSSE({ event: 'export', data: JSON.stringify(state) })
      })
    })
}

/**
 * The options of an export, checked as far as that is quick. Errors raised: UsageError for what the plan gets
 * wrong, HttpProblem for a run that is not there.
 */
async function optionsOf(store: ApiStore, { runs, recipe, ...plan }: z.output<typeof wantedSchema>) {
  const recipes = findRecipes([recipe].flat())
  splitRecipeOptions(recipes, plan.recipeOptions ?? {})
  checkDatasetPlan(plan)
  const { evalFraction = 0.1, validationFraction = 0 } = plan
  if (evalFraction + validationFraction > 1)
    throw new UsageError('evalFraction and validationFraction are more than 1 together.')
  const found = await Promise.all(runs.map(async (run) => (await orNotFound(store.findRun(run))).id))
  const given = Object.fromEntries(Object.entries(plan).filter(([, value]) => value !== undefined))
  return { ...given, recipe, runIds: [...new Set(found)] }
}

function defaultName(recipe: string | string[]): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
  return `${[recipe].flat().join('-').slice(0, 50)}-${time}`
}
