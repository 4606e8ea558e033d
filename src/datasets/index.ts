// The door of the datasets: recipes, and the export that runs one over stored trajectories.
export { type CreditMethod } from './advantages.ts'
export {
  exportDataset,
  exportOptionsSchema,
  type ExportOptions,
  type ExportPreview,
  type ExportResult,
  previewExport,
} from './export.ts'
export type { DatasetFile, Manifest } from './manifest.ts'
export { codecs, type Codec } from './parquet.ts'
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
export { contextModes, missingLogprobs, type RecipeOptions, rowUnits } from './recipe-options.ts'
export { findRecipe, recipes } from './registry.ts'
export type { FunnelStep } from './selection.ts'
export { fieldNames } from './where/fields.ts'
export { type Condition, parseWhere } from './where/parse.ts'
