// One rollout: the tree that grows from the root invocation, from its first row to its last.
import { readFile } from 'node:fs/promises'
import { DescentError, toErrorRecord, type ErrorRecord } from '../src/errors.ts'
import type { Model } from '../src/models/model.ts'
import type { RunConfig } from '../src/run-file.ts'
import type { ContextFile, Sandbox } from '../src/sandbox.ts'
import type { PlannedTrajectory, Store } from '../src/store/contract.ts'
import type { ContextFacts } from '../src/tasks/task.ts'
import type { StopReason } from '../src/trajectory.ts'
import { createBudget } from './budget.ts'
import { copyBeginning } from './fork.ts'
import { runChildInvocation } from './child.ts'
import type { Emit } from './events.ts'
import { runInvocation } from './invocation.ts'
import { createLimit } from './limit.ts'
import type { Protocol } from './protocols/index.ts'
import { createRecorder } from './recorder.ts'
import { openReplay, rootId } from './replay.ts'
import type { Tree } from './tree.ts'

export interface RunModels {
  policy: Model
  sub: Model
  child: Model
  /** By the names that cells may pass as `model=`. */
  named: ReadonlyMap<string, Model>
}

export interface RolloutOptions {
  store: Store
  runId: string
  config: RunConfig
  protocol: Protocol
  sandbox: Sandbox | null
  models: RunModels
  trajectory: PlannedTrajectory
  task: { prompt: string; facts: ContextFacts; files: ContextFile[] }
  /** A directory for the contexts of child invocations. */
  scratch: string
  /** Its abort leaves the rollout as it is, to be taken up. */
  signal: AbortSignal
  /** Its abort ends the rollout for good, as `cancelled`. */
  cancel?: AbortSignal
  emit: Emit
}

export interface RolloutEnd {
  status: 'done' | 'failed'
  stopReason: StopReason
  answer: string | null
  error: ErrorRecord | null
  /** Of the whole tree, each call counted once. */
  usage: { inputTokens: number; outputTokens: number; calls: number; costUsd: number | null }
}

/**
 * Runs and records one trajectory. A failure of a model, of the sandbox or of the policy is part of the
 * record; errors raised: the signal's reason when the job is stopped (the trajectory then stays open,
 * to be taken up by the next run), StoreError when nothing can be recorded.
 */
export async function runRollout(options: RolloutOptions): Promise<RolloutEnd> {
  try {
    return await attemptRollout(options, true)
  } catch (thrown) {
    if (!(thrown instanceof ReplayDiverged)) throw thrown
    return await attemptRollout(options, false)
  }
}

/** A replay that differed, where the run file wants such a rollout to start again. */
class ReplayDiverged extends Error {}

async function attemptRollout(options: RolloutOptions, takeUp: boolean): Promise<RolloutEnd> {
  const { store, runId, config, trajectory, emit, models } = options
  // What an earlier attempt has recorded is taken up; a first attempt has recorded nothing.
  const { origin } = trajectory
  if (origin) await copyBeginning(store, origin, { id: trajectory.id, runId })
  const begun = takeUp && (trajectory.attempt > 0 || origin !== null)
  const journal = begun ? await store.readJournal(trajectory.id) : null
  const replay = journal && openReplay(journal, trajectory.id)
  await store.beginTrajectory(trajectory.id, new Date().toISOString(), { keep: replay !== null })
  emit({
    type: 'trajectory-start',
    trajectoryId: trajectory.id,
    taskId: trajectory.taskId,
    rollout: trajectory.rollout,
  })
  const budget = createBudget(config.limits)
  const recorder = createRecorder({ store, runId, trajectoryId: trajectory.id, budget, emit })
  if (replay) await recorder.takeUp(replay.journal)
  const deadline = new AbortController()
  const { maxTimeSeconds } = config.limits
  const cancelled = () => options.cancel?.aborted === true && !options.signal.aborted
  const stops = [options.signal, deadline.signal, ...(options.cancel ? [options.cancel] : [])]
  const timer =
    maxTimeSeconds === undefined ? null : setTimeout(() => deadline.abort(), maxTimeSeconds * 1000)
  const tree: Tree = {
    store,
    config,
    protocol: options.protocol,
    sandbox: options.sandbox,
    recorder,
    budget,
    subCalls: {
      recorder,
      budget,
      openCalls: createLimit(config.subCallConcurrency),
      subModel: models.sub,
      namedModels: models.named,
      sampling: config.subSampling ?? config.sampling,
      // Each model asks for what its own config says.
      wantTokens: true,
      seed: trajectory.seed,
      replay,
    },
    policyModel: models.policy,
    childModel: models.child,
    seed: trajectory.seed,
    taskHash: trajectory.taskHash,
    replay,
    async diverged(divergence) {
      // A fork cannot do without what it has taken over.
      if (config.onDivergence === 'restart' && !origin) throw new ReplayDiverged()
      await store.markDivergence(trajectory.id, divergence)
    },
    signal: AbortSignal.any(stops),
    timedOut: () => deadline.signal.aborted && !options.signal.aborted && !cancelled(),
    cancelled,
    emit,
  }
  let end: Omit<RolloutEnd, 'usage'>
  try {
    const { facts, files } = options.task
    const text = async () =>
      (await Promise.all(files.map(async (file) => await readFile(file.path, 'utf8')))).join('\n\n')
    const context = { facts, files, text }
    const runChild = runChildInvocation(options.scratch)
    const root = await runInvocation(
      tree,
      { id: rootId(trajectory.id), depth: 0, parent: null, prompt: options.task.prompt, context },
      runChild,
    )
    end = { ...root, status: root.stopReason === 'model_error' && mayRetry(root) ? 'failed' : 'done' }
  } catch (thrown) {
    options.signal.throwIfAborted()
    if (thrown instanceof ReplayDiverged) throw thrown
    if (thrown instanceof DescentError && thrown.boundary === 'store') throw thrown
    if (cancelled()) end = { status: 'done', stopReason: 'cancelled', answer: null, error: null }
    else {
      const error = toErrorRecord(thrown, 'sandbox')
      end = { status: 'failed', stopReason: 'sandbox_error', answer: null, error }
    }
  } finally {
    if (timer) clearTimeout(timer)
  }
  const { inputTokens, outputTokens, calls, costUsd } = budget
  const usage = { inputTokens, outputTokens, calls, costUsd }
  await store.endTrajectory(
    trajectory.id,
    {
      status: end.status,
      stopReason: end.stopReason,
      answer: end.answer,
      error: end.error,
      sandbox: options.sandbox?.isolation ?? null,
      ...usage,
      turns: recorder.turns,
      cells: recorder.cells,
      failedCells: recorder.failedCells,
      maxDepth: recorder.maxDepth,
    },
    new Date().toISOString(),
  )
  const { status, stopReason, answer, error } = end
  return { status, stopReason, answer, error, usage }
}

/** A prompt that the model's window does not hold is an outcome of the policy; the rest is the server's. */
function mayRetry(end: { error: ErrorRecord | null }): boolean {
  return end.error?.code !== 'context_length'
}
