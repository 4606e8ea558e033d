// Whether the server and its store answer.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { schemaVersion } from '../../../src/trajectory.ts'
import { answers } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { createRoutes } from './shared.ts'

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
  responses: answers(healthSchema, 'Both do.'),
})

export function healthRoutes(store: ApiStore) {
  return createRoutes().openapi(route, async (context) => {
    await store.listRuns({ limit: 1 })
    const { location, embedded } = store
    return context.json({ status: 'ok' as const, schemaVersion, store: { location, embedded } }, 200)
  })
}
