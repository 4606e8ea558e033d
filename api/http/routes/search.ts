// Full-text search: what matches, and where it stands in its trajectory.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { searchFields } from '../../../src/store/read-contract.ts'
import type { SearchHit } from '../../../src/store/contract.ts'
import { pageQuerySchema, pageSchema, referenceSchema } from '../page.ts'
import { answers, orBadCursor, orNotFound } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { createRoutes, plainText } from './shared.ts'

export const searchHitSchema = z
  .object({
    runId: z.string(),
    runName: z.string(),
    trajectoryId: z.string(),
    taskId: z.string(),
    rollout: z.number(),
    reward: z.number().nullable(),
    kind: z.enum(['cell', 'call', 'trajectory']),
    id: z.string().meta({ description: 'Of the cell, call or trajectory that matches.' }),
    fragments: z.array(
      z.object({
        field: z.enum(searchFields),
        parts: z.array(z.object({ text: z.string(), match: z.boolean() })),
      }),
    ),
  })
  .meta({ id: 'SearchHit' }) satisfies z.ZodType<SearchHit>

const fields = z
  .string()
  .max(100)
  .transform((text) => text.split(','))
  .pipe(z.array(z.enum(searchFields)).max(8))

const route = createRoute({
  method: 'get',
  path: '/search',
  summary: 'Full-text search over code, outputs, prompts and answers',
  request: {
    query: pageQuerySchema.extend({
      text: plainText.pipe(z.string().min(1).max(1000)).meta({
        description: 'Words that all occur; "a phrase", -without, or. The last word may be unfinished.',
      }),
      run: referenceSchema.optional(),
      fields: fields.optional().meta({
        type: 'string',
        description: 'Some of code, output, prompt, answer, with commas between; all of them by default.',
      }),
    }),
  },
  responses: answers(pageSchema('SearchPage', searchHitSchema), 'A page of hits, newest first.'),
})

export function searchRoutes(store: ApiStore) {
  return createRoutes().openapi(route, async (context) => {
    const { text, run, fields: wanted, limit, cursor } = context.req.valid('query')
    const runId = run === undefined ? undefined : (await orNotFound(store.findRun(run))).id
    const page = store.search({ text, runId, fields: wanted, limit, cursor: cursor ?? null })
    return context.json(cursor === undefined ? await page : await orBadCursor(page), 200)
  })
}
