// manifest.json: what was exported, from what, with which options, and the hash of every file. Its
// presence marks a directory as an export of ours; it is written last.
import type { StoredRun } from '../store/contract.ts'
import { codeVersion } from './code-version.ts'
import type { ContextFile } from './contexts.ts'
import { manifestKind } from './directory.ts'
import { type Recipe, typeName } from './recipe.ts'
import type { RecipeOptions } from './recipe-options.ts'
import type { FunnelStep } from './selection.ts'
import type { Split } from './split.ts'
import type { Statistics } from './statistics.ts'

export interface DatasetFile {
  /** Relative to the directory, with forward slashes. */
  path: string
  rows: number
  bytes: number
  sha256: string
  split: Split
}

/** The version of the shape of manifest.json: fields are added, never renamed. */
export const manifestVersion = 1

export interface ManifestFacts {
  datasetId: string
  recipe: Recipe
  runs: StoredRun[]
  selection: {
    runIds: string[]
    statuses: string[]
    minReward: number | null
    onlyAnswered: boolean
    dropSingleTurn: boolean
    where: string | null
    select: string
    maxPerTask: number | null
    threshold: number
  }
  options: {
    codec: string
    evalFraction: number
    seed: number
    maxShardBytes: number
    recipe: Partial<RecipeOptions>
  }
  files: DatasetFile[]
  contexts: ContextFile[]
  rows: number
  funnel: FunnelStep[]
  statistics: Statistics
  /** Strings in which lone surrogates became U+FFFD: UTF-8 cannot hold them. */
  repairedStrings: number
  /** That made token ids; null when none was named. */
  tokenizer: { name: string; hash: string } | null
  createdAt: string
}

export function createManifest(facts: ManifestFacts) {
  const { recipe, statistics } = facts
  return {
    kind: manifestKind,
    schemaVersion: manifestVersion,
    datasetId: facts.datasetId,
    recipe: { name: recipe.name, version: recipe.version },
    scripted: statistics.scripted,
    createdAt: facts.createdAt,
    codeVersion: codeVersion(),
    selection: facts.selection,
    options: facts.options,
    runs: facts.runs.map((run) => ({
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
    rows: facts.rows,
    splits: statistics.splits,
    funnel: facts.funnel,
    repairedStrings: facts.repairedStrings,
    tokenizer: facts.tokenizer,
    columns: recipe.columns.map(({ name, type, nullable }) => ({ name, type: typeName(type), nullable })),
    files: facts.files,
    contexts: facts.contexts,
  }
}

export type Manifest = ReturnType<typeof createManifest>
