// What `descent export` takes for its recipes, from words to typed options. Only what was given is passed
// on: a recipe that does not take one refuses it.
import {
  contextModes,
  type ExportOptions,
  missingLogprobs,
  pairRules,
  rowUnits,
  turnRoles,
} from '../../../src/datasets/index.ts'
import { UsageError } from '../../../src/errors.ts'
import { decimal, wholeNumber } from '../numbers.ts'

export interface RecipeCommandOptions {
  maxPromptCharacters?: string
  pairBy?: string
  minMargin?: string
  maxLengthRatio?: string
  pairsPerTask?: string
  contexts?: string
  children?: boolean
  roles?: string
  tokenizer?: string
  per?: string
  maxTokens?: string
  advantage?: string
  currentPolicy?: string
  maxStaleness?: string
  missingLogprobs?: string
}

/** Errors raised: UsageError naming the option, and what is allowed. */
export function recipeOptions(options: RecipeCommandOptions): NonNullable<ExportOptions['recipeOptions']> {
  const { minMargin, maxLengthRatio, tokenizer, advantage } = options
  const contexts = oneOf(options.contexts, '--contexts', contextModes)
  const pairBy = oneOf(options.pairBy, '--pair-by', pairRules)
  const per = oneOf(options.per, '--per', rowUnits)
  const missing = oneOf(options.missingLogprobs, '--missing-logprobs', missingLogprobs)
  const maxPromptCharacters = count(options.maxPromptCharacters, '--max-prompt-characters', 1)
  const pairsPerTask = count(options.pairsPerTask, '--pairs-per-task', 1)
  const maxTokens = count(options.maxTokens, '--max-tokens', 1)
  const currentPolicy = count(options.currentPolicy, '--current-policy', 0)
  const maxStaleness = count(options.maxStaleness, '--max-staleness', 0)
  return {
    ...(maxPromptCharacters === undefined ? {} : { maxPromptCharacters }),
    ...(pairBy === undefined ? {} : { pairBy }),
    ...(minMargin === undefined ? {} : { minMargin: decimal(minMargin, '--min-margin', 0) }),
    ...(maxLengthRatio === undefined
      ? {}
      : { maxLengthRatio: decimal(maxLengthRatio, '--max-length-ratio', 1) }),
    ...(pairsPerTask === undefined ? {} : { pairsPerTask }),
    ...(contexts === undefined ? {} : { contexts }),
    ...(options.roles === undefined ? {} : { roles: rolesOf(options.roles) }),
    ...(options.children === false ? { children: false } : {}),
    ...(tokenizer === undefined ? {} : { tokenizer }),
    ...(per === undefined ? {} : { per }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(advantage === undefined ? {} : { advantage }),
    ...(currentPolicy === undefined ? {} : { currentPolicy }),
    ...(maxStaleness === undefined ? {} : { maxStaleness }),
    ...(missing === undefined ? {} : { missingLogprobs: missing }),
  }
}

function rolesOf(given: string) {
  return given.split(',').flatMap((word) => oneOf(word.trim(), '--roles', turnRoles) ?? [])
}

function count(given: string | undefined, option: string, least: number): number | undefined {
  return given === undefined ? undefined : wholeNumber(given, option, least)
}

/** Errors raised: UsageError that lists what is allowed. */
export function oneOf<Word extends string>(
  given: string | undefined,
  option: string,
  allowed: readonly Word[],
): Word | undefined {
  const word = allowed.find((known) => known === given)
  if (given !== undefined && !word)
    throw new UsageError(`${option}: "${given}" is not known; allowed: ${allowed.join(', ')}`)
  return word
}
