// A collection job: plans a run's rollouts, runs those that are not done, scores what has ended. The
// store is the only state: killed at any point, the job is taken up where its last commit left it.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { ModelError, StoreError, toErrorRecord, type ErrorRecord } from '../src/errors.ts'
import type { RunConfig } from '../src/run-file.ts'
import type { Sandbox } from '../src/sandbox.ts'
import type { NewTask, PlannedTrajectory, RunSummary, Store } from '../src/store/contract.ts'
import { materializeContext } from '../src/tasks/context.ts'
import { taskHash, type Taskset } from '../src/tasks/task.ts'
import { createContextCache } from './context-cache.ts'
import type { Emit } from './events.ts'
import { createLimit } from './limit.ts'
import type { Protocol } from './protocols/index.ts'
import { runRollout, type RunModels } from './rollout.ts'

/** Scores one ended trajectory and stores the scores; gives its reward. Passed in, since rewards are another wing. */
export type ScoreTrajectory = (trajectoryId: string) => Promise<{ reward: number | null }>

export interface JobOptions {
  store: Store
  runId: string
  config: RunConfig
  protocol: Protocol
  sandbox: Sandbox | null
  models: RunModels
  score: ScoreTrajectory | null
  signal: AbortSignal
  emit: Emit
}

/** Stores the tasks of a new run and plans their rollouts. */
export async function planRun(
  options: Pick<JobOptions, 'store' | 'runId' | 'config' | 'emit' | 'signal'> & { taskset: Taskset },
): Promise<number> {
  const { store, runId, config, emit, taskset } = options
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'descent-plan-'))
  try {
    async function* plannedTasks(): AsyncIterable<NewTask> {
      let count = 0
      for await (const task of taskset.tasks()) {
        options.signal.throwIfAborted()
        if (count === config.maxTasks) return
        const context = await materializeContext(task.context, scratch)
        const hash = taskHash(task, context.hash.toString('hex'))
        // Several tasks of a batch may share one file; the last release finds it gone.
        const release = async () => {
          if (task.context.kind !== 'file') await rm(context.file, { force: true })
        }
        const { id, prompt, answer, metadata } = task
        yield { id, hash, prompt, context, answer, metadata, release }
        count += 1
        emit({ type: 'planning', tasks: count })
      }
    }
    return await store.addTasks(runId, plannedTasks(), config.rollouts, config.seed)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/**
 * Runs every rollout of the run that is not done. Errors raised: the signal's reason when stopped;
 * ModelError when a server refuses the key or the model's name, since every further rollout would fail
 * alike; StoreError when the store is lost. The run is then `interrupted`, and can be taken up again.
 */
export async function runJob(options: JobOptions): Promise<RunSummary> {
  const { store, runId, config, emit } = options
  // Rollouts in a row that were lost to a server that is gone: past a round of them the job stops.
  let lostInARow = 0
  const lock = await store.lockRun(runId)
  if (!lock)
    throw new StoreError(
      'locked',
      `run ${runId} is being collected by another process; wait for it or stop it`,
    )
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'descent-'))
  try {
    await store.updateRun(runId, { status: 'running', startedAt: new Date().toISOString(), endedAt: null })
    const pending = await store.pendingTrajectories(runId)
    const before = await store.summarizeRun(runId)
    emit({ type: 'start', runId, trajectories: before.trajectories, alreadyDone: before.done })
    try {
      await scoreUnscored(options)
      await runAll(options, pending, scratch)
    } catch (thrown) {
      await store
        .updateRun(runId, { status: 'interrupted', endedAt: new Date().toISOString() })
        .catch(() => {})
      throw thrown
    }
    await store.updateRun(runId, { status: 'done', endedAt: new Date().toISOString() })
    return await store.summarizeRun(runId)
  } finally {
    await rm(scratch, { recursive: true, force: true })
    await lock.release().catch(() => {})
  }

  async function runAll(job: JobOptions, pending: PlannedTrajectory[], directory: string): Promise<void> {
    const contexts = createContextCache(store, directory)
    const slots = createLimit(config.concurrency)
    // The first failure that concerns the whole job stops the rollouts that have not started.
    const halt = new AbortController()
    const signal = AbortSignal.any([job.signal, halt.signal])
    const settled = await Promise.allSettled(
      pending.map((trajectory) =>
        slots(async () => {
          signal.throwIfAborted()
          try {
            await runOne(job, trajectory, contexts, directory, signal)
          } catch (thrown) {
            halt.abort(thrown)
            throw thrown
          }
        }),
      ),
    )
    job.signal.throwIfAborted()
    const failure = settled.find((outcome) => outcome.status === 'rejected')
    if (failure) throw halt.signal.aborted ? halt.signal.reason : failure.reason
  }

  async function runOne(
    job: JobOptions,
    trajectory: PlannedTrajectory,
    contexts: ReturnType<typeof createContextCache>,
    directory: string,
    signal: AbortSignal,
  ): Promise<void> {
    const task = await store.readTask(runId, trajectory.taskId)
    const end = await contexts.with(
      trajectory.taskHash,
      async ({ facts, files }) =>
        await runRollout({
          ...job,
          trajectory,
          task: { prompt: task.prompt, facts, files },
          scratch: directory,
          signal,
        }),
    )
    const reward = end.status === 'done' ? await score(job, trajectory.id) : null
    const { status, stopReason, error } = end
    emit({ type: 'trajectory-end', trajectoryId: trajectory.id, status, stopReason, error, reward })
    if (fatalError(error)) throw fatalError(error)
    lostInARow = error !== null && outages.has(error.code) ? lostInARow + 1 : 0
    if (error && lostInARow >= Math.max(8, config.concurrency))
      throw new ModelError(error.code, error.message)
  }

  async function score(job: JobOptions, trajectoryId: string): Promise<number | null> {
    try {
      return (await job.score?.(trajectoryId))?.reward ?? null
    } catch (thrown) {
      emit({ type: 'scoring-error', trajectoryId, error: toErrorRecord(thrown, 'reward') })
      return null
    }
  }

  /** A job killed between the end of a rollout and its scores left it unscored. */
  async function scoreUnscored(job: JobOptions): Promise<void> {
    if (!job.score || config.rewards.length === 0) return
    let cursor: string | null = null
    do {
      const page = await store.listTrajectories(runId, { limit: 200, cursor, status: 'done' })
      for (const row of page.items) {
        if (row.scores.length === 0) await score(job, row.id)
      }
      cursor = page.next
    } while (cursor)
  }
}

/** Failures of a server that is gone for the moment. */
export const outages: ReadonlySet<string> = new Set([
  'unreachable',
  'timeout',
  'server_error',
  'rate_limit',
  'stalled',
  'connection_lost',
  'stream_cut',
  'not_json',
])

/** Failures that every further rollout would meet too. */
export function fatalError(error: ErrorRecord | null): ModelError | null {
  if (error?.boundary !== 'model' || !['unauthorized', 'not_found'].includes(error.code)) return null
  return new ModelError(error.code, error.message)
}
