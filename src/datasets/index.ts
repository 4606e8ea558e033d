// The door of the datasets: recipes, and the export that runs one over stored trajectories.
export { exportDataset, exportOptionsSchema, type ExportOptions, type ExportResult } from './export.ts'
export type { DatasetFile, Manifest } from './manifest.ts'
export { codecs, type Codec } from './parquet.ts'
export type { Recipe, RecipeColumn, RecipeContext, RecipeTask } from './recipe.ts'
export { findRecipe, recipes } from './registry.ts'
export type { FunnelStep } from './selection.ts'
