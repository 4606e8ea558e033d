// A fork of a stored trajectory, planned: a run of its own that keeps the first turns and goes on from there.
// Nothing is asked of a model until the run is collected.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { UsageError } from '../src/errors.ts'
import type { RunConfig } from '../src/run-file.ts'
import type { NewTask, Store, StoredRun } from '../src/store/contract.ts'
import type { Trajectory } from '../src/trajectory.ts'
import { newRun, prepareRun, type PreparedRun, storedConfig } from './compose.ts'

export interface ForkOptions {
  /** Turns of the root that are kept, from 1; fewer than it has. */
  turns: number
  rollouts: number
  /** Another model for the root, on the same server. */
  model?: string | undefined
  temperature?: number | undefined
}

/**
 * `directory`: what paths of the run file are relative to. The run is `interrupted`, ready to be taken up.
 * Errors raised: UsageError.
 */
export async function planFork(
  store: Store,
  reference: string,
  options: ForkOptions,
  directory: string,
): Promise<{ run: StoredRun; prepared: PreparedRun; origin: { trajectoryId: string; turns: number } }> {
  const trajectory = await store.readTrajectory(await store.findTrajectory(reference))
  const { turns } = options
  const have = trajectory.invocations.find((invocation) => invocation.depth === 0)?.turns.length ?? 0
  if (turns >= have)
    throw new UsageError(`turn: the trajectory has ${have} turns; keep at most ${have - 1} of them`)
  const origin = { trajectoryId: trajectory.id, turns }
  const { config, texts } = storedConfig(await store.findRun(trajectory.runId))
  const prepared = await prepareRun(changed(config, trajectory, options), directory, texts)
  const row = newRun(prepared)
  await store.createRun(row)
  await addTask(store, row.id, trajectory, prepared.config)
  await store.planForks(row.id, trajectory.taskId, origin)
  await store.updateRun(row.id, { status: 'interrupted' })
  return { run: await store.findRun(row.id), prepared, origin }
}

function changed(config: RunConfig, trajectory: Trajectory, options: ForkOptions): RunConfig {
  const { turns, rollouts, model, temperature } = options
  return {
    ...config,
    name: `fork of ${config.name}`,
    rollouts,
    model: model === undefined ? config.model : { ...config.model, name: model },
    sampling: { ...config.sampling, ...(temperature === undefined ? {} : { temperature }) },
    // Continuations must not repeat what the original did.
    seed: (trajectory.seed + turns) % 2 ** 31,
  }
}

async function addTask(
  store: Store,
  runId: string,
  trajectory: Trajectory,
  config: RunConfig,
): Promise<void> {
  const task = await store.readTask(trajectory.runId, trajectory.taskId)
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'descent-fork-'))
  try {
    const file = path.join(scratch, 'context')
    const facts = await store.writeContext(task.hash, file)
    async function* one(): AsyncIterable<NewTask> {
      const context = {
        file,
        hash: facts.hash,
        format: facts.format,
        type: facts.type,
        characters: facts.characters,
        bytes: facts.bytes,
      }
      yield {
        id: task.id,
        hash: task.hash,
        prompt: task.prompt,
        context,
        answer: task.answer,
        metadata: task.metadata,
      }
    }
    await store.addTasks(runId, one(), config.rollouts, config.seed)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
