// An export: selected trajectories through a recipe into a directory that trainers load. All or
// nothing: the directory holds the whole export and its manifest, or what it held before.
import { writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { UsageError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { Store, StoredRun } from '../store/contract.ts'
import { createCard } from './card.ts'
import { diskError, openTarget, type Target } from './directory.ts'
import { createManifest, type DatasetFile, type ManifestFacts, manifestVersion } from './manifest.ts'
import { codecs } from './parquet.ts'
import { findRecipe } from './registry.ts'
import { type FunnelStep, selectTrajectories } from './selection.ts'
import { splits, splitTasks } from './split.ts'
import type { Statistics } from './statistics.ts'
import { writeRows } from './write-rows.ts'

export const exportOptionsSchema = z.strictObject({
  runIds: z.array(z.string().min(1)).min(1),
  recipe: z.string().min(1),
  directory: z.string().min(1),
  codec: z.enum(codecs).default('zstd'),
  minReward: z.number().optional(),
  onlyAnswered: z.boolean().optional(),
  evalFraction: z.number().min(0).max(1).default(0.1),
  seed: z.number().int().default(0),
  /** Of uncompressed data, so that a file is almost always smaller. */
  maxShardBytes: z.number().int().positive().default(500_000_000),
})

export type ExportOptions = z.input<typeof exportOptionsSchema> & {
  store: Store
  signal?: AbortSignal
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
  const { store, signal, onProgress, ...given } = options
  const settings = parseSettings(given)
  const recipe = findRecipe(settings.recipe)
  const runs = await findRuns(store, settings.runIds)
  const { selected, funnel } = await selectTrajectories(
    store,
    runs,
    { statuses: recipe.statuses, ...settings },
    signal,
  )
  refuseEmpty(selected.length, funnel)
  const datasetId = newId()
  const target = await openTarget(settings.directory, datasetId.slice(-12))
  try {
    const { codec, evalFraction, seed, maxShardBytes, minReward, onlyAnswered } = settings
    const written = await writeRows({
      store,
      recipe,
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
      selection: {
        runIds: runs.map((run) => run.id),
        statuses: recipe.statuses,
        minReward: minReward ?? null,
        onlyAnswered: onlyAnswered ?? false,
      },
      options: { codec, evalFraction, seed, maxShardBytes },
      files: files.map(({ partial: _partial, ...file }) => file),
      rows,
      funnel,
      statistics,
      repairedStrings: written.repairedStrings,
      createdAt: new Date().toISOString(),
    }
    signal?.throwIfAborted()
    await target.commit([
      ...files.map(({ partial, path }) => ({ partial, name: path })),
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
