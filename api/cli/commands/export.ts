// `descent export`: writes a training set.
import {
  codecs,
  type Codec,
  exportDataset,
  type ExportOptions,
  findRecipe,
  type FunnelStep,
  previewExport,
  recipes,
} from '../../../src/datasets/index.ts'
import { UsageError } from '../../../src/errors.ts'
import { groupMethods } from '../../../rewards/credit/group.ts'
import { formatBytes, formatTable } from '../format.ts'
import { onInterrupt } from '../interrupt.ts'
import { decimal, wholeNumber } from '../numbers.ts'
import { recipeOptions, type RecipeCommandOptions } from './export-options.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'

export interface ExportCommandOptions extends StoreOption, RecipeCommandOptions {
  run?: string[]
  out?: string
  codec: string
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

export async function exportCommand(
  recipeName: string | undefined,
  options: ExportCommandOptions,
): Promise<void> {
  if (options.list) {
    listRecipes(options)
    return
  }
  if (!recipeName)
    throw new UsageError(`export: name a recipe: ${recipes.map((recipe) => recipe.name).join(', ')}`)
  const recipe = findRecipe(recipeName)
  if (!options.run) throw new UsageError('export: name the runs with --run (ids, parts of them, or "latest")')
  if (!options.out && !options.dryRun) throw new UsageError('export: name the directory to write with --out')
  const { codec, out = '' } = options
  if (!isCodec(codec)) throw new UsageError(`--codec: "${codec}" is not known; allowed: ${codecs.join(', ')}`)
  const references = options.run
  await usingStore(options, async (store) => {
    const runIds = await Promise.all(references.map(async (reference) => (await store.findRun(reference)).id))
    const interrupt = onInterrupt()
    try {
      const wanted = {
        store,
        runIds,
        recipe: recipe.name,
        codec,
        ...selectionOptions(options),
        recipeOptions: recipeOptions(options),
        creditMethods: [...groupMethods],
        evalFraction: decimal(options.evalFraction, '--eval-fraction', 0, 1),
        seed: wholeNumber(options.seed, '--seed'),
        maxShardBytes: 500 * 2 ** 20,
        signal: interrupt.signal,
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
      const exported = await exportDataset({ ...wanted, directory: out })
      if (options.json) {
        printJson({ files: exported.files, rows: exported.rows, funnel: exported.funnel })
        return
      }
      say(funnelText(exported.funnel))
      say(
        formatTable(
          ['file', 'rows', 'size'],
          exported.files.map((file) => [file.path, String(file.rows), formatBytes(file.bytes)]),
        ),
      )
      say(`${exported.rows} rows in ${out}`)
    } finally {
      interrupt.dispose()
    }
  })
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

function isCodec(text: string): text is Codec {
  return (codecs as readonly string[]).includes(text)
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
