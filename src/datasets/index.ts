// The door of the datasets: recipes, and the export that runs one over stored trajectories.
export { type CreditMethod } from './advantages.ts'
export {
  exportDataset,
  type ExportOptions,
  type ExportPreview,
  type ExportResult,
  previewExport,
} from './export.ts'
export { exportOptionsSchema } from './plan.ts'
export type { ExportProgress } from './progress.ts'
export { type CleaningReport, type CurationTools } from './clean/curate.ts'
export { type DatasetPlan, datasetPlanSchema, selectionNameSchema } from './curation-options.ts'
export { cleaningRules } from './clean/rules.ts'
export {
  type OpenReplayer,
  type ReplayedTurn,
  type Replayer,
  repairRules,
  type Rescore,
} from './repairs/index.ts'
export { splitUnits } from './split.ts'
export { formats } from './write-rows.ts'
export { rebuildDataset, type RebuildResult } from './from-manifest.ts'
export type { DatasetFile, Manifest } from './manifest.ts'
export { codecs, type Codec } from './parquet.ts'
export { pushDataset, type PushOptions, type PushResult } from './push.ts'
export type {
  GroupContext,
  GroupRecipe,
  GroupRow,
  Recipe,
  RecipeColumn,
  RecipeContext,
  RecipeGroup,
  RecipeTask,
  TrajectoryRecipe,
} from './recipe.ts'
export {
  contextModes,
  missingLogprobs,
  pairRules,
  type RecipeOptions,
  rowUnits,
  turnRoles,
} from './recipe-options.ts'
export { findRecipe, findRecipes, recipes } from './registry.ts'
export type { FunnelStep } from './selection.ts'
export { fieldNames } from './where/fields.ts'
export { type Condition, parseWhere } from './where/parse.ts'
export { openRowStream, type RowStream, rowStreamOptionsSchema } from './stream.ts'
