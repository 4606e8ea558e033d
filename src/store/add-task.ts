// Tasks that come while their run goes on, one at a time, each with one rollout. Invariant: a task that is
// there already (same id, same content) gets a further rollout, so that its rollouts stay one group.
import { UsageError } from '../errors.ts'
import { newId } from '../ids.ts'
import { schemaVersion } from '../trajectory.ts'
import type { NewTask, PlannedTrajectory } from './contract.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import { encodeRow, insertRows } from './insert.ts'
import { blobs, runTasks, trajectories } from './schema.ts'
import { rolloutSeed, storeContexts, taskRow } from './tasks.ts'
import { splitText, textLimit } from './text.ts'

interface RunRow {
  policyVersion: string | null
  scripted: boolean
}

/**
 * Stores a task of a run that is open, and plans one rollout of it. Errors raised: UsageError when there is
 * no such run, or the run has another task of this id.
 */
export async function addTask(
  database: Database,
  runId: string,
  task: NewTask,
  seed: number,
): Promise<PlannedTrajectory> {
  await storeContexts(database, [task])
  await task.release?.()
  const prompt = await splitText(task.prompt, textLimit)
  const id = newId()
  return await query(database, () =>
    database.raw.begin(async (sql) => {
      // Whoever adds a task to this run at the same time waits here.
      const [run] = await sql<RunRow[]>`
        select policy_version as "policyVersion", scripted from runs where id = ${runId} for update`
      if (!run) throw new UsageError(`no run ${runId} in the store at ${database.location}`)
      const [known] = await sql<{ position: number; taskHash: string }[]>`
        select position, task_hash as "taskHash" from run_tasks
        where run_id = ${runId} and task_id = ${task.id}`
      if (known && known.taskHash !== task.hash)
        throw new UsageError(`run ${runId} has another task with the id "${task.id}"`)
      const [last] = await sql<{ next: number }[]>`
        select max(position) + 1 as next from run_tasks where run_id = ${runId}`
      const [rolled] = await sql<{ next: number }[]>`
        select max(rollout) + 1 as next from trajectories
        where run_id = ${runId} and task_id = ${task.id} and id <> ${id}`
      const position = known?.position ?? last?.next ?? 0
      const rollout = rolled?.next ?? 0
      const place = { runId, position, taskId: task.id, taskHash: task.hash }
      const own = { id, rollout, seed: rolloutSeed(seed, task.hash, rollout), status: 'pending' as const }
      const { scripted, policyVersion } = run
      await insertRows(sql, [
        ...prompt.blobs.map((blob) => encodeRow(blobs, { ...blob })),
        taskRow(task, prompt.column, prompt.hash),
        ...(known ? [] : [encodeRow(runTasks, place)]),
        encodeRow(trajectories, { ...place, ...own, scripted, policyVersion, schemaVersion }),
      ])
      if (!known) await sql`update runs set tasks = ${position + 1} where id = ${runId}`
      return { ...own, position, taskId: task.id, taskHash: task.hash, attempt: 0, origin: null }
    }),
  )
}
