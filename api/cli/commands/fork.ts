// `descent fork ID --turn N`: continuations of a stored trajectory from one common beginning, as a run of
// its own. Each knows where it comes from.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { UsageError } from '../../../src/errors.ts'
import type { RunConfig } from '../../../src/run-file.ts'
import type { NewTask, Store } from '../../../src/store/contract.ts'
import type { Trajectory } from '../../../src/trajectory.ts'
import { newRun, prepareRun, storedConfig } from '../../compose.ts'
import { decimal, wholeNumber } from '../numbers.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'
import { collectRun, result, summaryText } from './collect.ts'

interface ForkOptions extends StoreOption {
  turn: string
  rollouts: string
  model?: string
  temperature?: string
  json?: boolean
}

export async function fork(reference: string, options: ForkOptions): Promise<void> {
  await usingStore(options, async (store) => {
    const trajectory = await store.readTrajectory(await store.findTrajectory(reference))
    const turns = wholeNumber(options.turn, '--turn', 1)
    const have = trajectory.invocations.find((invocation) => invocation.depth === 0)?.turns.length ?? 0
    if (turns >= have)
      throw new UsageError(`--turn: the trajectory has ${have} turns; keep at most ${have - 1} of them`)
    const origin = { trajectoryId: trajectory.id, turns }
    const run = await store.findRun(trajectory.runId)
    const { config, texts } = storedConfig(run)
    const prepared = await prepareRun(changed(config, trajectory, options), process.cwd(), texts)
    const row = newRun(prepared)
    await store.createRun(row)
    await planFork(store, row.id, trajectory, prepared.config)
    await store.planForks(row.id, trajectory.taskId, origin)
    await store.updateRun(row.id, { status: 'interrupted' })
    const summary = await collectRun(store, prepared, await store.findRun(row.id), {})
    if (options.json) printJson({ ...result(summary), origin })
    else say(summaryText(summary))
  })
}

function changed(config: RunConfig, trajectory: Trajectory, options: ForkOptions): RunConfig {
  const temperature =
    options.temperature === undefined
      ? {}
      : { temperature: decimal(options.temperature, '--temperature', 0, 2) }
  return {
    ...config,
    name: `fork of ${config.name}`,
    rollouts: wholeNumber(options.rollouts, '--rollouts', 1),
    model: options.model === undefined ? config.model : { ...config.model, name: options.model },
    sampling: { ...config.sampling, ...temperature },
    // Continuations must not repeat what the original did.
    seed: (trajectory.seed + wholeNumber(options.turn, '--turn', 1)) % 2 ** 31,
  }
}

async function planFork(
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
