// What the store gives to readers beside the contract of collecting: filtered lists, statistics, groups,
// search, changes since a place, annotations, access tokens, leases. All bounded by a page or a run.
import type { CellBody, Skeleton } from '../skeleton.ts'
import type { Call, StopReason, TrajectoryRow, TrajectoryStatus } from '../trajectory.ts'
import type { Page, StoredScore } from './contract.ts'

export const sortKeys = ['position', 'reward', 'cost', 'turns', 'calls', 'tokens', 'seconds'] as const
export type SortKey = (typeof sortKeys)[number]

export interface Selection {
  /** A condition of the selection language; a UsageError tells its mistakes. */
  where?: string | undefined
  status?: TrajectoryStatus | undefined
  /** The reward from which a rollout counts as correct, for `group.pass_at_K`. */
  threshold?: number | undefined
}

export interface Spread {
  count: number
  mean: number
  /** Sample standard deviation; null for fewer than two. */
  deviation: number | null
  min: number
  max: number
  /** At 10, 25, 50, 75 and 90 per cent. */
  quantiles: number[]
}

export interface Bin {
  from: number
  to: number
  count: number
}

export interface RunStatistics {
  trajectories: number
  reward: Spread | null
  cost: Spread | null
  turns: Spread | null
  calls: Spread | null
  seconds: Spread | null
  histograms: { reward: Bin[]; turns: Bin[]; cost: Bin[] }
  statuses: Record<string, number>
  stopReasons: Record<string, number>
  /** Errors by boundary and code, the most frequent first. */
  errors: { boundary: string; code: string; count: number; example: string }[]
  /** Mean reward of equal parts of the trajectories, in the order in which they ended. */
  overTime: { endedAt: string; reward: number; count: number }[]
}

export interface Group {
  taskId: string
  position: number
  rollouts: number
  done: number
  scored: number
  mean: number | null
  min: number | null
  max: number | null
  deviation: number | null
  costUsd: number | null
}

/** A cell of a root invocation as two rollouts are compared by it. */
export interface OutlineCell {
  trajectoryId: string
  turn: number
  cellId: string
  index: number
  /** Equal for equal code. */
  hash: string
  /** Its beginning. */
  code: string
}

export const searchFields = ['code', 'output', 'prompt', 'answer'] as const
export type SearchField = (typeof searchFields)[number]

export interface SearchHit {
  runId: string
  runName: string
  trajectoryId: string
  taskId: string
  rollout: number
  reward: number | null
  kind: 'cell' | 'call' | 'trajectory'
  /** Of the cell, call or trajectory. */
  id: string
  /** The parts of its texts that match. */
  fragments: { field: SearchField; parts: { text: string; match: boolean }[] }[]
}

/** Something that was written, and the place from which the changes after it can be read. */
export interface Change<Event> {
  cursor: string
  event: Event
}

export type TrajectoryEvent =
  | { type: 'turn'; id: string; invocationId: string; index: number; callId: string }
  | { type: 'cell'; id: string; invocationId: string; turnId: string; index: number; failed: boolean }
  | { type: 'call'; id: string; kind: string; cellId: string | null; failed: boolean }
  | { type: 'trajectory'; id: string; status: string; stopReason: string | null; reward: number | null }

export interface Annotation {
  id: string
  runId: string
  trajectoryId: string
  target: 'trajectory' | 'invocation' | 'turn' | 'cell' | 'call'
  targetId: string
  label: string | null
  note: string
  author: string
  createdAt: string
}

export const scopes = ['read', 'write', 'admin'] as const
export type Scope = (typeof scopes)[number]

export interface AccessToken {
  id: string
  name: string
  scope: Scope
  createdAt: string
  expiresAt: string | null
  revokedAt: string | null
}

export interface LeasedGroup {
  taskId: string
  trajectories: {
    id: string
    rollout: number
    reward: number | null
    stopReason: StopReason | null
    policyVersion: string | null
  }[]
}

export interface StoreReads {
  // Trajectories
  /** Sorted and filtered in the database; null values come last. Errors raised: UsageError. */
  findTrajectories(
    runId: string,
    options: Selection & { limit: number; cursor?: string | null; sort?: SortKey; descending?: boolean },
  ): Promise<Page<TrajectoryRow>>
  /** Over all trajectories of the run that are selected. Errors raised: UsageError. */
  runStatistics(runId: string, selection: Selection): Promise<RunStatistics>
  readSkeleton(trajectoryId: string): Promise<Skeleton>
  readCall(trajectoryId: string, callId: string): Promise<Call>
  readCell(trajectoryId: string, cellId: string): Promise<CellBody>
  listGroups(runId: string, options: { limit: number; cursor?: string | null }): Promise<Page<Group>>
  /** The rollouts of one task, at most 1000. */
  readGroup(runId: string, taskId: string): Promise<TrajectoryRow[]>
  /** The cells of the root invocations, in their order, at most 500 of each trajectory. */
  readOutlines(trajectoryIds: string[]): Promise<OutlineCell[]>
  /**
   * Puts ended trajectories into the index of full-text search for about `milliseconds`; how many are left.
   * A search does some of it itself.
   */
  indexForSearch(options: { runId?: string | undefined; milliseconds: number }): Promise<number>
  /** Newest first. Errors raised: UsageError when there is nothing to search for. */
  search(options: {
    text: string
    runId?: string | undefined
    fields?: readonly SearchField[] | undefined
    limit: number
    cursor?: string | null
  }): Promise<Page<SearchHit>>
  /** Every score that was ever given, oldest first, at most 1000. */
  scoreHistory(trajectoryId: string): Promise<StoredScore[]>

  // Changes: what was written after `cursor` (null: from the beginning), in one fixed order for all readers.
  runChanges(runId: string, cursor: string | null, limit: number): Promise<Change<TrajectoryRow>[]>
  trajectoryChanges(id: string, cursor: string | null, limit: number): Promise<Change<TrajectoryEvent>[]>

  // What people say
  addAnnotation(annotation: Omit<Annotation, 'createdAt'>): Promise<Annotation>
  listAnnotations(
    of: { trajectoryId: string } | { runId: string; label?: string | undefined },
    options: { limit: number; cursor?: string | null },
  ): Promise<Page<Annotation>>
  removeAnnotation(id: string): Promise<Annotation>
  tagRun(runId: string, tags: string[]): Promise<void>

  // Access
  addToken(token: {
    id: string
    name: string
    scope: Scope
    hash: Buffer
    expiresAt: string | null
  }): Promise<void>
  listTokens(): Promise<AccessToken[]>
  /** By id, a unique part of it, or its name. Errors raised: UsageError. */
  revokeToken(reference: string): Promise<AccessToken>
  /** The tokens that are valid now, with their hashes. */
  validTokens(): Promise<(AccessToken & { hash: Buffer })[]>

  // Groups for trainers
  /** Hands out groups whose rollouts are all done and that nobody holds. */
  leaseGroups(
    runId: string,
    options: { leaseId: string; groups: number; seconds: number; policyVersion?: string | undefined },
  ): Promise<LeasedGroup[]>
  /** Done with a lease: `keep` false gives its groups back. How many groups it held. */
  endLease(leaseId: string, keep: boolean): Promise<number>
}
