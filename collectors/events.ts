// What a collection job tells while it runs: for the live view and for log lines. Events carry numbers
// and ids, never bodies.
import type { ErrorRecord } from '../src/errors.ts'
import type { StopReason } from '../src/trajectory.ts'

export type CollectEvent =
  | { type: 'planning'; tasks: number }
  | { type: 'start'; runId: string; trajectories: number; alreadyDone: number }
  | { type: 'trajectory-start'; trajectoryId: string; taskId: string; rollout: number }
  | { type: 'turn-start'; trajectoryId: string; turn: number; depth: number }
  | {
      type: 'call-end'
      trajectoryId: string
      kind: 'policy' | 'llm' | 'rlm'
      inputTokens: number
      outputTokens: number
      costUsd: number | null
      attempts: number
      error: ErrorRecord | null
    }
  | { type: 'cell-start'; trajectoryId: string; depth: number }
  | { type: 'cell-end'; trajectoryId: string; depth: number; failed: boolean }
  | {
      type: 'trajectory-end'
      trajectoryId: string
      status: 'done' | 'failed'
      stopReason: StopReason
      error: ErrorRecord | null
      reward: number | null
    }
  | { type: 'scoring-error'; trajectoryId: string; error: ErrorRecord }

export type Emit = (event: CollectEvent) => void
