// Does a stored trajectory do the same again? Its cells are executed with the recorded answers of models, in
// a sandbox of the level that the run asked for: no model is asked, nothing is stored.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { replayTrajectory, type ReplayedCell } from '../collectors/replay-trajectory.ts'
import { openSandbox } from '../collectors/sandbox/index.ts'
import type { Store } from '../src/store/contract.ts'
import { storedProtocol } from './compose.ts'

/** Errors raised: UsageError, SandboxError when none starts; the signal's reason when stopped. */
export async function* replayStored(
  store: Store,
  reference: string,
  signal: AbortSignal,
): AsyncGenerator<ReplayedCell> {
  const trajectory = await store.readTrajectory(await store.findTrajectory(reference))
  const { config, protocol } = storedProtocol(await store.findRun(trajectory.runId))
  const { hash: taskHash } = await store.readTask(trajectory.runId, trajectory.taskId)
  const sandbox = await openSandbox({ minIsolation: config.minIsolation })
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'descent-replay-'))
  const trajectoryId = trajectory.id
  try {
    yield* replayTrajectory({ store, trajectoryId, taskHash, protocol, config, sandbox, scratch, signal })
  } finally {
    await sandbox.close()
    await rm(scratch, { recursive: true, force: true })
  }
}
