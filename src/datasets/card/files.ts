// The files beside the card: plots of each config, and the prompts of each protocol.
import { type CleaningReport } from '../clean/curate.ts'
import { isRedaction } from '../clean/clean.ts'
import type { SecretGroup } from '../clean/secrets.ts'
import type { ManifestFacts } from '../manifest.ts'
import { plotsOf } from './figures.ts'
import { promptsOf } from './prompts.ts'

/** Paths are relative to the directory. */
export function cardFiles(facts: ManifestFacts): { path: string; text: string }[] {
  const prompts = promptsOf(facts.runs, redactedGroups(facts.cleaning))
  return [
    ...facts.configs.flatMap(({ name, statistics }) => plotsOf(statistics, plotPrefix(facts, name))),
    ...prompts.flatMap(({ texts }) => texts.map(({ path, text }) => ({ path, text }))),
  ]
}

/** In the names of the plots, where there are those of several configs. */
export function plotPrefix({ configs }: ManifestFacts, name: string): string {
  return configs.length === 1 ? '' : `${name}-`
}

/** What the rows are without, and the prompts too. */
export function redactedGroups(cleaning: CleaningReport | null): ReadonlySet<SecretGroup> {
  return new Set((cleaning?.rules ?? []).filter(isRedaction).map(({ name }) => name as SecretGroup))
}
