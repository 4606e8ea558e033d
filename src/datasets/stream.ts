// The rows of a selection as they are made, for who reads them over a wire: nothing is written, split or
// recorded. A batch is in memory at a time; the next one is made when the one before was taken.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Schema } from 'apache-arrow'
import { UsageError } from '../errors.ts'
import type { Store } from '../store/contract.ts'
import { type CreditMethod, groupMean } from './advantages.ts'
import { createBatchBuilder, type RecipeRow } from './arrow.ts'
import type { Batch } from './batch.ts'
import { makeRows, unitsOf } from './make-rows.ts'
import { exportOptionsSchema, prepare } from './plan.ts'
import { createReadAhead, readingOf } from './read-ahead.ts'
import type { RecipeOptions } from './recipe-options.ts'
import type { FunnelStep } from './selection.ts'

/** What a stream takes of the options of an export. */
export const rowStreamOptionsSchema = exportOptionsSchema
  .pick({
    runIds: true,
    minReward: true,
    onlyAnswered: true,
    dropSingleTurn: true,
    where: true,
    select: true,
    maxPerTask: true,
    threshold: true,
    recipeOptions: true,
  })
  .extend({ recipe: exportOptionsSchema.shape.directory })

export interface RowStream {
  schema: Schema
  recipe: { name: string; version: string }
  funnel: FunnelStep[]
  trajectories: number
  /** Each row once, in the order of the selection; waits for `take`. Rejects when aborted. */
  rows(take: (row: RecipeRow) => Promise<void>): Promise<void>
  /** The same rows in batches. */
  batches(take: (batch: Batch) => Promise<void>): Promise<void>
}

const batchRows = 1024
const batchBytes = 4 * 1024 * 1024

/** Errors raised: UsageError for bad options, and when nothing is selected. */
export async function openRowStream(
  store: Store,
  given: unknown,
  options: { creditMethods?: CreditMethod[]; signal?: AbortSignal; mayBeEmpty?: boolean } = {},
): Promise<RowStream> {
  const { creditMethods = [groupMean], signal, mayBeEmpty = false } = options
  const wanted = { ...(given as object), directory: '.', evalFraction: 0 }
  const plan = await prepare(store, wanted, creditMethods, signal, { mayBeEmpty })
  const [config] = plan.configs
  if (!config) throw new UsageError('Name one recipe.')
  const { recipe, selected, funnel } = config
  if (recipe.documents) throw new UsageError(`Recipe ${recipe.name} gives documents, which are not streamed.`)

  async function rows(take: (row: RecipeRow) => Promise<void>): Promise<void> {
    const job = {
      store,
      recipe,
      options: { ...config?.options } as RecipeOptions,
      threshold: plan.settings.threshold,
      dropSingleTurn: plan.settings.dropSingleTurn ?? false,
      contexts: createInlinePlacer(store, config?.options.contexts === 'inline'),
      tokenizer: plan.tokenizer,
      advantages: plan.advantages,
      signal,
    }
    const units = unitsOf(recipe, selected)
    const members = units.flatMap((unit) => unit.members)
    const source = createReadAhead(store, members, readingOf(recipe, job.options))
    for (const unit of units) {
      signal?.throwIfAborted()
      await makeRows({ ...job, source }, unit, 'train', take)
    }
  }

  return {
    schema: recipe.schema,
    recipe: { name: recipe.name, version: recipe.version },
    funnel,
    trajectories: selected.length,
    rows,
    async batches(take) {
      const builder = createBatchBuilder(recipe.schema)
      await rows(async (row) => {
        builder.append(row, builder.measure(row))
        if (builder.rows >= batchRows || builder.bytes >= batchBytes) await take(builder.finish())
      })
      if (builder.rows > 0) await take(builder.finish())
    },
  }
}

/** Contexts have no place beside a stream: they are in the rows, or nowhere. */
function createInlinePlacer(store: Store, inline: boolean) {
  async function place({ hash }: { hash: string }) {
    if (!inline) return { path: null, text: null }
    const directory = await mkdtemp(path.join(os.tmpdir(), 'descent-rows-'))
    try {
      const file = path.join(directory, 'context')
      await store.writeContext(hash, file)
      return { path: null, text: await readFile(file, 'utf8') }
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
  return { place, files: [] }
}
