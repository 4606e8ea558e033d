// A reward named inside another one: a name, or a name with options and, where it counts, a weight.
import { z } from 'zod'

export const entrySchema = z.union([
  z.string().transform((name) => ({ name, weight: 1, options: {} as Record<string, unknown> })),
  z.strictObject({
    name: z.string(),
    weight: z.number().default(1),
    options: z.record(z.string(), z.unknown()).default({}),
  }),
])
export type Entry = z.output<typeof entrySchema>
