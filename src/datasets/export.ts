// An export: selected trajectories through a recipe into a directory that trainers load. All or
// nothing: the directory holds the whole export and its manifest, or what it held before.
import { writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { UsageError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { Store, StoredRun } from '../store/contract.ts'
import { type CreditMethod, findCreditMethod, groupMean } from './advantages.ts'
import { createCard } from './card.ts'
import { type ChatTokenizer, loadChatTokenizer } from './chat-tokenizer.ts'
import { parseChoice } from './choice.ts'
import { createContextPlacer } from './contexts.ts'
import { diskError, openTarget, type Target } from './directory.ts'
import { createManifest, type DatasetFile, type ManifestFacts, manifestVersion } from './manifest.ts'
import { codecs } from './parquet.ts'
import type { Recipe } from './recipe.ts'
import { parseRecipeOptions, type RecipeOptions, type RecipeOptionsInput } from './recipe-options.ts'
import { findRecipe } from './registry.ts'
import { type FunnelStep, type Selected, selectTrajectories } from './selection.ts'
import { splits, splitTasks } from './split.ts'
import type { Statistics } from './statistics.ts'
import { parseWhere } from './where/parse.ts'
import { writeRows } from './write-rows.ts'

export const exportOptionsSchema = z.strictObject({
  runIds: z.array(z.string().min(1)).min(1),
  recipe: z.string().min(1),
  directory: z.string().min(1),
  codec: z.enum(codecs).default('zstd'),
  minReward: z.number().optional(),
  onlyAnswered: z.boolean().optional(),
  /** Leaves out trajectories whose root had one turn only. */
  dropSingleTurn: z.boolean().optional(),
  /** A condition on each trajectory and its group, such as `reward >= 0.5 and turns <= 12`. */
  where: z.string().min(1).optional(),
  /** What is kept of each task: all, correct, best, best-N, shortest or cheapest. */
  select: z.string().default('all'),
  maxPerTask: z.number().int().positive().optional(),
  /** The reward from which a trajectory counts as correct. */
  threshold: z.number().default(0.5),
  /** Those that the recipe takes; checked once the recipe is known. */
  recipeOptions: z
    .custom<RecipeOptionsInput>((value) => typeof value === 'object' && value !== null)
    .default({}),
  evalFraction: z.number().min(0).max(1).default(0.1),
  seed: z.number().int().default(0),
  /** Of uncompressed data, so that a file is almost always smaller. */
  maxShardBytes: z.number().int().positive().default(500_000_000),
})

export type ExportOptions = z.input<typeof exportOptionsSchema> & {
  store: Store
  signal?: AbortSignal
  /** What the recipe option `advantage` may name; the group mean alone when not given. */
  creditMethods?: CreditMethod[]
  /** Called after each trajectory. */
  onProgress?: (progress: { trajectories: number; rows: number }) => void
}

export interface ExportResult {
  datasetId: string
  files: DatasetFile[]
  rows: number
  funnel: FunnelStep[]
}

type Settings = z.output<typeof exportOptionsSchema>

/**
 * Writes `data/*.parquet`, `README.md` and `manifest.json` into the directory and records the dataset.
 * Throws a UsageError for bad options, when no row is left, for a directory that is not ours, and for
 * a full or closed disk; rejects with the signal's reason when aborted.
 */
export async function exportDataset(options: ExportOptions): Promise<ExportResult> {
  const { store, signal, onProgress, creditMethods = [groupMean], ...given } = options
  const plan = await prepare(store, given, creditMethods, signal)
  const { settings, recipe, recipeOptions, runs, selected, funnel } = plan
  const datasetId = newId()
  const withContexts = recipe.options.includes('contexts') && recipeOptions.contexts !== 'none'
  const target = await openTarget(settings.directory, datasetId.slice(-12), { contexts: withContexts })
  try {
    const { codec, evalFraction, seed, maxShardBytes, threshold } = settings
    const { tokenizer, advantages } = plan
    const contexts = createContextPlacer(store, target, recipeOptions.contexts)
    const written = await writeRows({
      store,
      recipe,
      options: recipeOptions,
      threshold,
      dropSingleTurn: settings.dropSingleTurn ?? false,
      contexts,
      tokenizer,
      advantages,
      selected,
      sides: splitTasks(
        selected.map((trajectory) => trajectory.taskHash),
        evalFraction,
        seed,
      ),
      codec,
      maxShardBytes,
      target,
      signal,
      onProgress,
    })
    const { files, rows, statistics } = written
    funnel.push(...lastSteps(statistics, rows))
    refuseEmpty(rows, funnel)
    const facts: ManifestFacts = {
      datasetId,
      recipe,
      runs,
      selection: selectionOf(plan),
      options: { codec, evalFraction, seed, maxShardBytes, recipe: takenOptions(plan) },
      files: files.map(({ partial: _partial, ...file }) => file),
      contexts: contexts.files.map(({ partial: _partial, ...file }) => file),
      rows,
      funnel,
      statistics,
      repairedStrings: written.repairedStrings,
      tokenizer: tokenizer && { name: tokenizer.name, hash: tokenizer.hash },
      createdAt: new Date().toISOString(),
    }
    signal?.throwIfAborted()
    await target.commit([
      ...[...files, ...contexts.files].map(({ partial, path }) => ({ partial, name: path })),
      await writeText(target, 'README.md', createCard(facts)),
      await writeText(target, 'manifest.json', `${JSON.stringify(createManifest(facts), null, 2)}\n`),
    ])
    await record(store, facts, target.directory)
    return { datasetId, files: facts.files, rows, funnel }
  } catch (error) {
    await target.discard()
    throw diskError(error, target.directory)
  }
}

export interface ExportPreview {
  funnel: FunnelStep[]
  trajectories: number
  tasks: number
}

/**
 * What `exportDataset` would take, without reading a tree or writing a file. `directory` is not used.
 * Throws a UsageError for bad options.
 */
export async function previewExport(
  options: Omit<ExportOptions, 'directory' | 'onProgress'>,
): Promise<ExportPreview> {
  const { store, signal, creditMethods = [groupMean], ...given } = options
  const { selected, funnel } = await prepare(store, { ...given, directory: '.' }, creditMethods, signal, {
    mayBeEmpty: true,
  })
  const tasks = new Set(selected.map(({ taskHash }) => taskHash)).size
  return { funnel, trajectories: selected.length, tasks }
}

interface Plan {
  settings: Settings
  recipe: Recipe
  recipeOptions: RecipeOptions
  runs: StoredRun[]
  selected: Selected[]
  funnel: FunnelStep[]
  tokenizer: ChatTokenizer | null
  advantages: CreditMethod['compute']
}

async function prepare(
  store: Store,
  given: unknown,
  creditMethods: CreditMethod[],
  signal: AbortSignal | undefined,
  { mayBeEmpty = false } = {},
): Promise<Plan> {
  const settings = parseSettings(given)
  const recipe = findRecipe(settings.recipe)
  const recipeOptions = parseRecipeOptions(recipe, settings.recipeOptions)
  const tokenizer = recipeOptions.tokenizer === null ? null : await loadChatTokenizer(recipeOptions.tokenizer)
  const advantages = findCreditMethod(creditMethods, recipeOptions.advantage).compute
  const where = settings.where === undefined ? [] : parseWhere(settings.where)
  const choice = parseChoice(settings.select)
  const runs = await findRuns(store, settings.runIds)
  const criteria = { ...settings, statuses: recipe.statuses, where, choice }
  const { selected, funnel } = await selectTrajectories(store, runs, criteria, signal)
  if (!mayBeEmpty) refuseEmpty(selected.length, funnel)
  return { settings, recipe, recipeOptions, runs, selected, funnel, tokenizer, advantages }
}

function selectionOf({ settings, recipe, runs }: Plan): ManifestFacts['selection'] {
  return {
    runIds: runs.map((run) => run.id),
    statuses: recipe.statuses,
    minReward: settings.minReward ?? null,
    onlyAnswered: settings.onlyAnswered ?? false,
    dropSingleTurn: settings.dropSingleTurn ?? false,
    where: settings.where ?? null,
    select: settings.select,
    maxPerTask: settings.maxPerTask ?? null,
    threshold: settings.threshold,
  }
}

/** Those of the recipe, the defaults included. */
function takenOptions({ recipe, recipeOptions, tokenizer }: Plan): Partial<RecipeOptions> {
  // A tokenizer is known by name and hash: where it lies is of this machine.
  const given = { ...recipeOptions, tokenizer: tokenizer?.name ?? null }
  return Object.fromEntries(recipe.options.map((name) => [name, given[name]]))
}

function parseSettings(given: unknown): Settings {
  const parsed = exportOptionsSchema.safeParse(given)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new UsageError(`Export option ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}.`)
}

async function findRuns(store: Store, references: string[]): Promise<StoredRun[]> {
  const runs = new Map<string, StoredRun>()
  for (const reference of references) {
    const run = await store.findRun(reference)
    runs.set(run.id, run)
  }
  return [...runs.values()]
}

function refuseEmpty(count: number, funnel: FunnelStep[]): void {
  if (count > 0) return
  const steps = funnel.map(({ step, trajectories }) => `${step} ${trajectories}`).join(', ')
  throw new UsageError(`Nothing to export. Trajectories: ${steps}. Loosen the selection or name another run.`)
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

async function record(store: Store, facts: ManifestFacts, directory: string): Promise<void> {
  const { recipe, runs } = facts
  await store.addDataset({
    id: facts.datasetId,
    name: `${runs.map((run) => run.name).join(', ')}: ${recipe.name}`,
    recipe: recipe.name,
    recipeVersion: recipe.version,
    selection: facts.selection,
    options: facts.options,
    directory,
    files: facts.files.map((file) => ({ ...file })),
    rows: facts.rows,
    funnel: facts.funnel.map((step) => ({ ...step })),
    scripted: facts.statistics.scripted,
    schemaVersion: manifestVersion,
  })
}
