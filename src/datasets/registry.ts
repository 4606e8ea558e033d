// The recipes there are.
import { UsageError } from '../errors.ts'
import type { Recipe } from './recipe.ts'
import { sftTurns } from './recipes/sft-turns.ts'
import { trajectories } from './recipes/trajectories.ts'

export const recipes: Recipe[] = [sftTurns, trajectories]

/** Throws a UsageError that lists what exists. */
export function findRecipe(name: string): Recipe {
  const recipe = recipes.find((candidate) => candidate.name === name)
  if (recipe) return recipe
  const names = recipes.map((candidate) => candidate.name).join(', ')
  throw new UsageError(`There is no recipe "${name}". The recipes are: ${names}.`)
}
