// Selections that were saved under a name: what an export takes, in the words of a run file's `dataset`.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { checkDatasetPlan } from '../../../src/datasets/check-plan.ts'
import { datasetPlanSchema, selectionNameSchema } from '../../../src/datasets/index.ts'
import { UsageError } from '../../../src/errors.ts'
import type { Json } from '../../../src/json.ts'
import { answers, jsonBody, orNotFound } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { createRoutes } from './shared.ts'

const savedSchema = z
  .object({
    name: z.string(),
    plan: z.record(z.string(), z.unknown()),
    updatedAt: z.string(),
  })
  .meta({ id: 'SavedSelection' })

const params = z.object({ name: selectionNameSchema })

const listRoute = createRoute({
  method: 'get',
  path: '/selections',
  summary: 'Saved selections, by name',
  responses: answers(z.object({ items: z.array(savedSchema) }).meta({ id: 'Selections' }), 'All of them.'),
})

const getRoute = createRoute({
  method: 'get',
  path: '/selections/{name}',
  summary: 'One saved selection',
  request: { params },
  responses: answers(savedSchema, 'The selection.'),
})

const putRoute = createRoute({
  method: 'put',
  path: '/selections/{name}',
  summary: 'Saves a selection under a name, in place of an earlier one',
  request: {
    params,
    body: jsonBody(
      // What names places of the server is for `descent export`.
      datasetPlanSchema.omit({ evaluation: true, cleanTokenizer: true }).meta({
        id: 'Selection',
        description: 'The section `dataset` of a run file: where, select, recipes, splits, cleaning.',
      }),
    ),
  },
  responses: answers(savedSchema, 'As it is saved.'),
})

export function selectionRoutes(store: ApiStore) {
  return createRoutes()
    .openapi(listRoute, async (context) => context.json({ items: await store.listSelections() }, 200))
    .openapi(getRoute, async (context) => {
      const { name } = context.req.valid('param')
      return context.json(await orNotFound(store.findSelection(name)), 200)
    })
    .openapi(putRoute, async (context) => {
      const { name } = context.req.valid('param')
      const plan = context.req.valid('json')
      checkDatasetPlan(plan)
      if (plan.recipeOptions && 'tokenizer' in plan.recipeOptions)
        throw new UsageError('recipeOptions.tokenizer names a directory: it is for `descent export` only')
      await store.saveSelection(name, JSON.parse(JSON.stringify(plan)) as Record<string, Json>)
      return context.json(await store.findSelection(name), 200)
    })
}
