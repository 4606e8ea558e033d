// `descent export`: writes a training set.
import {
  codecs,
  exportDataset,
  type ExportOptions,
  type ExportResult,
  findRecipes,
  formats,
  type FunnelStep,
  previewExport,
  rebuildDataset,
  recipes,
  splitUnits,
} from '../../../src/datasets/index.ts'
import { DescentError, UsageError } from '../../../src/errors.ts'
import { groupMethods } from '../../../rewards/credit/group.ts'
import type { Store } from '../../../src/store/contract.ts'
import { openCurationTools } from '../../curation-tools.ts'
import { formatBytes, formatTable } from '../format.ts'
import { onInterrupt } from '../interrupt.ts'
import { decimal, wholeNumber } from '../numbers.ts'
import { showExport } from '../export-progress.ts'
import { type CurationCommandOptions, curationOptions, listRules } from './curation-options.ts'
import { listSelections, planOf, type PlanCommandOptions, savePlan } from './dataset-plan.ts'
import { oneOf, recipeOptions, type RecipeCommandOptions } from './export-options.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'

export interface ExportCommandOptions
  extends StoreOption, RecipeCommandOptions, CurationCommandOptions, PlanCommandOptions {
  run?: string[]
  out?: string
  codec: string
  format: string
  fromManifest?: string
  validationFraction?: string
  splitBy?: string
  shardMegabytes: string
  minReward?: string
  onlyAnswered?: boolean
  dropSingleTurn?: boolean
  where?: string[]
  select?: string
  maxPerTask?: string
  threshold?: string
  dryRun?: boolean
  evalFraction?: string
  seed?: string
  list?: boolean
  json?: boolean
}

export async function exportCommand(recipeNames: string[], options: ExportCommandOptions): Promise<void> {
  if (options.list) {
    listRecipes(options)
    return
  }
  if (options.listRules) {
    listRules(options.json ?? false)
    return
  }
  if (options.fromManifest !== undefined) {
    await exportAgain(recipeNames, options.fromManifest, options)
    return
  }
  if (options.listSelections) {
    await usingStore(options, async (store) => await listSelections(store, options.json ?? false))
    return
  }
  findRecipes(recipeNames)
  if (!options.run) throw new UsageError('export: name the runs with --run (ids, parts of them, or "latest")')
  if (!options.out && !options.dryRun) throw new UsageError('export: name the directory to write with --out')
  const { out = '' } = options
  const references = options.run
  await usingStore(options, async (store) => {
    const runIds = await Promise.all(references.map(async (reference) => (await store.findRun(reference)).id))
    const { recipe: planned = [], ...plan } = await planOf(store, runIds, {
      selection: options.selection,
      recipes: recipeNames,
    })
    const names = recipeNames.length > 0 ? recipeNames : [planned].flat()
    if (names.length === 0) {
      throw new UsageError(
        `export: name a recipe: ${recipes.map((recipe) => recipe.name).join(', ')} (the run file has no section dataset)`,
      )
    }
    await withDisplay(store, options, async (common) => {
      const wanted = {
        store,
        runIds,
        ...plan,
        recipe: names,
        codec: oneOf(options.codec, '--codec', codecs) ?? 'zstd',
        format: oneOf(options.format, '--format', formats) ?? 'parquet',
        ...selectionOptions(options),
        ...curationOptions(options),
        ...splitOptions(options),
        recipeOptions: { ...plan.recipeOptions, ...recipeOptions(options) },
        creditMethods: [...groupMethods],
        maxShardBytes: wholeNumber(options.shardMegabytes, '--shard-megabytes', 1) * 1_000_000,
      }
      if (options.dryRun) {
        const preview = await previewExport({ ...wanted, signal: common.signal, tools: common.tools })
        if (options.json) printJson({ dryRun: true, ...preview })
        else {
          say(funnelText(preview.funnel))
          say(`${preview.trajectories} trajectories of ${preview.tasks} tasks; nothing was written`)
        }
        if (options.saveSelection !== undefined) await savePlan(store, options.saveSelection, wanted)
        return
      }
      tell(await exportDataset({ ...wanted, ...common, directory: out }), out, options)
      if (options.saveSelection !== undefined) await savePlan(store, options.saveSelection, wanted)
    })
  })
}

/** With `--from-manifest`: everything but the place is in the manifest. */
async function exportAgain(
  recipeNames: string[],
  manifest: string,
  options: ExportCommandOptions,
): Promise<void> {
  const { out, tokenizer, cleanTokenizer } = options
  if (recipeNames.length > 0 || options.run)
    throw new UsageError('export: --from-manifest names recipes, runs and options: leave them out')
  if (!out) throw new UsageError('export: name the directory to write with --out')
  await usingStore(options, async (store) => {
    await withDisplay(store, options, async (common) => {
      const made = await rebuildDataset({
        store,
        manifest,
        directory: out,
        creditMethods: [...groupMethods],
        ...(tokenizer === undefined ? {} : { tokenizer }),
        ...(cleanTokenizer === undefined ? {} : { cleanTokenizer }),
        ...common,
      })
      tell(made, out, options, { same: made.same, different: made.different })
      if (made.different.length > 0) {
        throw new DescentError(
          'dataset',
          'different',
          `${made.different.length} files are not those of the manifest: ${made.different.slice(0, 5).join(', ')}. ` +
            'The runs have other trajectories or scores than then.',
        )
      }
      say(`all ${made.same} files are byte for byte those of the manifest`)
    })
  })
}

async function withDisplay(
  store: Store,
  options: ExportCommandOptions,
  work: (common: Pick<ExportOptions, 'signal' | 'onProgress' | 'onNotice' | 'tools'>) => Promise<void>,
): Promise<void> {
  const interrupt = onInterrupt()
  const curation = openCurationTools(store)
  const display = showExport({ quiet: options.json ?? false })
  try {
    await work({
      signal: interrupt.signal,
      onProgress: (progress) => display.update(progress),
      onNotice: (text) => display.notice(text),
      tools: {
        ...curation.tools,
        onCleaned: (trajectories, of) => display.cleaned(trajectories, of),
      },
    })
  } finally {
    display.end()
    await curation.close()
    interrupt.dispose()
  }
}

function tell(exported: ExportResult, out: string, options: ExportCommandOptions, more: object = {}): void {
  const { files, rows, funnel, configs } = exported
  if (options.json) {
    printJson({ files, rows, funnel, ...(configs.length > 1 ? { configs } : {}), ...more })
    return
  }
  for (const config of configs)
    say(`${configs.length > 1 ? `${config.name}: ` : ''}${funnelText(config.funnel)}`)
  say(
    formatTable(
      ['file', 'rows', 'size'],
      files.map((file) => [file.path, String(file.rows), formatBytes(file.bytes)]),
    ),
  )
  say(`${rows} rows in ${out}`)
}

function funnelText(funnel: FunnelStep[]): string {
  return funnel
    .map(({ step, trajectories, rows, turns }) => {
      if (turns !== undefined) return `${step}: ${trajectories} (${turns} turns)`
      if (rows === undefined) return `${step}: ${trajectories}`
      return `${step}: ${trajectories} (${rows} ${step === 'exported' ? 'rows' : 'times'})`
    })
    .join(' → ')
}

function selectionOptions(options: ExportCommandOptions): Partial<ExportOptions> {
  const { minReward, maxPerTask, where, onlyAnswered, dropSingleTurn, select, threshold } = options
  return {
    ...(minReward === undefined ? {} : { minReward: decimal(minReward, '--min-reward') }),
    ...(onlyAnswered === undefined ? {} : { onlyAnswered }),
    ...(dropSingleTurn === undefined ? {} : { dropSingleTurn }),
    ...(where === undefined ? {} : { where: where.join(' ') }),
    ...(select === undefined ? {} : { select }),
    ...(maxPerTask === undefined ? {} : { maxPerTask: wholeNumber(maxPerTask, '--max-per-task', 1) }),
    ...(threshold === undefined ? {} : { threshold: decimal(threshold, '--threshold') }),
  }
}

function splitOptions(options: ExportCommandOptions): Partial<ExportOptions> {
  const { evalFraction, validationFraction, seed } = options
  const splitBy = oneOf(options.splitBy, '--split-by', splitUnits)
  return {
    ...(evalFraction === undefined ? {} : { evalFraction: decimal(evalFraction, '--eval-fraction', 0, 1) }),
    ...(validationFraction === undefined
      ? {}
      : { validationFraction: decimal(validationFraction, '--validation-fraction', 0, 1) }),
    ...(splitBy === undefined ? {} : { splitBy }),
    ...(seed === undefined ? {} : { seed: wholeNumber(seed, '--seed') }),
  }
}

function listRecipes(options: ExportCommandOptions): void {
  if (options.json) {
    for (const { name, version, description, trainers } of recipes)
      printJson({ name, version, description, trainers })
    return
  }
  process.stdout.write(
    `${formatTable(
      ['recipe', 'for', 'what'],
      recipes.map((recipe) => [recipe.name, recipe.trainers.join(', '), recipe.description]),
    )}\n`,
  )
}
