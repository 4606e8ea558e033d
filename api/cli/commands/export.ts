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
import { formatBytes, formatTable } from '../format.ts'
import { onInterrupt } from '../interrupt.ts'
import { decimal, wholeNumber } from '../numbers.ts'
import { showExport } from '../export-progress.ts'
import { oneOf, recipeOptions, type RecipeCommandOptions } from './export-options.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'

export interface ExportCommandOptions extends StoreOption, RecipeCommandOptions {
  run?: string[]
  out?: string
  codec: string
  format: string
  fromManifest?: string
  validationFraction: string
  splitBy: string
  shardMegabytes: string
  minReward?: string
  onlyAnswered?: boolean
  dropSingleTurn?: boolean
  where?: string[]
  select: string
  maxPerTask?: string
  threshold: string
  dryRun?: boolean
  evalFraction: string
  seed: string
  list?: boolean
  json?: boolean
}

export async function exportCommand(recipeNames: string[], options: ExportCommandOptions): Promise<void> {
  if (options.list) {
    listRecipes(options)
    return
  }
  if (options.fromManifest !== undefined) {
    await exportAgain(recipeNames, options.fromManifest, options)
    return
  }
  if (recipeNames.length === 0)
    throw new UsageError(`export: name a recipe: ${recipes.map((recipe) => recipe.name).join(', ')}`)
  const names = findRecipes(recipeNames).map(({ name }) => name)
  if (!options.run) throw new UsageError('export: name the runs with --run (ids, parts of them, or "latest")')
  if (!options.out && !options.dryRun) throw new UsageError('export: name the directory to write with --out')
  const { out = '' } = options
  const references = options.run
  await usingStore(options, async (store) => {
    const runIds = await Promise.all(references.map(async (reference) => (await store.findRun(reference)).id))
    await withDisplay(options, async (common) => {
      const wanted = {
        store,
        runIds,
        recipe: names,
        codec: oneOf(options.codec, '--codec', codecs) ?? 'zstd',
        format: oneOf(options.format, '--format', formats) ?? 'parquet',
        ...selectionOptions(options),
        recipeOptions: recipeOptions(options),
        creditMethods: [...groupMethods],
        evalFraction: decimal(options.evalFraction, '--eval-fraction', 0, 1),
        validationFraction: decimal(options.validationFraction, '--validation-fraction', 0, 1),
        splitBy: oneOf(options.splitBy, '--split-by', splitUnits) ?? 'document',
        seed: wholeNumber(options.seed, '--seed'),
        maxShardBytes: wholeNumber(options.shardMegabytes, '--shard-megabytes', 1) * 1_000_000,
      }
      if (options.dryRun) {
        const preview = await previewExport(wanted)
        if (options.json) printJson({ dryRun: true, ...preview })
        else {
          say(funnelText(preview.funnel))
          say(`${preview.trajectories} trajectories of ${preview.tasks} tasks; nothing was written`)
        }
        return
      }
      tell(await exportDataset({ ...wanted, ...common, directory: out }), out, options)
    })
  })
}

/** With `--from-manifest`: everything but the place is in the manifest. */
async function exportAgain(
  recipeNames: string[],
  manifest: string,
  options: ExportCommandOptions,
): Promise<void> {
  const { out, tokenizer } = options
  if (recipeNames.length > 0 || options.run)
    throw new UsageError('export: --from-manifest names recipes, runs and options: leave them out')
  if (!out) throw new UsageError('export: name the directory to write with --out')
  await usingStore(options, async (store) => {
    await withDisplay(options, async (common) => {
      const made = await rebuildDataset({
        store,
        manifest,
        directory: out,
        creditMethods: [...groupMethods],
        ...(tokenizer === undefined ? {} : { tokenizer }),
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
  options: ExportCommandOptions,
  work: (common: Pick<ExportOptions, 'signal' | 'onProgress' | 'onNotice'>) => Promise<void>,
): Promise<void> {
  const interrupt = onInterrupt()
  const display = showExport({ quiet: options.json ?? false })
  try {
    await work({
      signal: interrupt.signal,
      onProgress: (progress) => display.update(progress),
      onNotice: (text) => display.notice(text),
    })
  } finally {
    display.end()
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
    .map(({ step, trajectories, rows }) => {
      if (rows === undefined) return `${step}: ${trajectories}`
      return `${step}: ${trajectories} (${rows} ${step === 'exported' ? 'rows' : 'times'})`
    })
    .join(' → ')
}

function selectionOptions(options: ExportCommandOptions): Partial<ExportOptions> {
  const { minReward, maxPerTask, where } = options
  return {
    ...(minReward === undefined ? {} : { minReward: decimal(minReward, '--min-reward') }),
    onlyAnswered: options.onlyAnswered ?? false,
    dropSingleTurn: options.dropSingleTurn ?? false,
    ...(where === undefined ? {} : { where: where.join(' ') }),
    select: options.select,
    ...(maxPerTask === undefined ? {} : { maxPerTask: wholeNumber(maxPerTask, '--max-per-task', 1) }),
    threshold: decimal(options.threshold, '--threshold'),
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
