// Where `descent export` takes its plan from, beside its options: a selection saved in the store, a file,
// or the section `dataset` of the run file that made the run.
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { checkDatasetPlan } from '../../../src/datasets/check-plan.ts'
import {
  type DatasetPlan,
  datasetPlanSchema,
  type ExportOptions,
  selectionNameSchema,
} from '../../../src/datasets/index.ts'
import { UsageError } from '../../../src/errors.ts'
import type { Json } from '../../../src/json.ts'
import { runFileSchema } from '../../../src/run-file.ts'
import type { Store } from '../../../src/store/contract.ts'
import { parseYaml } from '../../../src/yaml.ts'
import { formatTable } from '../format.ts'
import { printJson, say } from '../store-option.ts'

export interface PlanCommandOptions {
  selection?: string
  saveSelection?: string
  listSelections?: boolean
}

/** Empty when nothing names one. Errors raised: UsageError. */
export async function planOf(
  store: Store,
  runIds: string[],
  named: { selection: string | undefined; recipes: string[] },
): Promise<DatasetPlan> {
  if (named.selection !== undefined) return await namedPlan(store, named.selection)
  if (named.recipes.length > 0) return {}
  for (const id of runIds) {
    const section = (await store.findRun(id)).config['dataset']
    if (section !== undefined) return readPlan(section, `run ${id}: dataset`)
  }
  return {}
}

async function namedPlan(store: Store, name: string): Promise<DatasetPlan> {
  if (!/[./]/.test(name)) return readPlan((await store.findSelection(name)).plan, `selection ${name}`)
  const text = await readFile(name, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--selection ${name}: cannot be read (${error.code ?? error.message})`)
  })
  const plan = isRunFile(text)
    ? parseYaml(runFileSchema, text, name).dataset
    : parseYaml(datasetPlanSchema, text, name)
  if (!plan) throw new UsageError(`--selection ${name}: this run file has no section dataset`)
  checkDatasetPlan(plan)
  return plan
}

function isRunFile(text: string): boolean {
  try {
    const value = parse(text) as unknown
    return typeof value === 'object' && value !== null && ('model' in value || 'tasks' in value)
  } catch {
    // Its mistake is reported by the schema's reader, with its line.
    return false
  }
}

function readPlan(value: unknown, what: string): DatasetPlan {
  const parsed = datasetPlanSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new UsageError(`${what}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
}

/** Keeps what an export was asked for under a name. Errors raised: UsageError for the name. */
export async function savePlan(store: Store, name: string, wanted: Partial<ExportOptions>): Promise<void> {
  if (!selectionNameSchema.safeParse(name).success) {
    throw new UsageError(
      `--save-selection: "${name}" is not a name: letters, digits, - and _, at most 64 (a . or / is a file)`,
    )
  }
  const known = Object.keys(datasetPlanSchema.shape)
  const plan = datasetPlanSchema.parse(
    Object.fromEntries(
      Object.entries(wanted).filter(([key, value]) => known.includes(key) && value !== undefined),
    ),
  )
  await store.saveSelection(name, JSON.parse(JSON.stringify(plan)) as Record<string, Json>)
  say(`saved as selection ${name}`)
}

/** `--list-selections`. */
export async function listSelections(store: Store, json: boolean): Promise<void> {
  const all = await store.listSelections()
  if (json) {
    for (const one of all) printJson(one)
    return
  }
  const lines = all.map(({ name, plan, updatedAt }) => [name, updatedAt, JSON.stringify(plan)])
  process.stdout.write(`${formatTable(['selection', 'saved', 'plan'], lines)}\n`)
}
