// What a condition can ask about: a trajectory's row, its run, its group (the rollouts of one task in one
// run), its task, and, where a condition needs it, its tree.
import type { Json } from '../../json.ts'
import type { StopReason, TrajectoryStatus } from '../../trajectory.ts'

export interface GroupFacts {
  /** Mean, lowest and highest reward of the rollouts that have one; null when none has. */
  mean: number | null
  min: number | null
  max: number | null
  /** How many have a reward, and how many of these are correct. */
  scored: number
  correct: number
}

export interface TaskFacts {
  /** The taskset that the task says it is of, else the one that the run file names. */
  taskset: string | null
  metadata: Record<string, Json>
  contextCharacters: number
}

/** What only the tree tells. */
export interface TreeFacts {
  rootTurns: number
  /** Code points of the longest prompt that the root was sent. */
  promptCharacters: number
  /** Sub-calls of all cells of the tree, and calls (of any kind) that failed. */
  subCalls: number
  failedCalls: number
}

export interface TrajectoryFacts {
  id: string
  status: TrajectoryStatus
  stopReason: StopReason | null
  answer: string | null
  reward: number | null
  scores: { reward: string; value: number | null }[]
  turns: number
  cells: number
  calls: number
  inputTokens: number
  outputTokens: number
  costUsd: number | null
  rollout: number
  scripted: boolean
  startedAt: string | null
  endedAt: string | null
  task: string
  run: string
  runId: string
  model: string
  protocol: string
  policyVersion: string | null
  tags: string[]
  /** Depth of the deepest invocation, and cells that ended in an error. */
  depth: number
  errors: number
  group: GroupFacts
  /** Null unless a condition needs it. */
  taskFacts: TaskFacts | null
  tree: TreeFacts | null
}
