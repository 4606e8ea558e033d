// From rewards and a trajectory to score rows. A reward that throws, or gives what is not a finite
// number, makes an error row (value null); it never makes a 0 and never stops the other rewards.
import { DescentError, toErrorRecord } from '../src/errors.ts'
import type { BoundReward, RewardTask } from '../src/reward.ts'
import type { NewScore } from '../src/store/contract.ts'
import type { Trajectory } from '../src/trajectory.ts'

/** A score as it is stored, without the ids that its place gives it. */
export type ScoreRow = Omit<NewScore, 'id' | 'runId' | 'trajectoryId' | 'createdAt'> & {
  value: number | null
}

/** One row per reward, in their order. Raises no errors. */
export async function scoreTrajectory(
  rewards: readonly { bound: BoundReward; weight: number }[],
  task: RewardTask,
  trajectory: Trajectory,
): Promise<ScoreRow[]> {
  const rows: ScoreRow[] = []
  for (const { bound, weight } of rewards) {
    const { name: reward, version, options, optionsHash } = bound
    const outcome = await scoreOne(bound, task, trajectory)
    rows.push({ reward, version, options, optionsHash, weight, ...outcome, author: 'reward' })
  }
  return rows
}

async function scoreOne(
  bound: BoundReward,
  task: RewardTask,
  trajectory: Trajectory,
): Promise<Pick<ScoreRow, 'value' | 'error' | 'details'>> {
  try {
    const { value, details } = await bound.score(task, trajectory)
    if (!Number.isFinite(value)) {
      throw new DescentError(
        'reward',
        'not_finite',
        `reward ${bound.name} gave ${String(value)}, not a number`,
      )
    }
    return { value, error: null, details: details ?? null }
  } catch (error) {
    return { value: null, error: { ...toErrorRecord(error, 'reward'), boundary: 'reward' }, details: null }
  }
}
