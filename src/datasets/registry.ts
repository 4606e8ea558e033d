// The recipes there are.
import { UsageError } from '../errors.ts'
import type { Recipe } from './recipe.ts'
import { atif } from './interchange/atif.ts'
import { scout } from './interchange/scout.ts'
import { sessions } from './interchange/sessions.ts'
import { sharegpt } from './interchange/sharegpt.ts'
import { verifiersTraces } from './interchange/verifiers.ts'
import { kto } from './recipes/kto.ts'
import { preference } from './recipes/preference.ts'
import { processLabels } from './recipes/process.ts'
import { rlPrompts } from './recipes/rl-prompts.ts'
import { rlRollouts } from './recipes/rl-rollouts.ts'
import { sftTokens } from './recipes/sft-tokens.ts'
import { sftTrajectories } from './recipes/sft-trajectories.ts'
import { sftTurns } from './recipes/sft-turns.ts'
import { tables } from './recipes/tables.ts'
import { trajectories } from './recipes/trajectories.ts'

export const recipes: Recipe[] = [
  sftTurns,
  sftTrajectories,
  sftTokens,
  preference,
  kto,
  rlPrompts,
  rlRollouts,
  processLabels,
  trajectories,
  ...tables,
  atif,
  scout,
  verifiersTraces,
  sharegpt,
  sessions,
]

/** Throws a UsageError that lists what exists. */
export function findRecipe(name: string): Recipe {
  const recipe = recipes.find((candidate) => candidate.name === name)
  if (recipe) return recipe
  const names = recipes.map((candidate) => candidate.name).join(', ')
  throw new UsageError(`There is no recipe "${name}". The recipes are: ${names}.`)
}

/** Each once, in the order given. Throws a UsageError for an unknown name, or one given twice. */
export function findRecipes(names: string[]): Recipe[] {
  const found = names.map(findRecipe)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new UsageError(`The recipe "${twice}" is named twice.`)
  return found
}
