// Collection jobs of this process: started, paused, taken up and cancelled through the API. The store is the
// only state that lasts: a job that dies with the process is taken up as any interrupted run is.
import { planRun, runJob } from '../../collectors/job.ts'
import { openSandbox } from '../../collectors/sandbox/index.ts'
import { scoreRun } from '../../rewards/stage.ts'
import { UsageError } from '../../src/errors.ts'
import { runFileSchema } from '../../src/run-file.ts'
import type { Store, StoredRun } from '../../src/store/contract.ts'
import { newRun, prepareRun, prepareStoredRun, scorer, type PreparedRun } from '../compose.ts'
import { openRewardTools } from '../reward-tools.ts'

export interface Jobs {
  /** The id of the run, which goes on. Errors raised: UsageError for what the run file gets wrong. */
  start(runFile: unknown): Promise<string>
  /** Takes up a run that is paused, interrupted or has failed rollouts. */
  resume(run: StoredRun): Promise<void>
  /** Stops it; what is done stays, the rest can be taken up. False when this process does not run it. */
  pause(runId: string): Promise<boolean>
  running(runId: string): boolean
  /** Pauses all. */
  close(): Promise<void>
}

interface Job {
  aborter: AbortController
  ended: Promise<void>
}

/** `directory`: what paths of run files are relative to. */
export function openJobs(
  store: Store,
  directory: string,
  onError: (error: unknown) => void = () => {},
): Jobs {
  const jobs = new Map<string, Job>()

  function launch(prepared: PreparedRun, runId: string, plan: boolean): void {
    const aborter = new AbortController()
    const ended = run(store, prepared, runId, plan, aborter.signal)
      .catch((error: unknown) => {
        if (!aborter.signal.aborted) onError(error)
      })
      .finally(() => jobs.delete(runId))
    jobs.set(runId, { aborter, ended })
  }

  return {
    async start(runFile) {
      const parsed = runFileSchema.safeParse(runFile)
      if (!parsed.success) {
        const [issue] = parsed.error.issues
        throw new UsageError(`run file: ${issue?.path.join('.') || 'the document'}: ${issue?.message ?? ''}`)
      }
      const prepared = await prepareRun(parsed.data, directory)
      const row = newRun(prepared)
      await store.createRun(row)
      launch(prepared, row.id, true)
      return row.id
    },
    async resume(stored) {
      if (jobs.has(stored.id)) throw new UsageError('this run is being collected already')
      const lock = await store.lockRun(stored.id)
      if (!lock) throw new UsageError('this run is being collected by another process')
      await lock.release()
      launch(await prepareStoredRun(stored, directory), stored.id, stored.status === 'pending')
    },
    async pause(runId) {
      const job = jobs.get(runId)
      if (!job) return false
      job.aborter.abort(new Error('paused'))
      await job.ended
      return true
    },
    running: (runId) => jobs.has(runId),
    async close() {
      for (const { aborter } of jobs.values()) aborter.abort(new Error('the server ends'))
      await Promise.all([...jobs.values()].map(({ ended }) => ended))
    },
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
