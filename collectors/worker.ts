// A worker: takes rollouts of queued runs, runs them, gives back what it does not finish. Invariants: a
// rollout is done when its row says so, whoever ran it; a run that was paused or cancelled is let go of
// within a second or two; a run is done when all of its rollouts have ended.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ModelError, type ErrorRecord } from '../src/errors.ts'
import type { RunConfig } from '../src/run-file.ts'
import type { Sandbox } from '../src/sandbox.ts'
import type { Store } from '../src/store/contract.ts'
import { createContextCache } from './context-cache.ts'
import { fatalError, outages, type ScoreTrajectory } from './job.ts'
import type { Protocol } from './protocols/index.ts'
import type { HeldRollout, Queue } from './queue.ts'
import { runRollout, type RolloutEnd, type RunModels } from './rollout.ts'

/** What a worker needs of a run. */
export interface WorkedRun {
  config: RunConfig
  protocol: Protocol
  sandbox: Sandbox | null
  models: RunModels
  score: ScoreTrajectory | null
  /** Scores that compare the rollouts of a task, once all have ended. */
  scoreGroups(): Promise<void>
  close(): Promise<void>
}

export interface WorkerOptions {
  store: Store
  queue: Queue
  /** Rollouts at once. */
  concurrency: number
  /** Ready to be worked on. Errors raised: UsageError for a run that this machine cannot work on. */
  openRun(runId: string): Promise<WorkedRun>
  /** Stops the worker: its rollouts go back into the queue. */
  signal: AbortSignal
  onEnd(told: { runId: string; trajectoryId: string; end: RolloutEnd }): void
  onError: (error: unknown) => void
}

interface OpenRun {
  opened: Promise<WorkedRun>
  /** Aborted when the run is paused, cancelled or stopped by an error. */
  stop: AbortController
  /** Rollouts of this worker. */
  held: number
  /** Rollouts in a row that were lost to a server that is gone. */
  lostInARow: number
}

const idleMilliseconds = 500
const watchMilliseconds = 1000

/** Works until `signal` is aborted. */
export async function work(options: WorkerOptions): Promise<void> {
  const { store, queue, concurrency, signal, onError } = options
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'descent-worker-'))
  const contexts = createContextCache(store, scratch)
  const runs = new Map<string, OpenRun>()
  const working = new Set<Promise<void>>()
  const ended = new AbortController()

  function enter(runId: string): OpenRun {
    const known = runs.get(runId)
    const run =
      known && !known.stop.signal.aborted
        ? known
        : {
            opened: options.openRun(runId),
            stop: new AbortController(),
            held: 0,
            lostInARow: 0,
          }
    run.opened.catch(() => {})
    run.held += 1
    runs.set(runId, run)
    return run
  }

  async function leave(runId: string, run: OpenRun): Promise<void> {
    run.held -= 1
    if (run.held > 0) return
    await finish(runId, run)
    // A rollout that came meanwhile keeps it.
    if (run.held > 0) return
    if (runs.get(runId) === run) runs.delete(runId)
    await (await run.opened.catch(() => null))?.close()
  }

  /** Ends the run when nothing of it is left; of several workers, one does. */
  async function finish(runId: string, run: OpenRun): Promise<void> {
    const summary = await store.summarizeRun(runId)
    if (summary.status !== 'running' || summary.done + summary.failed < summary.trajectories) return
    const lock = await store.lockRun(runId)
    if (!lock) return
    try {
      if ((await store.findRun(runId)).status !== 'running') return
      await (await run.opened.catch(() => null))?.scoreGroups().catch(onError)
      await store.updateRun(runId, { status: 'done', endedAt: new Date().toISOString() })
    } finally {
      await lock.release()
    }
  }

  async function rollOut(job: HeldRollout, run: OpenRun): Promise<void> {
    const planned = await store.readPlanned(job.trajectoryId)
    if (!planned || planned.status === 'done') return
    const worked = await run.opened
    const task = await store.readTask(job.runId, planned.taskId)
    const stop = AbortSignal.any([signal, run.stop.signal, job.lost])
    stop.throwIfAborted()
    const end = await contexts.with(
      planned.taskHash,
      async ({ facts, files }) =>
        await runRollout({
          ...worked,
          store,
          runId: job.runId,
          trajectory: planned,
          task: { prompt: task.prompt, facts, files },
          scratch,
          signal: stop,
          emit: () => {},
        }),
    )
    if (end.status === 'done') await worked.score?.(planned.id).catch(onError)
    options.onEnd({ runId: job.runId, trajectoryId: planned.id, end })
    await heedFailure(job.runId, run, end.error)
  }

  /** What every further rollout would meet too stops the run, as it stops a job of one process. */
  async function heedFailure(runId: string, run: OpenRun, error: ErrorRecord | null): Promise<void> {
    run.lostInARow = error !== null && outages.has(error.code) ? run.lostInARow + 1 : 0
    if (!error || (!fatalError(error) && run.lostInARow < Math.max(8, concurrency))) return
    await store.updateRun(runId, { status: 'interrupted', endedAt: new Date().toISOString() })
    run.stop.abort(error)
    onError(new ModelError(error.code, `run ${runId} is stopped: ${error.message}`))
  }

  async function isRunning(runId: string): Promise<boolean> {
    return (await store.findRun(runId)).status === 'running'
  }

  async function workOn(job: HeldRollout): Promise<void> {
    const run = enter(job.runId)
    try {
      const goesOn = await isRunning(job.runId)
      if (goesOn) await rollOut(job, run)
      // Before the job is settled: should this worker die here, another one sees to it.
      if (run.held === 1) await finish(job.runId, run)
      await job.complete()
      // Resuming a run adds its rollouts again, but not those that are held.
      if (!goesOn && (await isRunning(job.runId))) await queue.add([job])
    } catch (error) {
      if (!signal.aborted && !run.stop.signal.aborted && !job.lost.aborted) {
        onError(error)
        // Nothing is gained by trying the same again at once.
        await sleep(idleMilliseconds * 4, null, { signal }).catch(() => {})
      }
      await job.giveBack()
    } finally {
      await leave(job.runId, run).catch(onError)
    }
  }

  /** Lets go of runs that are paused or cancelled. */
  async function watch(): Promise<void> {
    while (!ended.signal.aborted) {
      await sleep(watchMilliseconds, null, { signal: ended.signal }).catch(() => {})
      for (const [runId, run] of runs) {
        const { status } = await store.findRun(runId)
        if (status === 'running') continue
        run.stop.abort(new Error(`the run is ${status}`))
        runs.delete(runId)
      }
    }
  }

  const watching = (async () => {
    while (!ended.signal.aborted) await watch().catch(onError)
  })()
  try {
    while (!signal.aborted) {
      const free = concurrency - working.size
      const jobs = free > 0 ? await queue.take(free).catch(report) : []
      for (const job of jobs) {
        const one: Promise<void> = workOn(job)
          .catch(onError)
          .finally(() => working.delete(one))
        working.add(one)
      }
      if (jobs.length === 0) await sleep(idleMilliseconds, null, { signal }).catch(() => {})
    }
  } finally {
    await Promise.all(working)
    ended.abort()
    await watching
    await rm(scratch, { recursive: true, force: true })
  }

  function report(error: unknown): HeldRollout[] {
    onError(error)
    return []
  }
}
