// Scores of an answer that a repair changed: the rewards of the run, computed again from the trajectory as it
// is now. Only where that gives what scoring the run would give: every recorded score is of a built-in reward
// of the run file, in the version of now, that uses neither a judge nor a sandbox nor other rollouts.
import { bindRewards, type WeightedReward } from '../rewards/index.ts'
import { scoreTrajectory } from '../rewards/score.ts'
import type { Rescore } from '../src/datasets/index.ts'
import type { RewardTools } from '../src/reward-tools.ts'
import { runFileSchema } from '../src/run-file.ts'
import type { Store } from '../src/store/contract.ts'

/** Errors raised: those of the store. */
export function createRescore(store: Pick<Store, 'findRun' | 'readTask'>): Rescore {
  const opened = new Map<string, Promise<readonly WeightedReward[] | null>>()
  async function rewardsOf(runId: string): Promise<readonly WeightedReward[] | null> {
    const { config } = await store.findRun(runId)
    const parsed = runFileSchema.shape.rewards.safeParse(config['rewards'])
    if (!parsed.success) return null
    try {
      return bindRewards(parsed.data)
    } catch {
      // A reward of one's own, or one that is gone.
      return null
    }
  }
  return async (trajectory, signal) => {
    const { runId, scores } = trajectory
    const known = opened.get(runId) ?? rewardsOf(runId)
    opened.set(runId, known)
    const rewards = await known
    const same =
      rewards?.length === scores.length &&
      rewards.every(({ bound, weight }) =>
        scores.some(
          (score) =>
            score.reward === bound.name && score.version === bound.version && score.weight === weight,
        ),
      )
    if (!rewards || !same || rewards.some(({ bound }) => bound.scoreGroup)) return null
    signal?.throwIfAborted()
    const task = await store.readTask(runId, trajectory.taskId)
    const rows = await scoreTrajectory(rewards, task, trajectory, noTools)
    const own = rows.filter(({ invocationId }) => invocationId === undefined || invocationId === null)
    if (own.some(({ value }) => value === null)) return null
    return {
      reward: own.reduce((sum, { value, weight }) => sum + (value ?? 0) * weight, 0),
      scores: own.map(({ reward, version, value, weight, details }) => ({
        reward,
        version,
        value,
        weight,
        error: null,
        details: details ?? null,
      })),
    }
  }
}

/** A reward that asks for a judge or a sandbox fails, and is not computed again. */
const noTools: RewardTools = {}
