// Collection jobs of this process: started, paused, taken up and cancelled through the API. The store is the
// only state that lasts: a job that dies with the process is taken up as any interrupted run is.
import { planRun, runJob } from '../../collectors/job.ts'
import type { Queue } from '../../collectors/queue.ts'
import { openSandbox } from '../../collectors/sandbox/index.ts'
import { scoreRun } from '../../rewards/stage.ts'
import { UsageError } from '../../src/errors.ts'
import { runFileSchema } from '../../src/run-file.ts'
import type { Store, StoredRun } from '../../src/store/contract.ts'
import { isQueued, newRun, prepareRun, prepareStoredRun, scorer, type PreparedRun } from '../compose.ts'
import { openRewardTools } from '../reward-tools.ts'

export interface Jobs {
  /** The id of the run, which goes on. Errors raised: UsageError for what the run file gets wrong. */
  start(runFile: unknown): Promise<string>
  /** The same, for workers: its rollouts go into the queue. Null where the store has no queue. */
  enqueue: ((runFile: unknown) => Promise<string>) | null
  /** Takes up a run that is paused, interrupted or has failed rollouts. */
  resume(run: StoredRun): Promise<void>
  /**
   * Stops it; what is done stays, the rest can be taken up. False when neither this process nor the workers
   * run it.
   */
  pause(run: StoredRun): Promise<boolean>
  running(runId: string): boolean
  /** Pauses all. */
  close(): Promise<void>
}

interface Job {
  aborter: AbortController
  ended: Promise<void>
}

/**
 * `directory`: what paths of run files are relative to. `openQueue`: of a store that workers can share; it is
 * opened when it is needed.
 */
export function openJobs(
  store: Store,
  directory: string,
  onError: (error: unknown) => void = () => {},
  openQueue: (() => Promise<Queue>) | null = null,
): Jobs {
  let opened: Promise<Queue> | null = null
  const jobs = new Map<string, Job>()

  function launch(runId: string, job: (signal: AbortSignal) => Promise<void>): void {
    const aborter = new AbortController()
    const ended = job(aborter.signal)
      .catch((error: unknown) => {
        if (!aborter.signal.aborted) onError(error)
      })
      .finally(() => jobs.delete(runId))
    jobs.set(runId, { aborter, ended })
  }

  async function prepare(runFile: unknown): Promise<PreparedRun> {
    const parsed = runFileSchema.safeParse(runFile)
    if (parsed.success) return await prepareRun(parsed.data, directory)
    const [issue] = parsed.error.issues
    throw new UsageError(`run file: ${issue?.path.join('.') || 'the document'}: ${issue?.message ?? ''}`)
  }

  async function queueOf(): Promise<Queue> {
    if (!openQueue) throw new UsageError('runs for workers need a store on a PostgreSQL server')
    opened ??= openQueue()
    opened.catch(() => (opened = null))
    return await opened
  }

  return {
    async start(runFile) {
      const prepared = await prepare(runFile)
      const row = newRun(prepared)
      await store.createRun(row)
      launch(row.id, async (signal) => await run(store, prepared, row.id, true, signal))
      return row.id
    },
    enqueue:
      openQueue &&
      (async (runFile) => {
        const prepared = await prepare(runFile)
        const queue = await queueOf()
        const row = newRun(prepared, { queued: true })
        await store.createRun(row)
        launch(row.id, async (signal) => await enqueueRun(store, queue, prepared, row.id, true, signal))
        return row.id
      }),
    async resume(stored) {
      if (jobs.has(stored.id)) throw new UsageError('this run is being collected already')
      const lock = await store.lockRun(stored.id)
      if (!lock) throw new UsageError('this run is being collected by another process')
      await lock.release()
      const prepared = await prepareStoredRun(stored, directory)
      const plan = stored.status === 'pending'
      const queue = isQueued(stored) ? await queueOf() : null
      launch(stored.id, async (signal) =>
        queue
          ? await enqueueRun(store, queue, prepared, stored.id, plan, signal)
          : await run(store, prepared, stored.id, plan, signal),
      )
    },
    async pause(stored) {
      const job = jobs.get(stored.id)
      job?.aborter.abort(new Error('paused'))
      await job?.ended
      if (!isQueued(stored)) return job !== undefined
      // Workers let go of a run that is not running.
      const { status } = await store.findRun(stored.id)
      if (status === 'running')
        await store.updateRun(stored.id, { status: 'interrupted', endedAt: new Date().toISOString() })
      return true
    },
    running: (runId) => jobs.has(runId),
    async close() {
      for (const { aborter } of jobs.values()) aborter.abort(new Error('the server ends'))
      await Promise.all([...jobs.values()].map(({ ended }) => ended))
      await (await opened?.catch(() => null))?.close()
    },
  }
}

/** Plans a run whose rollouts are for workers, and puts those that are not done into the queue. */
async function enqueueRun(
  store: Store,
  queue: Queue,
  { config, taskset }: PreparedRun,
  runId: string,
  plan: boolean,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (plan) await planRun({ store, runId, config, signal, emit: () => {}, taskset })
    else await store.reopenFailed(runId)
    const pending = await store.pendingTrajectories(runId)
    signal.throwIfAborted()
    // Workers leave a run alone that is not running.
    await store.updateRun(runId, { status: 'running', startedAt: new Date().toISOString(), endedAt: null })
    await queue.add(pending.map(({ id }) => ({ runId, trajectoryId: id })))
  } catch (error) {
    if (!signal.aborted)
      await store.updateRun(runId, { status: 'failed', endedAt: new Date().toISOString() }).catch(() => {})
    throw error
  }
}

async function run(
  store: Store,
  { config, protocol, models, rewards, taskset }: PreparedRun,
  runId: string,
  plan: boolean,
  signal: AbortSignal,
): Promise<void> {
  const rewardTools = openRewardTools({ signal })
  const job = { store, runId, config, signal, emit: () => {} }
  let sandbox = null
  let planned = !plan
  try {
    if (plan) await planRun({ ...job, taskset })
    planned = true
    sandbox = protocol.setup ? await openSandbox({ minIsolation: config.minIsolation }) : null
    const score = rewards.length > 0 ? scorer(store, runId, rewards, rewardTools.tools) : null
    await runJob({ ...job, protocol, sandbox, models, score })
    const group = rewards.filter(({ bound }) => bound.scoreGroup)
    if (group.length > 0) {
      const { tools } = rewardTools
      await scoreRun({ store, runId, rewards: group, tools, concurrency: 8, signal })
    }
  } catch (error) {
    // A run that is `pending` is planned anew when it is taken up.
    const status = !signal.aborted ? 'failed' : planned ? 'interrupted' : 'pending'
    await store.updateRun(runId, { status, endedAt: new Date().toISOString() }).catch(() => {})
    throw error
  } finally {
    await Promise.all([sandbox?.close(), rewardTools.close()])
  }
}
