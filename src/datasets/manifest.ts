// manifest.json: what was exported, from what, with which options, and the hash of every file. Its
// presence marks a directory as an export of ours; it is written last.
import type { StoredRun } from '../store/contract.ts'
import type { CleaningReport } from './clean/curate.ts'
import { codeVersion } from './code-version.ts'
import type { ContextFile } from './contexts.ts'
import { manifestKind } from './directory.ts'
import { type Recipe, typeName } from './recipe.ts'
import type { RecipeOptions } from './recipe-options.ts'
import type { FunnelStep } from './selection.ts'
import type { Settings } from './plan.ts'
import type { Split, SplitUnit } from './split.ts'
import type { Statistics } from './statistics.ts'

export interface DatasetFile {
  /** Relative to the directory, with forward slashes. */
  path: string
  rows: number
  bytes: number
  sha256: string
  split: Split
  /** The config it belongs to. */
  config: string
}

/** The version of the shape of manifest.json: fields are added, never renamed. */
export const manifestVersion = 1

/** One recipe of a dataset, and what came of it. */
export interface ConfigFacts {
  name: string
  folder: string
  recipe: Recipe
  options: Partial<RecipeOptions>
  files: DatasetFile[]
  contexts: ContextFile[]
  rows: number
  funnel: FunnelStep[]
  statistics: Statistics
  /** Strings in which lone surrogates became U+FFFD: UTF-8 cannot hold them. */
  repairedStrings: number
  /** The first row as Markdown, for the card. */
  example: string | null
}

export interface ManifestFacts {
  datasetId: string
  createdAt: string
  runs: StoredRun[]
  /** All options: what another export needs to make the same rows. */
  settings: Omit<Settings, 'directory'>
  /** That made token ids; null when none was named. */
  tokenizer: { name: string; hash: string } | null
  split: { unit: SplitUnit; units: number }
  /** What cleaning and repair removed and changed; null when none was asked for. */
  cleaning: CleaningReport | null
  /** Its lines, one for each removal and change. */
  audit: { path: string; bytes: number; sha256: string; lines: number }[]
  configs: ConfigFacts[]
  /** Files beside the data that some reader asks for. */
  sidecars: { path: string }[]
  /** What the card shows: plots, and prompts byte for byte. */
  card: { path: string; bytes: number; sha256: string }[]
}

export function createManifest(facts: ManifestFacts) {
  const { configs, settings, runs } = facts
  const scripted = configs.some(({ statistics }) => statistics.scripted)
  const [first] = configs
  const bodies = configs.map(configBody)
  const [body] = bodies
  const { codec, evalFraction, seed, maxShardBytes } = settings
  return {
    kind: manifestKind,
    schemaVersion: manifestVersion,
    datasetId: facts.datasetId,
    scripted,
    createdAt: facts.createdAt,
    codeVersion: codeVersion(),
    selection: {
      runIds: runs.map((run) => run.id),
      statuses: [...new Set(configs.flatMap(({ recipe }) => recipe.statuses))],
      minReward: settings.minReward ?? null,
      onlyAnswered: settings.onlyAnswered ?? false,
      dropSingleTurn: settings.dropSingleTurn ?? false,
      where: settings.where ?? null,
      select: settings.select,
      maxPerTask: settings.maxPerTask ?? null,
      maxPerTaskset: settings.maxPerTaskset ?? null,
      balance: settings.balance ?? false,
      includeSensitive: settings.includeSensitive ?? null,
      threshold: settings.threshold,
    },
    options: { codec, evalFraction, seed, maxShardBytes, recipe: first?.options ?? {} },
    settings,
    split: facts.split,
    tokenizer: facts.tokenizer,
    cleaning: facts.cleaning,
    audit: facts.audit,
    runs: runs.map((run) => ({
      id: run.id,
      name: run.name,
      configHash: run.configHash,
      protocol: run.protocol,
      protocolHash: run.protocolHash,
      model: run.model,
      policyVersion: run.policyVersion,
      scripted: run.scripted,
      codeVersion: run.codeVersion,
    })),
    rows: configs.reduce((sum, { rows }) => sum + rows, 0),
    // Of the only config: with several they stand in `configs` alone.
    ...(configs.length === 1 && body
      ? {
          recipe: body.recipe,
          splits: body.splits,
          funnel: body.funnel,
          columns: body.columns,
          repairedStrings: body.repairedStrings,
        }
      : {}),
    configs: bodies,
    files: configs.flatMap(({ files }) => files),
    contexts: configs.flatMap(({ contexts }) => contexts),
    sidecars: facts.sidecars,
    card: facts.card,
  }
}

function configBody({ name, recipe, options, rows, statistics, funnel, repairedStrings }: ConfigFacts) {
  return {
    name,
    recipe: { name: recipe.name, version: recipe.version },
    options,
    rows,
    splits: statistics.splits,
    funnel,
    repairedStrings,
    columns: recipe.columns.map((column) => ({
      name: column.name,
      type: typeName(column.type),
      nullable: column.nullable,
    })),
  }
}

export type Manifest = ReturnType<typeof createManifest>
