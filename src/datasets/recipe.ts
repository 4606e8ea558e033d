// The contract of a recipe: trajectories in, typed rows out; one at a time, or all of a task together.
// Its columns are declared once, with type and meaning; the Arrow schema and the card derive from them.
import { DataType, Field, Precision, Schema } from 'apache-arrow'
import type { RewardTask } from '../reward.ts'
import type { CallTokens, StoredRun } from '../store/contract.ts'
import type { Trajectory, TrajectoryStatus } from '../trajectory.ts'
import type { RecipeRow } from './arrow.ts'
import type { ChatTokenizer } from './chat-tokenizer.ts'
import type { RecipeOptionName, RecipeOptions } from './recipe-options.ts'
import type { Selected } from './selection.ts'
import type { Split } from './split.ts'

export interface RecipeColumn {
  name: string
  type: DataType
  nullable: boolean
  /** One sentence, for the card. */
  meaning: string
}

/** The task as recipes see it: facts about its context, never the context itself. */
export interface RecipeTask extends RewardTask {
  hash: string
  contextType: string
  contextCharacters: number
}

export interface RecipeContext {
  run: StoredRun
  options: RecipeOptions
  /** The correct answers' least reward. */
  threshold: number
  /** The token arrays of the trajectory's calls, for a recipe that needs them. */
  tokens: ReadonlyMap<string, CallTokens>
  /** The one that the options name. */
  tokenizer: ChatTokenizer | null
  /** Counts something that gives no row, for the funnel. `reason` is a short phrase. */
  leaveOut: (reason: string) => void
}

/** What was selected of one task, over all runs: at least one trajectory. */
export interface RecipeGroup {
  /** Position of the task among those exported, from 0. */
  index: number
  split: Split
  task: RecipeTask
  members: Selected[]
  /** The trees of the members, in their order. Read only when asked for. */
  read: () => AsyncIterable<Trajectory>
}

export interface GroupContext {
  options: RecipeOptions
  threshold: number
  /** As in RecipeContext; `members` are the trajectories concerned. */
  leaveOut: (reason: string, members: { id: string }[]) => void
  /** The token arrays of one of the trajectories. */
  readTokens: (trajectoryId: string) => Promise<ReadonlyMap<string, CallTokens>>
  /** What people labelled in one of the trajectories: turns, cells and calls, by their id. */
  readLabels: (trajectoryId: string) => Promise<{ targetId: string; label: string }[]>
  /** By the method that the options name: the rewards of a group in, advantages out, null for null. */
  advantages: (rewards: (number | null)[]) => (number | null)[]
  /** Where the task's context is: a path relative to the dataset, or the text itself, or neither. */
  placeContext: (task: RecipeTask) => Promise<{ path: string | null; text: string | null }>
}

export interface GroupRow {
  row: RecipeRow
  /** The trajectories that the row was made of. */
  members: { id: string }[]
}

/** What one trainer is given. */
export interface Loading {
  trainer: string
  /** Of Markdown. */
  language: 'python' | 'yaml' | 'toml' | 'sh'
  /**
   * `DIRECTORY` stands for the dataset's place, `CONFIG` for the name of the config, `FOLDER` for the folder
   * of its files, `FILE` for the first of them. In Python, `train` is loaded already.
   */
  text: string
}

interface CommonDefinition {
  name: string
  /** Raised whenever the same trajectories may give other rows. */
  version: string
  description: string
  /** The trainers that read the rows as they are; empty when it is for analysis. */
  trainers: string[]
  /** The trajectories it takes. */
  statuses: TrajectoryStatus[]
  /** The options it takes. */
  options: RecipeOptionName[]
  columns: RecipeColumn[]
  /**
   * Set for formats of others that are not tables: a row is `{ documents: […] }`, each of them one line of
   * JSON, in files of many rows or in `a file each`.
   */
  documents?: 'together' | 'a file each'
  /** A file that lies beside the data, for who asks for one. */
  sidecar?: (files: { path: string; split: string }[]) => { name: 'dataset_info.json'; text: string }
  /** Token arrays are read with each trajectory. */
  needsTokens?: boolean
  /** Whether cells and sub-calls are read with each trajectory; they are when this is not given. */
  needsCells?: (options: RecipeOptions) => boolean
  /** How each trainer takes the data, for the card. */
  loading: Loading[]
  /** What the rows do not tell, for the card: whole sentences. */
  limits?: string[]
}

export interface TrajectoryRecipeDefinition extends CommonDefinition {
  /** Rows in a fixed order; a value must fit its column. */
  rows(trajectory: Trajectory, task: RecipeTask, context: RecipeContext): Iterable<RecipeRow>
}

export interface GroupRecipeDefinition extends CommonDefinition {
  /** As `rows`. All of a task is in memory at once when it keeps what it reads. */
  groupRows(group: RecipeGroup, context: GroupContext): AsyncIterable<GroupRow>
}

export type TrajectoryRecipe = TrajectoryRecipeDefinition & { schema: Schema }
export type GroupRecipe = GroupRecipeDefinition & { schema: Schema }
export type Recipe = TrajectoryRecipe | GroupRecipe

export function defineRecipe<Definition extends TrajectoryRecipeDefinition | GroupRecipeDefinition>(
  definition: Definition,
): Definition & { schema: Schema } {
  const fields = definition.columns.map(({ name, type, nullable }) => new Field(name, type, nullable))
  return { ...definition, schema: new Schema(fields) }
}

/** A column type as people write it: `list<struct<role: string, content: string>>`. */
export function typeName(type: DataType): string {
  const children = type.children as Field[] | null
  if (DataType.isList(type) && children?.[0]) return `list<${typeName(children[0].type)}>`
  if (DataType.isStruct(type) && children) {
    return `struct<${children.map((field) => `${field.name}: ${typeName(field.type)}`).join(', ')}>`
  }
  if (DataType.isUtf8(type)) return 'string'
  if (DataType.isBool(type)) return 'bool'
  if (DataType.isInt(type)) return `int${type.bitWidth}`
  if (DataType.isFloat(type)) return type.precision === Precision.SINGLE ? 'float' : 'double'
  if (DataType.isTimestamp(type)) return 'timestamp[us, UTC]'
  throw new TypeError(`A recipe has a column of Arrow type ${type.typeId}, which is not supported.`)
}

/** A column whose value is always there. */
export function required(name: string, type: DataType, meaning: string): RecipeColumn {
  return { name, type, nullable: false, meaning }
}

/** A column that may be null. */
export function optional(name: string, type: DataType, meaning: string): RecipeColumn {
  return { name, type, nullable: true, meaning }
}
