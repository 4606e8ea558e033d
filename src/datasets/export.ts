// An export: selected trajectories through recipes into a directory that trainers load. All or nothing:
// the directory holds the whole export and its manifest, or what it held before, with whole files that
// the same export takes up.
import { writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { z } from 'zod'
import { DescentError } from '../errors.ts'
import { sha256Hex } from '../hash.ts'
import { newId } from '../ids.ts'
import type { Store } from '../store/contract.ts'
import { type CreditMethod, groupMean } from './advantages.ts'
import { createCard } from './card.ts'
import { cardFiles } from './card/files.ts'
import type { CurationTools } from './clean/curate.ts'
import { lastState } from './checkpoint.ts'
import { createContextPlacer } from './contexts.ts'
import { diskError, openTarget, type Target } from './directory.ts'
import {
  type ConfigFacts,
  createManifest,
  type DatasetFile,
  type ManifestFacts,
  manifestVersion,
} from './manifest.ts'
import {
  type ConfigPlan,
  type exportOptionsSchema,
  fingerprintOf,
  type Plan,
  prepare,
  refuseEmpty,
} from './plan.ts'
import { createProgress, type ExportProgress } from './progress.ts'
import type { RecipeOptions } from './recipe-options.ts'
import type { FunnelStep } from './selection.ts'
import { splits } from './split.ts'
import type { Statistics } from './statistics.ts'
import { writeRows } from './write-rows.ts'

export type ExportOptions = z.input<typeof exportOptionsSchema> & {
  store: Store
  signal?: AbortSignal
  /** What the recipe option `advantage` may name; the group mean alone when not given. */
  creditMethods?: CreditMethod[]
  /** Called after each trajectory, or task. */
  onProgress?: (progress: ExportProgress) => void
  /** What cleaning and repair need from outside, such as the sandbox in which repaired turns run again. */
  tools?: CurationTools
  /** Something that a person may want to know, in one line. */
  onNotice?: (text: string) => void
}

export interface ExportResult {
  datasetId: string
  files: DatasetFile[]
  /** All that lies beside them but card and manifest themselves. */
  beside: { path: string; sha256: string }[]
  rows: number
  /** Of the first config. */
  funnel: FunnelStep[]
  configs: { name: string; recipe: string; rows: number; funnel: FunnelStep[] }[]
}

/**
 * Writes `data/`, `README.md` and `manifest.json` into the directory and records the dataset. Takes up what
 * a killed export of the same options over the same trajectories left there. Throws a UsageError for bad
 * options, when no row is left, for a directory that is not ours or in use, and for a full or closed disk;
 * rejects with the signal's reason when aborted.
 */
export async function exportDataset(options: ExportOptions): Promise<ExportResult> {
  const { store, signal, onProgress, onNotice, creditMethods = [groupMean], tools, ...given } = options
  const plan = await prepare(store, given, creditMethods, signal, tools ? { tools } : {})
  try {
    return await writeExport(plan, { store, signal, onProgress, onNotice })
  } finally {
    await plan.curation?.dispose()
  }
}

async function writeExport(
  plan: Plan,
  {
    store,
    signal,
    onProgress,
    onNotice,
  }: Pick<ExportOptions, 'store' | 'signal' | 'onProgress' | 'onNotice'>,
): Promise<ExportResult> {
  const target = await openTarget(
    plan.settings.directory,
    {
      kind: 'export',
      fingerprint: fingerprintOf(plan),
      datasetId: newId(),
      createdAt: new Date().toISOString(),
    },
    foldersOf(plan),
  )
  const resumed = target.earlier.filter(({ kind }) => kind === 'shard').length
  if (resumed > 0) onNotice?.(`taking up an export that was stopped: ${resumed} files are there already`)
  try {
    const facts: ManifestFacts = {
      datasetId: target.header.datasetId,
      createdAt: target.header.createdAt,
      runs: plan.runs,
      settings: storedSettings(plan),
      tokenizer: plan.tokenizer && { name: plan.tokenizer.name, hash: plan.tokenizer.hash },
      cleaning: plan.curation?.report ?? null,
      audit: [],
      split: { unit: plan.configs[0]?.split.unit ?? 'task', units: plan.configs[0]?.split.units ?? 0 },
      configs: [],
      sidecars: [],
      card: [],
    }
    const partials: { partial: string; name: string }[] = []
    const progress = createProgress(plan, onProgress)
    for (const config of plan.configs) {
      const written = await writeConfig(
        plan.curation?.store ?? store,
        plan,
        config,
        target,
        signal,
        progress.of(config),
      )
      facts.configs.push(written.facts)
      partials.push(...written.partials)
      const beside = config.recipe.sidecar?.(written.facts.files)
      if (beside) {
        const name = `${config.folder}/${beside.name}`
        partials.push(await writeText(target, name, beside.text))
        facts.sidecars.push({ path: name })
      }
    }
    signal?.throwIfAborted()
    if (plan.curation) {
      const partial = target.partial('audit.jsonl')
      facts.audit.push({ path: 'audit.jsonl', ...(await plan.curation.copyAudit(partial)) })
      partials.push({ partial, name: 'audit.jsonl' })
    }
    for (const { path, text } of cardFiles(facts)) {
      partials.push(await writeText(target, path, text))
      facts.card.push({ path, bytes: Buffer.byteLength(text), sha256: sha256Hex(text) })
    }
    const files = [
      ...partials,
      await writeText(target, 'README.md', createCard(facts)),
      await writeText(target, 'manifest.json', `${JSON.stringify(createManifest(facts), null, 2)}\n`),
    ]
    if (!target.earlier.some(({ kind }) => kind === 'commit')) {
      await target.note({
        kind: 'commit',
        files: files.map(({ partial, name }) => ({ partial: target.relative(partial), name })),
      })
    }
    await target.commit(files)
    await record(store, facts, target.directory)
    await target.close()
    return resultOf(facts)
  } catch (error) {
    const kept = await target.discard({ keep: mayBeTakenUp(error) })
    if (kept) onNotice?.('what is whole stays: the same command takes it up')
    throw diskError(error, target.directory)
  }
}

/** A mistake in what was asked, or no place for it, will not be better next time. */
function mayBeTakenUp(error: unknown): boolean {
  if (error instanceof DescentError && (error.boundary === 'usage' || error.boundary === 'dataset'))
    return false
  return !/^(ENOSPC|EDQUOT|EFBIG|EACCES|EPERM|EROFS)$/.test(
    (error as NodeJS.ErrnoException | null)?.code ?? '',
  )
}

async function writeConfig(
  store: Store,
  plan: Plan,
  config: ConfigPlan,
  target: Target,
  signal: AbortSignal | undefined,
  onProgress: (done: { trajectories: number; rows: number; bytes: number }) => void,
): Promise<{ facts: ConfigFacts; partials: { partial: string; name: string }[] }> {
  const { settings, tokenizer, advantages } = plan
  const { recipe, options, selected, split } = config
  const before = lastState(target.earlier, config.name)?.contexts ?? []
  const contexts = createContextPlacer(
    store,
    target,
    options.contexts,
    before.map((file) => ({ ...file, partial: target.absolute(file.partial) })),
  )
  const { files, rows, statistics, repairedStrings, example } = await writeRows({
    store,
    recipe,
    options,
    threshold: settings.threshold,
    dropSingleTurn: settings.dropSingleTurn ?? false,
    contexts,
    tokenizer,
    advantages,
    config: config.name,
    folder: config.folder,
    selected,
    sides: split.sides,
    format: recipe.documents ? 'jsonl' : settings.format,
    codec: settings.codec,
    maxShardBytes: settings.maxShardBytes,
    target,
    signal,
    onProgress,
  })
  const funnel = [...config.funnel, ...lastSteps(statistics, rows)]
  refuseEmpty(rows, funnel)
  return {
    facts: {
      name: config.name,
      folder: config.folder,
      recipe,
      options: takenOptions(plan, config),
      files: files.map(({ partial: _partial, ...file }) => file),
      contexts: contexts.files.map(({ partial: _partial, ...file }) => file),
      rows,
      funnel,
      statistics,
      repairedStrings,
      example,
    },
    partials: [...files, ...contexts.files].map(({ partial, path }) => ({ partial, name: path })),
  }
}

export interface ExportPreview {
  funnel: FunnelStep[]
  trajectories: number
  tasks: number
}

/**
 * What `exportDataset` would take for its first recipe, without writing a file. Trees are read only for
 * cleaning, repairs, conditions and choices that need them.
 * `directory` is not used. Throws a UsageError for bad options.
 */
export async function previewExport(
  options: Omit<ExportOptions, 'directory' | 'onProgress' | 'onNotice'>,
): Promise<ExportPreview> {
  const { store, signal, creditMethods = [groupMean], tools = {}, ...given } = options
  const plan = await prepare(store, { ...given, directory: '.' }, creditMethods, signal, {
    mayBeEmpty: true,
    tools,
  })
  await plan.curation?.dispose()
  const { selected = [], funnel = [] } = plan.configs[0] ?? {}
  const tasks = new Set(selected.map(({ taskHash }) => taskHash)).size
  return { funnel, trajectories: selected.length, tasks }
}

function foldersOf({ configs, runs }: Plan): string[] {
  const withContexts = configs.some(
    ({ recipe, options }) => recipe.options.includes('contexts') && options.contexts !== 'none',
  )
  const withPrompts = runs.some(({ config }) => config['protocolTexts'] !== undefined)
  return [
    ...configs.map(({ folder }) => folder),
    ...(withContexts ? ['contexts'] : []),
    ...(withPrompts ? ['card/prompts'] : ['card']),
  ]
}

/** As given, but for what is of this machine: a tokenizer is known by name and hash. */
function storedSettings({ settings, runs, tokenizer }: Plan): ManifestFacts['settings'] {
  const { directory: _directory, ...rest } = settings
  const recipeOptions = { ...rest.recipeOptions, ...(tokenizer ? { tokenizer: tokenizer.name } : {}) }
  const counter = rest.cleanTokenizer === undefined ? {} : { cleanTokenizer: basename(rest.cleanTokenizer) }
  return { ...rest, ...counter, recipeOptions, runIds: runs.map((run) => run.id) }
}

/** Those of the recipe, the defaults included. */
function takenOptions({ tokenizer }: Plan, { recipe, options }: ConfigPlan): Partial<RecipeOptions> {
  const given = { ...options, tokenizer: tokenizer?.name ?? null }
  return Object.fromEntries(recipe.options.map((name) => [name, given[name]]))
}

/** What the recipe made of the selected trajectories. */
function lastSteps(statistics: Statistics, rows: number): FunnelStep[] {
  const trajectories = splits.reduce((sum, split) => sum + statistics.splits[split].trajectories, 0)
  const dropped = statistics.leftOut.map(({ reason, count, trajectories: touched }) => ({
    step: `left out: ${reason}`,
    trajectories: touched,
    rows: count,
  }))
  return [...dropped, { step: 'exported', trajectories, rows }]
}

async function writeText(target: Target, name: string, text: string) {
  const partial = target.partial(name)
  await writeFile(partial, text, { flush: true })
  return { partial, name }
}

function resultOf({ datasetId, configs, card }: ManifestFacts): ExportResult {
  return {
    datasetId,
    files: configs.flatMap(({ files }) => files),
    beside: [...configs.flatMap(({ contexts }) => contexts), ...card],
    rows: configs.reduce((sum, { rows }) => sum + rows, 0),
    funnel: configs[0]?.funnel ?? [],
    configs: configs.map(({ name, recipe, rows, funnel }) => ({ name, recipe: recipe.name, rows, funnel })),
  }
}

async function record(store: Store, facts: ManifestFacts, directory: string): Promise<void> {
  const { runs, configs } = facts
  const { files, rows, funnel } = resultOf(facts)
  const { selection, options } = createManifest(facts)
  const recipes = configs.map(({ recipe }) => recipe.name).join(', ')
  await store.addDataset({
    id: facts.datasetId,
    name: `${runs.map((run) => run.name).join(', ')}: ${recipes}`,
    recipe: recipes,
    recipeVersion: configs.map(({ recipe }) => recipe.version).join(', '),
    selection,
    options,
    directory,
    files: files.map((file) => ({ ...file })),
    rows,
    funnel: funnel.map((step) => ({ ...step })),
    scripted: configs.some(({ statistics }) => statistics.scripted),
    schemaVersion: manifestVersion,
  })
}
