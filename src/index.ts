// What `import … from 'descent'` gives.

// Tasks and trajectories: the vocabulary.
export { taskLineSchema, type Task, type TaskContext, type TaskLine, type Taskset } from './tasks/task.ts'
export * from './trajectory.ts'
export { runFileSchema, type RunConfig, type RunFile } from './run-file.ts'

// Rewards of one's own.
export {
  defineGroupReward,
  defineReward,
  type BoundReward,
  type Reward,
  type RewardResult,
  type RewardTask,
} from './reward.ts'
export type { Judge, JudgeCall, PythonRunner, RewardTools } from './reward-tools.ts'

// Models, the scripted ones for tests among them.
export {
  createModel,
  createScriptedModel,
  createTableModel,
  type Message,
  type Model,
  type ModelRequest,
  type ModelResponse,
} from './models/index.ts'

// The store and the training sets made from it.
export { openStore, type Store } from './store/index.ts'
export {
  exportDataset,
  findRecipe,
  recipes,
  type ExportOptions,
  type ExportResult,
} from './datasets/index.ts'

// Errors by boundary.
export { DescentError, ModelError, SandboxError, StoreError, UsageError } from './errors.ts'
