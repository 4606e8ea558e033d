// The store as the rest of Descent sees it. All SQL is behind this interface.
import type { ErrorRecord } from '../errors.ts'
import type { Json } from '../json.ts'
import type { RewardTask } from '../reward.ts'
import type {
  Divergence,
  Score,
  StopReason,
  Trajectory,
  TrajectoryRow,
  TrajectoryStatus,
} from '../trajectory.ts'
import type { StoreReads } from './read-contract.ts'
import type * as tables from './schema.ts'

type Row<Table extends keyof typeof tables> = (typeof tables)[Table] extends { $inferInsert: infer R }
  ? R
  : never

/** Columns of the `x` + `x_blob` pairs are given as one whole string; the store splits them. */
type Whole<R, Texts extends string> = Omit<R, `${Texts}Blob`>

export type NewRun = Row<'runs'>
export type NewInvocation = Whole<Row<'invocations'>, 'answer'>
export type NewMessage = Whole<Row<'messages'>, 'content'>
export type NewTurn = Row<'turns'>
export type NewCell = Whole<Row<'cells'>, 'code' | 'stdout' | 'stderr' | 'finalAnswer'>
export type NewCall = Omit<
  Whole<Row<'calls'>, 'prompt' | 'response' | 'reasoning'>,
  'promptTokens' | 'completionTokens' | 'logprobs'
> & { promptTokens?: Int32Array | null; completionTokens?: Int32Array | null; logprobs?: Float32Array | null }
export type NewScore = Row<'scores'>
export type NewDataset = Row<'datasets'>
export type NewAdvantage = Omit<Row<'advantages'>, 'id' | 'createdAt'>

/** One entry of the journal; entries of one `append` are committed together, or not at all. */
export type JournalEntry =
  | { table: 'invocations'; row: NewInvocation }
  | { table: 'messages'; row: NewMessage }
  | { table: 'turns'; row: NewTurn }
  | { table: 'cells'; row: NewCell }
  | { table: 'calls'; row: NewCall }

export interface StoredRun {
  id: string
  name: string
  status: 'pending' | 'running' | 'done' | 'interrupted' | 'failed' | 'cancelled'
  config: Record<string, Json>
  configHash: string
  protocol: string
  protocolHash: string
  model: string
  policyVersion: string | null
  scripted: boolean
  seed: number
  codeVersion: string
  tags: string[]
  tasks: number
  rollouts: number
  createdAt: string
  startedAt: string | null
  endedAt: string | null
}

/** A run with what has become of its trajectories. */
export interface RunSummary extends StoredRun {
  trajectories: number
  done: number
  failed: number
  meanReward: number | null
  /** Of that mean: the sample deviation over the root of the count. Null with fewer than two rewards. */
  rewardError: number | null
  /** Mean reward of up to 24 equal parts of the trajectories, in the order in which they ended. */
  rewardOverTime: number[]
  /** Trajectories that ended in an hour, from the first start to the last end. */
  perHour: number | null
  costUsd: number | null
  inputTokens: number
  outputTokens: number
  calls: number
  stopReasons: Record<string, number>
}

export interface NewTask {
  id: string
  hash: string
  prompt: string
  context: {
    file: string
    hash: Buffer
    /** `several`: a file of several contexts (tasks/several.ts). */
    format: 'text' | 'json' | 'several'
    type: string
    characters: number
    bytes: number
  }
  answer: Json
  metadata: Record<string, Json>
  /** Called once the store holds the context: its file is no longer needed. */
  release?(): Promise<void>
}

/** The journal of one trajectory: rows of each table, texts and token arrays whole. */
export interface TrajectoryJournal {
  invocations: NewInvocation[]
  messages: NewMessage[]
  turns: NewTurn[]
  cells: NewCell[]
  calls: NewCall[]
}

/** A rollout to be run. */
export interface PlannedTrajectory {
  id: string
  taskId: string
  taskHash: string
  rollout: number
  position: number
  seed: number
  status: TrajectoryStatus
  attempt: number
  /** Of a fork: where its first root turns come from. */
  origin: { trajectoryId: string; turns: number } | null
}

export interface TrajectoryEnd {
  status: 'done' | 'failed'
  stopReason: StopReason
  answer: string | null
  error: ErrorRecord | null
  sandbox: string | null
  inputTokens: number
  outputTokens: number
  turns: number
  cells: number
  calls: number
  failedCells: number
  maxDepth: number
  costUsd: number | null
}

/** The token arrays of one call. When `baseCallId` is set, `prompt` is what follows that call's tokens. */
export interface CallTokens {
  callId: string
  baseCallId: string | null
  prompt: Int32Array | null
  completion: Int32Array | null
  logprobs: Float32Array | null
  /** Which weights sampled them; absent when none were named. */
  policyVersion?: string | null
}

/** A score with what tells it from others of its name. */
export interface StoredScore {
  id: string
  reward: string
  version: string
  optionsHash: string
  weight: number
  value: number | null
  error: ErrorRecord | null
  details: Record<string, Json> | null
  author: string
  createdAt: string
}

/** A trajectory that goes on from another one. */
export interface Fork {
  id: string
  runId: string
  origin: { trajectoryId: string; turns: number }
  scores: Score[]
  /** Null when it was never scored, or one of its scores is an error. */
  reward: number | null
}

/** What a reward gave to one invocation; null is an error. */
export interface InvocationScore {
  trajectoryId: string
  invocationId: string
  reward: string
  version: string
  value: number | null
}

/** A trajectory's figures without its tree. */
export interface Figures {
  id: string
  taskId: string
  rollout: number
  status: TrajectoryStatus
  stopReason: StopReason | null
  turns: number
  cells: number
  failedCells: number
  calls: number
  maxDepth: number
  inputTokens: number
  outputTokens: number
  costUsd: number | null
  seconds: number | null
  /** The newest of each (reward, version, options), the oldest of them first. */
  scores: StoredScore[]
}

/** What `descent export --save-selection` keeps. */
export interface SavedSelection {
  name: string
  plan: Record<string, Json>
  updatedAt: string
}

export interface Page<T> {
  items: T[]
  /** Give it back as `cursor` to get the next page; null on the last one. */
  next: string | null
}

export type * from './read-contract.ts'

/** What is read of a trajectory. */
export interface Parts {
  /** False: its lists of invocations and lost calls are empty. */
  turns: boolean
  /** False: its turns have no cells, its list of lost calls is empty, and `subCallModels` is set. */
  cells?: boolean
}

export interface ReadTrajectory extends Trajectory {
  /** The models of the sub-calls that were not read, each once. */
  subCallModels?: { model: string; provider: string; scripted: boolean }[]
}

export interface Store extends StoreReads {
  /** Where it is, without a password. */
  readonly location: string
  readonly embedded: boolean

  // Runs
  /** Stores the run and its tasks' rollouts; tasks stream in, contexts go to blobs once. */
  createRun(run: NewRun): Promise<void>
  addTasks(runId: string, tasks: AsyncIterable<NewTask>, rollouts: number, seed: number): Promise<number>
  /** One more task of a run that goes on, with one rollout; a task that is there gets a further rollout. */
  addTask(runId: string, task: NewTask, seed: number): Promise<PlannedTrajectory>
  updateRun(
    runId: string,
    change: Partial<Pick<StoredRun, 'status' | 'startedAt' | 'endedAt' | 'tasks'>>,
  ): Promise<void>
  /** By id, by a unique prefix or suffix of it (6 characters and more), or `latest`. UsageError when none or several. */
  findRun(reference: string): Promise<StoredRun>
  /** The newest run of this config that did not end by itself and that no living process holds. */
  findInterrupted(configHash: string): Promise<StoredRun | null>
  listRuns(options: { limit: number; cursor?: string | null }): Promise<Page<RunSummary>>
  summarizeRun(runId: string): Promise<RunSummary>
  /** Held until released or until this process dies; null when another process holds it. */
  lockRun(runId: string): Promise<{ release(): Promise<void> } | null>

  // Trajectories
  /** Rollouts of the run that are not done: pending, left running by a dead process, or failed. */
  pendingTrajectories(runId: string): Promise<PlannedTrajectory[]>
  /** One rollout as it is planned; null when there is none of this id. */
  readPlanned(trajectoryId: string): Promise<PlannedTrajectory | null>
  /** Failed rollouts of the run wait again: they no longer count as ended. */
  reopenFailed(runId: string): Promise<void>
  /**
   * Marks it running with attempt + 1. What an earlier attempt left is cleared, or with `keep` stays, but
   * for the turns whose policy call failed.
   */
  beginTrajectory(trajectoryId: string, startedAt: string, options?: { keep?: boolean }): Promise<number>
  /** What the journal holds of a trajectory, in the form in which it was appended. */
  readJournal(trajectoryId: string): Promise<TrajectoryJournal>
  markDivergence(trajectoryId: string, divergence: Divergence): Promise<void>
  /** Plans `rollouts` trajectories of one task of a run that continue `origin` after its first `turns`. */
  planForks(runId: string, taskId: string, origin: { trajectoryId: string; turns: number }): Promise<void>
  append(entries: JournalEntry[]): Promise<void>
  endInvocation(
    id: string,
    end: { stopReason: StopReason; answer: string | null; endedAt: string },
  ): Promise<void>
  endTrajectory(id: string, end: TrajectoryEnd, endedAt: string): Promise<void>
  listTrajectories(
    runId: string,
    options: { limit: number; cursor?: string | null; status?: TrajectoryStatus },
  ): Promise<Page<TrajectoryRow & { maxDepth: number; failedCells: number }>>
  /** By id or unique part of it, as `findRun`. */
  findTrajectory(reference: string): Promise<string>
  readTrajectory(id: string, parts?: Parts): Promise<ReadTrajectory>
  /** Several at once, in the order of their ids, by a store that can. */
  readTrajectories?(ids: string[], parts?: Parts): Promise<ReadTrajectory[]>
  /** The calls of the trajectory that have token arrays, by call id. */
  readTokens(trajectoryId: string): Promise<Map<string, CallTokens>>
  /** Of several at once, in the order of their ids, by a store that can. */
  readTokensOf?(trajectoryIds: string[]): Promise<Map<string, CallTokens>[]>

  // Tasks
  readTask(
    runId: string,
    taskId: string,
  ): Promise<
    RewardTask & { hash: string; contextHash: string; contextType: string; contextCharacters: number }
  >
  /** Several at once, in the order of their ids, by a store that can. */
  readTasks?(runId: string, taskIds: string[]): Promise<Awaited<ReturnType<Store['readTask']>>[]>
  /** Writes the context's bytes to `path`. */
  writeContext(
    taskHash: string,
    path: string,
  ): Promise<{
    format: 'text' | 'json' | 'several'
    type: string
    characters: number
    bytes: number
    hash: Buffer
  }>

  // Scores and datasets
  addScores(scores: NewScore[]): Promise<void>
  /** In the order of the tasks, then of the rollouts; whatever their status. */
  listFigures(runId: string, options: { limit: number; cursor?: string | null }): Promise<Page<Figures>>
  /** The newest score of each (invocation, reward) of these trajectories, the oldest of them first. */
  listInvocationScores(trajectoryIds: string[]): Promise<InvocationScore[]>
  /** The ended trajectories, of any run, that continue one of these. */
  listForks(trajectoryIds: string[]): Promise<Fork[]>
  /** Takes away what a credit method with these options left in a run. */
  clearAdvantages(runId: string, of: { method: string; optionsHash: string }): Promise<void>
  addAdvantages(rows: NewAdvantage[]): Promise<void>
  addDataset(dataset: NewDataset): Promise<void>
  listDatasets(): Promise<(NewDataset & { createdAt: string })[]>
  findDataset(id: string): Promise<NewDataset & { createdAt: string }>
  /** Under a name of one's own; an earlier one of that name is replaced. */
  saveSelection(name: string, plan: Record<string, Json>): Promise<void>
  /** By its name. Errors raised: UsageError that lists the names there are. */
  findSelection(name: string): Promise<SavedSelection>
  /** By name. */
  listSelections(): Promise<SavedSelection[]>

  close(): Promise<void>
}
