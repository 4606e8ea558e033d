// Rollouts that wait for workers, as jobs of pg-boss in the database of the store: one job a rollout, which
// only names it. Invariant: the rows of the trajectories are the truth; a job that is lost or comes twice
// costs time, and neither a rollout nor a record.
import { setTimeout as sleep } from 'node:timers/promises'
import { PgBoss, type Job } from 'pg-boss'
import { StoreError } from '../src/errors.ts'

const name = 'descent-rollouts'
/** A worker that is silent for so long is taken for dead. */
const heartbeatSeconds = 10
const touchMilliseconds = 3000
const daySeconds = 86_400

export interface QueuedRollout {
  runId: string
  trajectoryId: string
}

export interface HeldRollout extends QueuedRollout {
  /** Aborted when the job is no longer this worker's: it was taken for dead, or the job was taken away. */
  lost: AbortSignal
  /** The job is done. */
  complete(): Promise<void>
  /** Another worker may take it at once. */
  giveBack(): Promise<void>
}

export interface Queue {
  /** One that is waiting or held already is not added again. */
  add(rollouts: QueuedRollout[]): Promise<void>
  /** Takes up to `most` rollouts, which are held until they are completed or given back. */
  take(most: number): Promise<HeldRollout[]>
  close(): Promise<void>
}

interface Held {
  key: { id: string; retryCount: number }
  lost: AbortController
}

/**
 * `url`: the PostgreSQL server of the store. Its role must be allowed to make the schema `pgboss`. Errors
 * raised: StoreError when the queue cannot be opened.
 */
export async function openQueue(url: string, onError: (error: unknown) => void): Promise<Queue> {
  const boss = new PgBoss({
    connectionString: url,
    max: 3,
    application_name: 'descent-queue',
    schedule: false,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  })
  boss.on('error', onError)
  try {
    await boss.start()
    await boss.createQueue(name, {
      policy: 'exclusive',
      heartbeatSeconds,
      // The longest that pg-boss allows; a longer rollout goes on where it was.
      expireInSeconds: daySeconds - 1,
      retentionSeconds: 365 * daySeconds,
      // Each restart of a worker counts as one.
      retryLimit: 1000,
      retryDelay: 0,
    })
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => {})
    const message = error instanceof Error ? error.message : String(error)
    throw new StoreError('queue', `the queue of rollouts cannot be opened: ${message}`, { cause: error })
  }
  const held = new Map<string, Held>()
  const closing = new AbortController()

  /** Tells the server that this worker lives, and learns which jobs it has lost. */
  async function touchAll(): Promise<void> {
    while (!closing.signal.aborted) {
      await sleep(touchMilliseconds, null, { signal: closing.signal }).catch(() => {})
      const before = [...held.values()]
      if (before.length === 0) continue
      try {
        const told: { affected?: number } = await boss.touch(
          name,
          before.map(({ key }) => key),
        )
        // The number of jobs that are still held is there, though the type does not say so.
        if ((told.affected ?? 0) < before.length) await findLost(before)
      } catch (error) {
        onError(error)
      }
    }
  }

  async function findLost(before: Held[]): Promise<void> {
    for (const { key, lost } of before) {
      if (!held.has(key.id)) continue
      const job = await boss.getJobById(name, key.id)
      if (job?.state !== 'active' || job.retryCount !== key.retryCount)
        lost.abort(new Error('the rollout was handed to another worker'))
    }
  }

  function hold({ id, retryCount, data }: Job<QueuedRollout>): HeldRollout {
    const key = { id, retryCount }
    const lost = new AbortController()
    held.set(id, { key, lost })
    const settle = async (how: 'complete' | 'fail') => {
      held.delete(id)
      // The count fences: a worker that was taken for dead settles nothing of the next one's.
      await (how === 'complete' ? boss.complete(name, key) : boss.fail(name, key, { reason: 'given back' }))
    }
    return {
      ...data,
      lost: lost.signal,
      complete: async () => await settle('complete'),
      giveBack: async () => await settle('fail'),
    }
  }

  const touching = touchAll()
  return {
    async add(rollouts) {
      for (let from = 0; from < rollouts.length; from += 1000) {
        const jobs = rollouts
          .slice(from, from + 1000)
          .map(({ runId, trajectoryId }) => ({ data: { runId, trajectoryId }, singletonKey: trajectoryId }))
        await boss.insert(name, jobs)
      }
    },
    async take(most) {
      const jobs = await boss.fetch<QueuedRollout>(name, { batchSize: most })
      return jobs.map(hold)
    },
    async close() {
      closing.abort()
      await touching
      await boss.stop({ graceful: false })
    },
  }
}
