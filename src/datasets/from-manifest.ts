// Makes a dataset again from its manifest: the same runs, selection, recipes and options. The same rows
// give the same bytes; what differs since then, by whatever cause, is told file by file.
import { readFile } from 'node:fs/promises'
import { UsageError } from '../errors.ts'
import { manifestKind } from './directory.ts'
import { type ExportOptions, exportDataset, type ExportResult } from './export.ts'
import { codeVersion } from './code-version.ts'
import { findRecipes } from './registry.ts'

export interface RebuildOptions extends Pick<
  ExportOptions,
  'store' | 'signal' | 'creditMethods' | 'onProgress' | 'onNotice' | 'tools'
> {
  manifest: string
  directory: string
  /** Where the tokenizer lies, when the manifest names one: it is known by name and hash. */
  tokenizer?: string
  /** Likewise, of the tokenizer that the cleaning rule `prompt-tokens` counted with. */
  cleanTokenizer?: string
}

export interface RebuildResult extends ExportResult {
  /** Files of the manifest that were made byte for byte again. */
  same: number
  /** Files that differ, are missing, or were not there. */
  different: string[]
}

interface KnownManifest {
  settings: Record<string, unknown>
  codeVersion: string
  tokenizer: { name: string; hash: string } | null
  files: { path: string; sha256: string }[]
  contexts?: { path: string; sha256: string }[]
  card?: { path: string; sha256: string }[]
  configs: { recipe: { name: string; version: string } }[]
}

/** Errors raised: UsageError for a file that is no manifest, or one of other recipe versions; else as `exportDataset`. */
export async function rebuildDataset(options: RebuildOptions): Promise<RebuildResult> {
  const { manifest: path, directory, tokenizer, cleanTokenizer, ...common } = options
  const manifest = await readManifest(path)
  for (const { recipe } of manifest.configs) {
    const [now] = findRecipes([recipe.name])
    if (now && now.version !== recipe.version) {
      throw new UsageError(
        `${path}: made by version ${recipe.version} of recipe ${recipe.name}; this is version ${now.version}. ` +
          `Use Descent ${manifest.codeVersion}.`,
      )
    }
  }
  if (manifest.tokenizer && tokenizer === undefined) {
    throw new UsageError(
      `${path}: made with the tokenizer ${manifest.tokenizer.name}. Name its directory with --tokenizer.`,
    )
  }
  const counter = manifest.settings['cleanTokenizer']
  if (typeof counter === 'string' && cleanTokenizer === undefined) {
    throw new UsageError(
      `${path}: cleaned with the tokenizer ${counter}. Name its directory with --clean-tokenizer.`,
    )
  }
  if (manifest.codeVersion !== codeVersion()) {
    common.onNotice?.(`the manifest is of Descent ${manifest.codeVersion}, this is ${codeVersion()}`)
  }
  const recipeOptions = {
    ...(manifest.settings['recipeOptions'] as object),
    ...(tokenizer === undefined ? {} : { tokenizer }),
  }
  const counting = cleanTokenizer === undefined ? {} : { cleanTokenizer }
  const given = {
    ...manifest.settings,
    ...counting,
    recipeOptions,
    directory,
    ...common,
  } as ExportOptions
  const result = await exportDataset(given)
  const { files, contexts = [], card } = manifest
  const made = hashesOf([...result.files, ...result.beside])
  const wanted = hashesOf([...files, ...contexts, ...(card ?? [])])
  // An older manifest says nothing of the files of the card.
  if (!card) for (const name of made.keys()) if (name.startsWith('card/')) made.delete(name)
  const paths = [...new Set([...wanted.keys(), ...made.keys()])]
  const different = paths.filter((file) => wanted.get(file) !== made.get(file))
  return { ...result, same: paths.length - different.length, different }
}

function hashesOf(files: { path: string; sha256: string }[]): Map<string, string> {
  return new Map(files.map(({ path, sha256 }) => [path, sha256]))
}

async function readManifest(path: string): Promise<KnownManifest> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}`, { cause: error })
  }
  const manifest = (value ?? {}) as Record<string, unknown>
  if (manifest['kind'] !== manifestKind) {
    throw new UsageError(`${path} is not the manifest.json of a dataset that Descent exported.`)
  }
  if (typeof manifest['settings'] !== 'object' || !Array.isArray(manifest['configs'])) {
    throw new UsageError(
      `${path} does not hold the settings of its export: it was written by an earlier Descent. Give the options by hand.`,
    )
  }
  return manifest as unknown as KnownManifest
}
