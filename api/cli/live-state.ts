// The state behind the live view: what the events of a job add up to.
import type { CollectEvent } from '../../collectors/events.ts'
import type { ErrorRecord } from '../../src/errors.ts'

export interface LiveRollout {
  taskId: string
  rollout: number
  phase: 'start' | 'policy' | 'cell'
  turn: number
  depth: number
  calls: number
  failedCells: number
  tokens: number
  startedAt: number
}

export interface LiveState {
  name: string
  models: string
  /** Protocol and the limits that the run file sets. */
  setup: string
  /** Dollars that one trajectory may cost, when the run file limits them. */
  budgetUsd: number | null
  runId: string | null
  planned: number
  total: number
  alreadyDone: number
  done: number
  failed: number
  stopReasons: Map<string, number>
  rewardSum: number
  rewardCount: number
  calls: number
  inputTokens: number
  outputTokens: number
  costUsd: number | null
  retries: number
  /** Failed calls and scorings by their code. */
  errors: Map<string, number>
  lastError: string | null
  startedAt: number
  stopping: boolean
  rollouts: Map<string, LiveRollout>
}

export type RunHead = Pick<LiveState, 'name' | 'models' | 'setup' | 'budgetUsd'>

export function initialState(head: RunHead, now: number): LiveState {
  return {
    ...head,
    runId: null,
    planned: 0,
    total: 0,
    alreadyDone: 0,
    done: 0,
    failed: 0,
    stopReasons: new Map(),
    rewardSum: 0,
    rewardCount: 0,
    calls: 0,
    inputTokens: 0,
    outputTokens: 0,
    costUsd: null,
    retries: 0,
    errors: new Map(),
    lastError: null,
    startedAt: now,
    stopping: false,
    rollouts: new Map(),
  }
}

/** Applies one event in place. `now` is in milliseconds. */
export function applyEvent(state: LiveState, event: CollectEvent, now: number): void {
  switch (event.type) {
    case 'planning':
      state.planned = event.tasks
      return
    case 'start':
      Object.assign(state, {
        runId: event.runId,
        total: event.trajectories,
        alreadyDone: event.alreadyDone,
        startedAt: now,
      })
      return
    case 'trajectory-start': {
      const { trajectoryId, taskId, rollout } = event
      const fresh = { phase: 'start' as const, turn: 0, depth: 0, calls: 0, failedCells: 0, tokens: 0 }
      state.rollouts.set(trajectoryId, { taskId, rollout, ...fresh, startedAt: now })
      return
    }
    case 'trajectory-end':
      endTrajectory(state, event)
      return
    case 'call-end':
      state.calls += 1
      state.inputTokens += event.inputTokens
      state.outputTokens += event.outputTokens
      state.retries += Math.max(0, event.attempts - 1)
      if (event.costUsd !== null) state.costUsd = (state.costUsd ?? 0) + event.costUsd
      if (event.error) noteError(state, event.error)
      break
    case 'scoring-error':
      noteError(state, event.error)
      return
    case 'turn-start':
    case 'cell-start':
    case 'cell-end':
      break
  }
  const rollout = state.rollouts.get(event.trajectoryId)
  if (rollout) applyToRollout(rollout, event)
}

type RolloutEvent = Extract<CollectEvent, { type: 'turn-start' | 'cell-start' | 'cell-end' | 'call-end' }>

function applyToRollout(rollout: LiveRollout, event: RolloutEvent): void {
  switch (event.type) {
    case 'turn-start':
      rollout.phase = 'policy'
      rollout.depth = event.depth
      if (event.depth === 0) rollout.turn = event.turn + 1
      return
    case 'cell-start':
      rollout.phase = 'cell'
      return
    case 'cell-end':
      if (event.failed) rollout.failedCells += 1
      return
    case 'call-end':
      rollout.calls += 1
      rollout.tokens += event.inputTokens + event.outputTokens
  }
}

function endTrajectory(state: LiveState, event: Extract<CollectEvent, { type: 'trajectory-end' }>): void {
  state.rollouts.delete(event.trajectoryId)
  if (event.status === 'done') state.done += 1
  else state.failed += 1
  state.stopReasons.set(event.stopReason, (state.stopReasons.get(event.stopReason) ?? 0) + 1)
  if (event.reward !== null) {
    state.rewardSum += event.reward
    state.rewardCount += 1
  }
  // A model's failure was counted with its call.
  if (event.error && event.error.boundary !== 'model') noteError(state, event.error)
}

function noteError(state: LiveState, error: ErrorRecord): void {
  state.errors.set(error.code, (state.errors.get(error.code) ?? 0) + 1)
  state.lastError = `${error.code}: ${error.message}`
}
