// A run whose tasks come one at a time, from people who wait for the answers. Invariant: each is recorded
// like any other rollout before it starts, and one whose asker has gone ends as `cancelled`.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { StoreError, UsageError } from '../src/errors.ts'
import { newId } from '../src/ids.ts'
import type { PlannedTrajectory } from '../src/store/contract.ts'
import { materializeContext } from '../src/tasks/context.ts'
import { taskHash, type Task } from '../src/tasks/task.ts'
import { createContextCache } from './context-cache.ts'
import type { JobOptions } from './job.ts'
import { createLimit } from './limit.ts'
import { runRollout, type RolloutEnd } from './rollout.ts'

/** A task without a name of its own: equal ones are rollouts of one task. */
export type AskedTask = Omit<Task, 'id'>

export interface Asked {
  trajectoryId: string
  /** Errors raised: StoreError when the rollout could not be recorded. */
  ended: Promise<RolloutEnd>
}

export interface OpenRun {
  readonly runId: string
  /**
   * Records the task and starts its rollout as soon as one of the run's `concurrency` places is free. The
   * abort of `cancel` ends it. Errors raised: UsageError `busy` when too many wait, `closed` after `close`.
   */
  ask(task: AskedTask, cancel: AbortSignal): Promise<Asked>
  /** Cancels what is going on; the run is done. */
  close(): Promise<void>
}

export interface OpenRunOptions extends Omit<JobOptions, 'signal' | 'emit'> {
  /** Told of scores that could not be given. */
  onError: (error: unknown) => void
}

/** For each place, so many may wait. */
const waitingPerPlace = 8

/**
 * Holds the run until it is closed. What a killed process has left open in it is ended. Errors raised:
 * StoreError `locked` when another process holds the run.
 */
export async function openRun(options: OpenRunOptions): Promise<OpenRun> {
  const { store, runId, config, onError } = options
  const lock = await store.lockRun(runId)
  if (!lock) throw new StoreError('locked', `run ${runId} is held by another process`)
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'descent-open-'))
  const contexts = createContextCache(store, scratch)
  const slots = createLimit(config.concurrency)
  const most = config.concurrency * (1 + waitingPerPlace)
  const closing = new AbortController()
  const never = new AbortController().signal
  const running = new Set<Promise<unknown>>()

  async function roll(trajectory: PlannedTrajectory, prompt: string, cancel: AbortSignal) {
    return await contexts.with(
      trajectory.taskHash,
      async ({ facts, files }) =>
        await runRollout({
          ...options,
          trajectory,
          task: { prompt, facts, files },
          scratch,
          signal: never,
          cancel: AbortSignal.any([cancel, closing.signal]),
          emit: () => {},
        }),
    )
  }

  async function plan(task: AskedTask): Promise<PlannedTrajectory> {
    const place = path.join(scratch, newId())
    try {
      const context = await materializeContext(task.context, place)
      const hash = taskHash(task, context.hash.toString('hex'))
      const { prompt, answer, metadata } = task
      const id = `request-${hash.slice(0, 16)}`
      return await store.addTask(runId, { id, hash, prompt, context, answer, metadata }, config.seed)
    } finally {
      await rm(place, { recursive: true, force: true })
    }
  }

  function keep<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<unknown> = work.catch(() => {}).then(() => running.delete(settled))
    running.add(settled)
    return work
  }

  async function score(end: RolloutEnd, trajectoryId: string): Promise<void> {
    if (end.status !== 'done' || end.stopReason === 'cancelled') return
    await options.score?.(trajectoryId).catch(onError)
  }

  async function endLeftOpen(): Promise<void> {
    const gone = AbortSignal.abort(new Error('whoever asked has gone'))
    for (const trajectory of await store.pendingTrajectories(runId)) {
      if (trajectory.status !== 'failed')
        await roll(trajectory, (await store.readTask(runId, trajectory.taskId)).prompt, gone)
    }
  }

  async function close(): Promise<void> {
    closing.abort(new Error('the run is closed'))
    while (running.size > 0) await Promise.all(running)
    await store.updateRun(runId, { status: 'done', endedAt: new Date().toISOString() })
    await rm(scratch, { recursive: true, force: true })
    await lock?.release()
  }

  let open = 0

  async function begin(task: AskedTask, cancel: AbortSignal): Promise<Asked> {
    const trajectory = await plan(task)
    const ended = keep(slots(async () => await roll(trajectory, task.prompt, cancel)))
    void keep(ended.then(async (end) => await score(end, trajectory.id)))
    return { trajectoryId: trajectory.id, ended }
  }

  try {
    await store.updateRun(runId, { status: 'running', startedAt: new Date().toISOString(), endedAt: null })
    await endLeftOpen()
  } catch (error) {
    await rm(scratch, { recursive: true, force: true })
    await lock.release()
    throw error
  }
  return {
    runId,
    async ask(task, cancel) {
      if (closing.signal.aborted) throw new UsageError('the server is stopping', { code: 'closed' })
      if (open >= most) {
        const detail = `${open} requests are open, ${config.concurrency} of them at work: try again later`
        throw new UsageError(detail, { code: 'busy' })
      }
      open += 1
      const leave = () => (open -= 1)
      const asked = keep(begin(task, cancel))
      asked.then(async ({ ended }) => await ended).then(leave, leave)
      return await asked
    },
    close,
  }
}
