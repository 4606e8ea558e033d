// A queued run made ready for a worker: models, sandbox, rewards out of its own row.
import type { WorkedRun } from '../collectors/worker.ts'
import { openSandbox } from '../collectors/sandbox/index.ts'
import { scoreRun } from '../rewards/stage.ts'
import type { Store } from '../src/store/contract.ts'
import { prepareStoredRun, scorer } from './compose.ts'
import { openRewardTools } from './reward-tools.ts'

/** `directory`: what the paths of its rewards are relative to. Errors raised: UsageError, SandboxError. */
export async function openWorkedRun(store: Store, runId: string, directory: string): Promise<WorkedRun> {
  const prepared = await prepareStoredRun(await store.findRun(runId), directory)
  const { config, protocol, models, rewards } = prepared
  const ending = new AbortController()
  const { signal } = ending
  const rewardTools = openRewardTools({ signal })
  const { tools } = rewardTools
  const sandbox = protocol.setup ? await openSandbox({ minIsolation: config.minIsolation }) : null
  return {
    config,
    protocol,
    sandbox,
    models,
    score: rewards.length > 0 ? scorer(store, runId, rewards, tools) : null,
    async scoreGroups() {
      const group = rewards.filter(({ bound }) => bound.scoreGroup)
      if (group.length > 0) await scoreRun({ store, runId, rewards: group, tools, concurrency: 8, signal })
    },
    async close() {
      ending.abort(new Error('the worker has left the run'))
      await Promise.all([sandbox?.close(), rewardTools.close()])
    },
  }
}
