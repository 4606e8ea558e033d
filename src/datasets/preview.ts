// What an export would be, before it is made: how each condition narrows the selection, what each split
// gets, and the first rows as the recipe makes them. Nothing is written or recorded.
import { mkdtemp, open, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Store } from '../store/contract.ts'
import { type CreditMethod, groupMean } from './advantages.ts'
import { cutRow, type CutLimits, type CutRow } from './browse/cut-value.ts'
import type { CurationTools } from './clean/curate.ts'
import { makeRows, unitsOf } from './make-rows.ts'
import { type ConfigPlan, type Plan, prepare } from './plan.ts'
import { typeName } from './recipe.ts'
import type { FunnelStep } from './selection.ts'
import { type Split, splits } from './split.ts'

export interface ConfigPreview {
  /** `default` when it is the only one, else the recipe's name. */
  name: string
  recipe: string
  recipeVersion: string
  columns: { name: string; type: string; nullable: boolean; meaning: string }[]
  funnel: FunnelStep[]
  trajectories: number
  tasks: number
  /** Of the selected trajectories; splits that get none are left out. */
  splits: { split: Split; trajectories: number; tasks: number }[]
  rows: (CutRow & { split: Split })[]
  /** Whether `rows` are all that there are, or as many as were asked for; false when time was over. */
  complete: boolean
}

export interface DatasetPreview {
  runs: { id: string; name: string }[]
  scripted: boolean
  configs: ConfigPreview[]
}

export interface PreviewOptions {
  store: Store
  /** Rows of each recipe; 0 makes none and reads no tree for them. */
  rows: number
  limits: CutLimits
  /** The making of rows ends then, with those that there are. */
  milliseconds: number
  creditMethods?: CreditMethod[]
  tools?: CurationTools
  signal?: AbortSignal
}

/** `given`: the options of an export but its directory. Errors raised: UsageError for bad options. */
export async function previewDataset(given: object, options: PreviewOptions): Promise<DatasetPreview> {
  const { store, creditMethods = [groupMean], tools = {}, signal } = options
  const plan = await prepare(store, { ...given, directory: '.' }, creditMethods, signal, {
    mayBeEmpty: true,
    tools,
  })
  try {
    const configs: ConfigPreview[] = []
    for (const config of plan.configs) configs.push(await previewConfig(plan, config, options))
    return {
      runs: plan.runs.map(({ id, name }) => ({ id, name })),
      scripted: plan.configs.some(({ selected }) => selected.some(({ scripted }) => scripted)),
      configs,
    }
  } finally {
    await plan.curation?.dispose()
  }
}

async function previewConfig(
  plan: Plan,
  config: ConfigPlan,
  options: PreviewOptions,
): Promise<ConfigPreview> {
  const { recipe, selected, split, funnel, name } = config
  const sideOf = (taskHash: string): Split => split.sides.get(taskHash) ?? 'train'
  const counted = splits.map((side) => {
    const members = selected.filter(({ taskHash }) => sideOf(taskHash) === side)
    return { split: side, trajectories: members.length, tasks: countTasks(members) }
  })
  return {
    name,
    recipe: recipe.name,
    recipeVersion: recipe.version,
    columns: recipe.columns.map((column) => ({ ...column, type: typeName(column.type) })),
    funnel,
    trajectories: selected.length,
    tasks: countTasks(selected),
    splits: counted.filter(({ trajectories }) => trajectories > 0),
    ...(await firstRows(plan, config, options, sideOf)),
  }
}

function countTasks(members: { taskHash: string }[]): number {
  return new Set(members.map(({ taskHash }) => taskHash)).size
}

async function firstRows(
  plan: Plan,
  { recipe, selected, options: recipeOptions }: ConfigPlan,
  { store, rows: wanted, limits, milliseconds, signal }: PreviewOptions,
  sideOf: (taskHash: string) => Split,
): Promise<{ rows: ConfigPreview['rows']; complete: boolean }> {
  const rows: ConfigPreview['rows'] = []
  if (wanted === 0) return { rows, complete: false }
  const enough = new AbortController()
  const late = AbortSignal.timeout(milliseconds)
  const source = plan.curation?.store ?? store
  const job = {
    store: source,
    recipe,
    options: recipeOptions,
    threshold: plan.settings.threshold,
    dropSingleTurn: plan.settings.dropSingleTurn ?? false,
    contexts: contextBeginnings(source, recipeOptions.contexts, limits.characters),
    tokenizer: plan.tokenizer,
    advantages: plan.advantages,
    signal: AbortSignal.any([enough.signal, late, ...(signal ? [signal] : [])]),
  }
  try {
    for (const unit of unitsOf(recipe, selected)) {
      const split = sideOf(unit.taskHash)
      await makeRows(job, unit, split, async (row) => {
        job.signal.throwIfAborted()
        rows.push({ split, ...cutRow(row, limits) })
        if (rows.length >= wanted) enough.abort()
      })
      job.signal.throwIfAborted()
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (!job.signal.aborted) throw error
  }
  return { rows: rows.slice(0, wanted), complete: !late.aborted || rows.length >= wanted }
}

/** Where the export would put a context; of one that goes into the rows, its beginning. */
function contextBeginnings(store: Store, mode: 'files' | 'inline' | 'none', characters: number) {
  async function place({ hash }: { hash: string }) {
    if (mode === 'none') return { path: null, text: null }
    const directory = await mkdtemp(path.join(os.tmpdir(), 'descent-preview-'))
    try {
      const file = path.join(directory, 'context')
      const { format } = await store.writeContext(hash, file)
      if (mode === 'files')
        return { path: `contexts/${hash}.${format === 'json' ? 'json' : 'txt'}`, text: null }
      return { path: null, text: await beginningOf(file, characters) }
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
  return { place, files: [] }
}

/** One character more than is shown where there is more, so that the cut is told. */
async function beginningOf(place: string, characters: number): Promise<string> {
  const file = await open(place)
  try {
    // A character of UTF-16 takes three bytes of UTF-8 at most.
    const { buffer, bytesRead } = await file.read(Buffer.alloc(3 * (characters + 1)))
    return new TextDecoder().decode(buffer.subarray(0, bytesRead)).slice(0, characters + 1)
  } finally {
    await file.close()
  }
}
