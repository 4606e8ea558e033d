// The rows of finished datasets: by page, filtered and sorted, long texts cut; and one row with its whole
// texts.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { type BrowsedFile, openDatasetBrowser } from '../../../src/datasets/browse/index.ts'
import { locateFile } from '../download.ts'
import { referenceSchema } from '../page.ts'
import { answers, HttpProblem, orNotFound } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { storedFileSchema } from './datasets.ts'
import { createRoutes, plainText } from './shared.ts'

const rowSchema = z
  .object({
    file: z.number().meta({ description: 'Of the dataset, from 0.' }),
    row: z.number().meta({ description: 'Within the file, from 0.' }),
    values: z.record(z.string(), z.unknown()),
    cut: z.array(z.string()).meta({
      description: 'Columns, or paths in them, that go on; `/rows/{file}/{row}` has more of them.',
    }),
  })
  .meta({ id: 'DatasetRow' })
export type DatasetRow = z.infer<typeof rowSchema>

const pageSchema = z
  .object({
    columns: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        kind: z.enum(['number', 'text', 'flag', 'time', 'nested']),
      }),
    ),
    total: z.number().meta({ description: 'Rows that meet the condition.' }),
    filesLeftOut: z.number().meta({ description: 'Of more than 500 files the first ones are read.' }),
    rows: z.array(rowSchema),
    next: z.string().nullable().meta({ description: 'The cursor of the next page; null on the last.' }),
  })
  .meta({ id: 'DatasetRowPage' })
export type DatasetRowPage = z.infer<typeof pageSchema>

const mostFiles = 500
const itemsInPage = 30
const itemsInRow = 1_000_000

const pageRoute = createRoute({
  method: 'get',
  path: '/datasets/{id}/rows',
  summary: 'The rows of a finished dataset, by page',
  request: {
    params: z.object({ id: referenceSchema }),
    query: z.object({
      config: plainText.pipe(z.string().max(100)).optional().meta({
        description: 'Of a dataset of several recipes; the first by default.',
      }),
      split: z.enum(['train', 'validation', 'test']).optional(),
      where: plainText.pipe(z.string().min(1).max(4000)).optional().meta({
        description: 'A condition on the columns, such as `reward >= 0.5 and prompt contains refund`.',
      }),
      sort: plainText.pipe(z.string().min(1).max(200)).optional().meta({
        description: 'A column, or a field of one; the order of the files by default.',
      }),
      order: z.enum(['up', 'down']).default('up'),
      limit: z.coerce.number().int().min(1).max(100).default(25),
      cursor: z
        .string()
        .regex(/^\d{1,12}$/)
        .optional()
        .meta({ description: 'The `next` of the page before.' }),
      characters: z.coerce.number().int().min(1).max(100_000).default(500),
    }),
  },
  responses: answers(pageSchema, 'A page of rows.'),
})

const rowRoute = createRoute({
  method: 'get',
  path: '/datasets/{id}/rows/{file}/{row}',
  summary: 'One row with its texts',
  request: {
    params: z.object({
      id: referenceSchema,
      file: z.coerce.number().int().min(0).max(1_000_000),
      row: z.coerce.number().int().min(0).max(1_000_000_000),
    }),
    query: z.object({ characters: z.coerce.number().int().min(1).max(50_000_000).default(200_000) }),
  },
  responses: answers(rowSchema, 'The row.'),
})

export function datasetRowRoutes(store: ApiStore, exportRoots?: string[]) {
  const browser = openDatasetBrowser()

  async function filesOf(id: string) {
    const { directory, files } = await orNotFound(store.findDataset(id))
    const stored = files.map((file, index) => ({ ...storedFileSchema.parse(file), index }))
    const locate = async ({ path, index }: { path: string; index: number }): Promise<BrowsedFile> => ({
      index,
      path: await locateFile(directory, path, exportRoots),
    })
    return { stored, locate }
  }

  return createRoutes()
    .openapi(pageRoute, async (context) => {
      const { config: wanted, split, cursor, characters, ...query } = context.req.valid('query')
      const { stored, locate } = await filesOf(context.req.valid('param').id)
      const config = wanted ?? stored[0]?.config
      const chosen = stored.filter(
        (file) => (config ?? null) === (file.config ?? null) && (split === undefined || file.split === split),
      )
      if (chosen.length === 0) {
        const known = [...new Set(stored.map((file) => `${file.config ?? 'default'}/${file.split ?? '-'}`))]
        throw new HttpProblem(404, 'not_found', `This dataset has no such part; it has ${known.join(', ')}.`)
      }
      const files = await Promise.all(chosen.slice(0, mostFiles).map(locate))
      const offset = Number(cursor ?? 0)
      const limits = { characters, items: itemsInPage }
      const page = await browser.page(files, { ...query, offset }, limits, context.req.raw.signal)
      const end = offset + page.rows.length
      const next = end < page.total && page.rows.length > 0 ? String(end) : null
      return context.json({ ...page, filesLeftOut: chosen.length - files.length, next }, 200)
    })
    .openapi(rowRoute, async (context) => {
      const { id, file: index, row } = context.req.valid('param')
      const { characters } = context.req.valid('query')
      const { stored, locate } = await filesOf(id)
      const file = stored[index]
      if (!file)
        throw new HttpProblem(404, 'not_found', `This dataset has ${stored.length} files, counted from 0.`)
      const limits = { characters, items: itemsInRow }
      const found = await browser.row(await locate(file), row, limits, context.req.raw.signal)
      if (!found) throw new HttpProblem(404, 'not_found', 'This file has no such row.')
      return context.json(found, 200)
    })
}
