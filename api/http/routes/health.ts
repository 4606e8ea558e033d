// Whether the server and its store answer.
import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { schemaVersion } from '../../../src/trajectory.ts'
import { problemResponses, validationHook } from '../problem.ts'
import type { ReadStore } from '../read-store.ts'

export const healthSchema = z
  .object({
    status: z.literal('ok'),
    schemaVersion: z.number(),
    store: z.object({ location: z.string(), embedded: z.boolean() }),
  })
  .meta({ id: 'Health' })
export type Health = z.infer<typeof healthSchema>

const route = createRoute({
  method: 'get',
  path: '/health',
  summary: 'Whether the server and its store answer',
  responses: {
    200: { description: 'Both do.', content: { 'application/json': { schema: healthSchema } } },
    500: problemResponses[500],
  },
})

export function healthRoutes(store: ReadStore) {
  return new OpenAPIHono({ defaultHook: validationHook }).openapi(route, async (context) => {
    await store.listRuns({ limit: 1 })
    const { location, embedded } = store
    return context.json({ status: 'ok' as const, schemaVersion, store: { location, embedded } }, 200)
  })
}
