// The options of recipes. Each recipe names those it takes; one given to a recipe that does not take
// it is an error, so that no option is silently without effect.
import { z } from 'zod'
import { UsageError } from '../errors.ts'

export const contextModes = ['files', 'inline', 'none'] as const

export const rowUnits = ['branch', 'turn'] as const
export const missingLogprobs = ['drop', 'null'] as const
export const turnRoles = ['root', 'child', 'sub-call'] as const
export const pairRules = ['rollout', 'value', 'code', 'label'] as const

export const recipeOptionsSchema = z.strictObject({
  /**
   * What tells which of two responses is better: the rewards of two rollouts, at the first turn in which
   * they differ; or, of each two responses to one prompt, the mean reward of the rollouts that gave them,
   * how their code ended, or labels of people.
   */
  pairBy: z.enum(pairRules).default('rollout'),
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
  /** Whose responses are rows: the root's, those of child invocations, answers to plain sub-calls. */
  roles: z.array(z.enum(turnRoles)).min(1).default(['root']),
  /** Rows for child invocations too. */
  children: z.boolean().default(true),
  /** The directory of a tokenizer with a chat template, for what the engine gave no ids of. */
  tokenizer: z.string().min(1).nullable().default(null),
  /** One row for each branch of a conversation, or for each of its turns. */
  per: z.enum(rowUnits).default('branch'),
  /** Sequences of more tokens give no row. */
  maxTokens: z.number().int().positive().nullable().default(null),
  /** The method that makes advantages of the rewards of a group. */
  advantage: z.string().min(1).default('grpo_centered'),
  /** The number of the policy that is trained now; null keeps rows of any policy. */
  currentPolicy: z.number().int().min(0).nullable().default(null),
  /** The most versions that a policy may be behind the current one. */
  maxStaleness: z.number().int().min(0).default(8),
  /** Rows in which a sampled token has no logprob: left out, or with null for their logprobs. */
  missingLogprobs: z.enum(missingLogprobs).default('drop'),
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

/** For each recipe those that it takes. Throws a UsageError for an option that none of them takes. */
export function splitRecipeOptions(
  recipes: { name: string; options: RecipeOptionName[] }[],
  given: RecipeOptionsInput,
): RecipeOptions[] {
  const [only] = recipes
  if (only && recipes.length === 1) return [parseRecipeOptions(only, given)]
  const names = Object.keys(given) as RecipeOptionName[]
  const foreign = names.find(
    (name) => given[name] !== undefined && !recipes.some(({ options }) => options.includes(name)),
  )
  if (foreign !== undefined) {
    throw new UsageError(
      `None of the recipes ${recipes.map(({ name }) => name).join(', ')} has an option ${foreign}.`,
    )
  }
  return recipes.map((recipe) =>
    parseRecipeOptions(
      recipe,
      Object.fromEntries(
        names.filter((name) => recipe.options.includes(name)).map((name) => [name, given[name]]),
      ),
    ),
  )
}
