// Paging by cursor: a page says how to get the next one, and no page is unbounded.
import { z } from 'zod'

export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).meta({ description: 'Items in a page.' }),
  cursor: z.string().min(1).max(500).optional().meta({ description: 'The `next` of the page before.' }),
})

export function pageSchema<Item extends z.ZodType>(id: string, item: Item) {
  return z
    .object({
      items: z.array(item),
      next: z.string().nullable().meta({ description: 'The cursor of the next page; null on the last.' }),
    })
    .meta({ id })
}

/** An id, or a part of it that is unique; letters, digits and hyphens only. */
export const referenceSchema = z
  .string()
  .regex(/^[0-9A-Za-z-]{1,64}$/, 'expected an id: letters, digits and hyphens')
