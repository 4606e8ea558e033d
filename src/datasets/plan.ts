// What an export is going to do: options parsed, runs found, trajectories selected for each recipe and
// tasks given their side. Nothing is written here.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { UsageError } from '../errors.ts'
import type { Store, StoredRun } from '../store/contract.ts'
import { type CreditMethod, findCreditMethod } from './advantages.ts'
import { type ChatTokenizer, loadChatTokenizer } from './chat-tokenizer.ts'
import { parseChoice } from './choice.ts'
import { type Curation, curate, type CurationTools, curationRules } from './clean/curate.ts'
import { codeVersion } from './code-version.ts'
import { curationShape } from './curation-options.ts'
import { codecs } from './parquet.ts'
import type { Recipe } from './recipe.ts'
import { type RecipeOptions, type RecipeOptionsInput, splitRecipeOptions } from './recipe-options.ts'
import { findRecipes } from './registry.ts'
import { type FunnelStep, type Selected, selectTrajectories } from './selection.ts'
import { type SplitPlan, splitTasks, splitUnits } from './split.ts'
import { parseWhere } from './where/parse.ts'
import { formats } from './write-rows.ts'

export const exportOptionsSchema = z.strictObject({
  runIds: z.array(z.string().min(1)).min(1),
  /** One, or several: then each is a config of the dataset, in a folder of its own. */
  recipe: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  directory: z.string().min(1),
  format: z.enum(formats).default('parquet'),
  codec: z.enum(codecs).default('zstd'),
  minReward: z.number().optional(),
  onlyAnswered: z.boolean().optional(),
  /** Leaves out trajectories whose root had one turn only. */
  dropSingleTurn: z.boolean().optional(),
  /** A condition on each trajectory and its group, such as `reward >= 0.5 and turns <= 12`. */
  where: z.string().min(1).optional(),
  /** What is kept of each task: all, correct, best, shortest, cheapest or diverse, the last four with -N too. */
  select: z.string().default('all'),
  maxPerTask: z.number().int().positive().optional(),
  ...curationShape,
  /** The reward from which a trajectory counts as correct. */
  threshold: z.number().default(0.5),
  /** Those that the recipes take; checked once the recipes are known. */
  recipeOptions: z
    .custom<RecipeOptionsInput>((value) => typeof value === 'object' && value !== null)
    .default({}),
  /** Share of the test split. */
  evalFraction: z.number().min(0).max(1).default(0.1),
  validationFraction: z.number().min(0).max(1).default(0),
  /** What is never divided between splits: all tasks about one document, or each task. */
  splitBy: z.enum(splitUnits).default('document'),
  seed: z.number().int().default(0),
  /** Of uncompressed data, so that a file is almost always smaller. */
  maxShardBytes: z.number().int().positive().default(500_000_000),
})

export type Settings = z.output<typeof exportOptionsSchema>

export interface ConfigPlan {
  /** `default` when it is the only one, else the recipe's name. */
  name: string
  /** Of its files, relative to the directory. */
  folder: string
  recipe: Recipe
  options: RecipeOptions
  selected: Selected[]
  funnel: FunnelStep[]
  split: SplitPlan
}

export interface Plan {
  settings: Settings
  runs: StoredRun[]
  configs: ConfigPlan[]
  tokenizer: ChatTokenizer | null
  advantages: CreditMethod['compute']
  /** Cleaning and repair; null when none was asked for. To be disposed of when the export is done. */
  curation: Curation | null
}

/** Errors raised: UsageError for bad options, and when nothing is selected unless `mayBeEmpty`. */
export async function prepare(
  store: Store,
  given: unknown,
  creditMethods: CreditMethod[],
  signal: AbortSignal | undefined,
  { mayBeEmpty = false, tools = {} }: { mayBeEmpty?: boolean; tools?: CurationTools } = {},
): Promise<Plan> {
  const settings = parseSettings(given)
  const recipes = findRecipes([settings.recipe].flat())
  const options = splitRecipeOptions(recipes, settings.recipeOptions)
  const [first] = options
  const tokenizerPlace = settings.recipeOptions.tokenizer ?? null
  const tokenizer = tokenizerPlace === null ? null : await loadChatTokenizer(tokenizerPlace)
  const credit = findCreditMethod(creditMethods, settings.recipeOptions.advantage ?? first?.advantage ?? '')
  const where = settings.where === undefined ? [] : parseWhere(settings.where)
  const choice = parseChoice(settings.select)
  const curating = curationRules(settings, recipes, tools)
  const withoutSensitive = settings.includeSensitive === undefined
  const runs = await findRuns(store, settings.runIds)
  const configs: ConfigPlan[] = []
  for (const [index, recipe] of recipes.entries()) {
    const criteria = { ...settings, statuses: recipe.statuses, where, choice, withoutSensitive }
    const { selected, funnel } = await selectTrajectories(store, runs, criteria, signal)
    if (!mayBeEmpty) refuseEmpty(selected.length, funnel)
    const recipeOptions = options[index]
    if (!recipeOptions) continue
    const alone = recipes.length === 1
    configs.push({
      name: alone ? 'default' : recipe.name,
      folder: alone ? 'data' : `data/${recipe.name}`,
      recipe,
      options: recipeOptions,
      selected,
      funnel,
      split: { sides: new Map(), unit: settings.splitBy, units: 0 },
    })
  }
  const all = configs.flatMap(({ selected }) => selected)
  const written = {
    tasks: recipes.some((recipe) => recipe.options.includes('contexts')),
    contexts: configs.some(
      ({ recipe, options: of }) => recipe.options.includes('contexts') && of.contexts !== 'none',
    ),
  }
  const curation = curating && (await curate(store, all, curating, settings, tools, signal, written))
  for (const config of curation ? configs : []) {
    const { selected = [], funnel = [] } = curation?.apply(config.selected) ?? {}
    config.selected = selected
    config.funnel.push(...funnel)
  }
  if (!mayBeEmpty) await refuseCleanedAway(configs, curation)
  assignSides(configs, settings)
  return { settings, runs, configs, tokenizer, advantages: credit.compute, curation }
}

async function refuseCleanedAway(configs: ConfigPlan[], curation: Curation | null): Promise<void> {
  try {
    for (const { selected, funnel } of configs) refuseEmpty(selected.length, funnel)
  } catch (error) {
    await curation?.dispose()
    throw error
  }
}

/** One split for all configs: a task is on the same side in each. */
function assignSides(configs: ConfigPlan[], settings: Settings): void {
  const { evalFraction, validationFraction, seed, splitBy } = settings
  const tasks = configs.flatMap(({ selected }) =>
    selected.map(({ taskHash, document }) => ({ hash: taskHash, document })),
  )
  const split = splitTasks(tasks, { test: evalFraction, validation: validationFraction }, seed, splitBy)
  for (const config of configs) config.split = split
}

/** Hash of everything that decides the rows: with the same one a killed export is taken up. */
export function fingerprintOf({ settings, runs, configs, tokenizer }: Plan): string {
  const { directory: _directory, ...rest } = settings
  const hash = createHash('sha256')
  const feed = (value: unknown) => void hash.update(JSON.stringify(value)).update('\n')
  feed([codeVersion(), rest, runs.map(({ id }) => id), tokenizer?.hash ?? null])
  for (const { name, recipe, selected } of configs) {
    feed([name, recipe.name, recipe.version])
    for (const { run, ...one } of selected) feed([run.id, run.policyVersion, one])
  }
  return hash.digest('hex')
}

function parseSettings(given: unknown): Settings {
  const parsed = exportOptionsSchema.safeParse(given)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new UsageError(`Export option ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}.`)
  }
  const { evalFraction, validationFraction } = parsed.data
  if (evalFraction + validationFraction > 1) {
    throw new UsageError(
      `Export option validationFraction: ${validationFraction} and evalFraction ${evalFraction} are more than 1 together.`,
    )
  }
  return parsed.data
}

async function findRuns(store: Store, references: string[]): Promise<StoredRun[]> {
  const runs = new Map<string, StoredRun>()
  for (const reference of references) {
    const run = await store.findRun(reference)
    runs.set(run.id, run)
  }
  return [...runs.values()]
}

/** Errors raised: UsageError that tells how many each step left. */
export function refuseEmpty(count: number, funnel: FunnelStep[]): void {
  if (count > 0) return
  const steps = funnel.map(({ step, trajectories }) => `${step} ${trajectories}`).join(', ')
  throw new UsageError(`Nothing to export. Trajectories: ${steps}. Loosen the selection or name another run.`)
}
