// The options of recipes. Each recipe names those it takes; one given to a recipe that does not take
// it is an error, so that no option is silently without effect.
import { z } from 'zod'
import { UsageError } from '../errors.ts'

export const contextModes = ['files', 'inline', 'none'] as const

export const recipeOptionsSchema = z.strictObject({
  /** Least difference of rewards between chosen and rejected; a difference of 0 never makes a pair. */
  minMargin: z.number().min(0).default(0),
  /** The longer of chosen and rejected has at most this many times the characters of the other. */
  maxLengthRatio: z.number().min(1).nullable().default(null),
  /** The most pairs of one task. */
  pairsPerTask: z.number().int().positive().default(8),
  /** Prompts longer than this many code points give no row. */
  maxPromptCharacters: z.number().int().positive().nullable().default(null),
  /** Where the contexts of tasks go: beside the data, into the rows, or nowhere. */
  contexts: z.enum(contextModes).default('files'),
  /** Rows for child invocations too. */
  children: z.boolean().default(true),
})

export type RecipeOptions = z.output<typeof recipeOptionsSchema>
export type RecipeOptionsInput = z.input<typeof recipeOptionsSchema>
export type RecipeOptionName = keyof RecipeOptions

/** Throws a UsageError for an option out of its range, or one that the recipe does not take. */
export function parseRecipeOptions(
  recipe: { name: string; options: RecipeOptionName[] },
  given: RecipeOptionsInput,
): RecipeOptions {
  const foreign = Object.entries(given).find(
    ([name, value]) => value !== undefined && !recipe.options.some((taken) => taken === name),
  )
  if (foreign) {
    const taken = recipe.options.length > 0 ? `it takes ${recipe.options.join(', ')}` : 'it takes none'
    throw new UsageError(`Recipe ${recipe.name} has no option ${foreign[0]}: ${taken}.`)
  }
  const parsed = recipeOptionsSchema.safeParse(given)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new UsageError(`Recipe option ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}.`)
}
