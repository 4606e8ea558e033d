// What several routes take and give.
import { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { trajectoryStatusSchema } from '../../../src/trajectory.ts'
import type { AccessVariables } from '../access.ts'
import { referenceSchema } from '../page.ts'
import { validationHook } from '../problem.ts'

export function createRoutes() {
  return new OpenAPIHono<{ Variables: AccessVariables }>({ defaultHook: validationHook })
}

export const runParameter = z.object({
  run: referenceSchema.meta({ description: 'An id, a unique part of one, or `latest`.' }),
})

export const trajectoryParameter = z.object({
  id: referenceSchema.meta({ description: 'An id, or a unique part of one.' }),
})

/** Which trajectories of a run, as `descent export --where` takes it. */
export const selectionQuerySchema = z.object({
  where: z.string().max(4000).optional().meta({
    description: 'A condition of the selection language, such as `reward < 0.5 and turns > 3`.',
  }),
  status: trajectoryStatusSchema.optional(),
  threshold: z.coerce
    .number()
    .optional()
    .meta({ description: 'The reward from which a rollout is correct, for group.pass_at_K; 0.5.' }),
})

/** PostgreSQL stores no NUL; every text that is compared with what is stored goes without. */
export const plainText = z.string().refine((text) => !text.includes('\0') && text.isWellFormed(), {
  message: 'expected text without NUL characters and lone surrogates',
})
