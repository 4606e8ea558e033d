// Exported datasets and their files.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { locateFile, sendFile } from '../download.ts'
import { pageSchema, referenceSchema } from '../page.ts'
import { HttpProblem, orNotFound, problemResponses } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { createRoutes } from './shared.ts'

type StoredDataset = Awaited<ReturnType<ApiStore['findDataset']>>

const fileSchema = z.object({
  index: z.number(),
  path: z.string(),
  rows: z.number().nullable(),
  bytes: z.number().nullable(),
  sha256: z.string().nullable(),
  split: z.string().nullable(),
  config: z.string().nullable().meta({ description: 'Of a dataset of several recipes.' }),
})

/** What the store holds of a file, whatever else the exporter wrote beside it. */
export const storedFileSchema = z.object({
  path: z.string(),
  rows: z.number().nullish(),
  bytes: z.number().nullish(),
  sha256: z.string().nullish(),
  split: z.string().nullish(),
  config: z.string().nullish(),
})

export const datasetSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    recipe: z.string(),
    recipeVersion: z.string(),
    rows: z.number(),
    scripted: z.boolean(),
    createdAt: z.string(),
    directory: z.string(),
    selection: z.record(z.string(), z.unknown()),
    options: z.record(z.string(), z.unknown()),
    funnel: z.array(z.unknown()),
    files: z.array(fileSchema),
  })
  .meta({ id: 'Dataset' })
export type Dataset = z.infer<typeof datasetSchema>

const itemSchema = datasetSchema
  .pick({
    id: true,
    name: true,
    recipe: true,
    recipeVersion: true,
    rows: true,
    scripted: true,
    createdAt: true,
  })
  .extend({ files: z.number() })
  .meta({ id: 'DatasetItem' })

const listRoute = createRoute({
  method: 'get',
  path: '/datasets',
  summary: 'Exported datasets, newest first',
  responses: {
    200: {
      description: 'The datasets.',
      content: { 'application/json': { schema: pageSchema('DatasetPage', itemSchema) } },
    },
    500: problemResponses[500],
  },
})

const readRoute = createRoute({
  method: 'get',
  path: '/datasets/{id}',
  summary: 'One dataset: selection, funnel, files',
  request: { params: z.object({ id: referenceSchema }) },
  responses: {
    200: { description: 'The dataset.', content: { 'application/json': { schema: datasetSchema } } },
    ...problemResponses,
  },
})

const fileRoute = createRoute({
  method: 'get',
  path: '/datasets/{id}/files/{index}',
  summary: 'One file of a dataset; a range of bytes may be asked for',
  request: {
    params: z.object({ id: referenceSchema, index: z.coerce.number().int().min(0).max(1_000_000) }),
    headers: z.object({ range: z.string().optional() }),
  },
  responses: {
    200: { description: 'The file.', content: { 'application/octet-stream': { schema: z.string() } } },
    206: {
      description: 'The part asked for.',
      content: { 'application/octet-stream': { schema: z.string() } },
    },
    416: { description: 'The file has no such part.' },
    ...problemResponses,
  },
})

const documents = { card: 'README.md', manifest: 'manifest.json', audit: 'audit.jsonl' } as const

const documentRoute = createRoute({
  method: 'get',
  path: '/datasets/{id}/{document}',
  summary: 'The dataset card (Markdown), the manifest (JSON), or the audit of cleaning (JSON lines)',
  request: {
    params: z.object({ id: referenceSchema, document: z.enum(['card', 'manifest', 'audit']) }),
    headers: z.object({ range: z.string().optional() }),
  },
  responses: {
    200: { description: 'The document.', content: { 'text/markdown': { schema: z.string() } } },
    ...problemResponses,
  },
})

const figureRoute = createRoute({
  method: 'get',
  path: '/datasets/{id}/figures/{name}',
  summary: 'A figure of the dataset card, as SVG',
  request: {
    params: z.object({ id: referenceSchema, name: z.string().regex(/^[\w-]{1,100}\.svg$/) }),
  },
  responses: {
    200: { description: 'The figure.', content: { 'image/svg+xml': { schema: z.string() } } },
    ...problemResponses,
  },
})

export function datasetRoutes(store: ApiStore, exportRoots?: string[]) {
  return createRoutes()
    .openapi(listRoute, async (context) => {
      const datasets = await store.listDatasets()
      return context.json({ items: datasets.map(datasetItem), next: null }, 200)
    })
    .openapi(readRoute, async (context) => {
      const dataset = await orNotFound(store.findDataset(context.req.valid('param').id))
      return context.json(datasetView(dataset), 200)
    })
    .openapi(fileRoute, async (context) => {
      const { id, index } = context.req.valid('param')
      const dataset = await orNotFound(store.findDataset(id))
      const file = dataset.files[index]
      if (file === undefined) {
        throw new HttpProblem(
          404,
          'not_found',
          `This dataset has ${dataset.files.length} files, counted from 0.`,
        )
      }
      const { path } = storedFileSchema.parse(file)
      return await sendFile(await locateFile(dataset.directory, path, exportRoots), context.req.raw)
    })
    .openapi(figureRoute, async (context) => {
      const { id, name } = context.req.valid('param')
      const { directory } = await orNotFound(store.findDataset(id))
      return await sendFile(await locateFile(directory, `card/${name}`, exportRoots), context.req.raw)
    })
    .openapi(documentRoute, async (context) => {
      const { id, document } = context.req.valid('param')
      const { directory } = await orNotFound(store.findDataset(id))
      const place = await locateFile(directory, documents[document], exportRoots)
      return await sendFile(place, context.req.raw)
    })
}

function datasetItem(dataset: StoredDataset): z.infer<typeof itemSchema> {
  const { id, name, recipe, recipeVersion, rows, scripted, createdAt } = dataset
  return { id, name, recipe, recipeVersion, rows, scripted, createdAt, files: dataset.files.length }
}

function datasetView(dataset: StoredDataset): Dataset {
  const { files: _files, ...item } = datasetItem(dataset)
  const { directory, selection, options, funnel } = dataset
  const files = dataset.files.map((stored, index) => {
    const { path, ...facts } = storedFileSchema.parse(stored)
    const { rows = null, bytes = null, sha256 = null, split = null, config = null } = facts
    return { index, path, rows, bytes, sha256, split, config }
  })
  return { ...item, directory, selection, options, funnel, files }
}
