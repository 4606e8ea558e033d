// What the parts of the loop share: the tree that a rollout grows, and one invocation in it.
import type { ErrorRecord } from '../src/errors.ts'
import type { Model } from '../src/models/model.ts'
import type { RunConfig } from '../src/run-file.ts'
import type { ContextFile, Sandbox, SandboxSession } from '../src/sandbox.ts'
import type { Store } from '../src/store/contract.ts'
import type { ContextFacts } from '../src/tasks/task.ts'
import type { Divergence, StopReason } from '../src/trajectory.ts'
import type { Budget } from './budget.ts'
import type { Emit } from './events.ts'
import type { History } from './history.ts'
import type { Protocol } from './protocols/index.ts'
import type { CallPlace, Recorder } from './recorder.ts'
import type { Replay } from './replay.ts'
import type { SubCallContext } from './sub-calls.ts'

/** What the invocations of one tree share. */
export interface Tree {
  store: Store
  config: RunConfig
  protocol: Protocol
  sandbox: Sandbox | null
  recorder: Recorder
  budget: Budget
  subCalls: SubCallContext
  policyModel: Model
  childModel: Model
  seed: number
  taskHash: string
  /** Aborted when the time is up or the job is stopped. */
  signal: AbortSignal
  /** What an earlier attempt has recorded; null for a fresh rollout. */
  replay: Replay | null
  diverged(divergence: Divergence): Promise<void>
  /** True when `signal` was aborted by the time limit. */
  timedOut(): boolean
  /** True when whoever asked for the rollout has gone: it ends, and is not taken up again. */
  cancelled(): boolean
  emit: Emit
}

export interface InvocationInput {
  id: string
  depth: number
  parent: { cellId: string; callId: string } | null
  prompt: string | null
  context: { facts: ContextFacts; files: ContextFile[]; text(): Promise<string> }
}

export interface InvocationEnd {
  id: string
  stopReason: StopReason
  answer: string | null
  error: ErrorRecord | null
  /** For `model_error`: whether another attempt at the rollout may fare better. */
  retryable: boolean
}

export type RunChild = (
  tree: Tree,
  parent: { place: CallPlace; depth: number },
  prompt: string,
  signal: AbortSignal,
) => Promise<string>

/** An invocation while it runs. */
export interface Running extends InvocationInput {
  model: Model
  history: History
  session: SandboxSession | null
}

/** A policy call that gave nothing to go on with. */
export interface Failed {
  ok: false
  error: ErrorRecord
  /** Whether another attempt at the rollout may fare better. */
  retryable: boolean
}
