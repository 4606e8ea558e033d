// From rewards and a trajectory to score rows. A reward that throws, or gives what is not a finite
// number, makes an error row (value null); it never makes a 0 and never stops the other rewards.
import { DescentError, toErrorRecord } from '../src/errors.ts'
import type { BoundReward, RewardResult, RewardTask } from '../src/reward.ts'
import { placeIn, placeText } from '../src/reward-definition.ts'
import type { RewardTools } from '../src/reward-tools.ts'
import type { NewScore } from '../src/store/contract.ts'
import type { Trajectory } from '../src/trajectory.ts'
import type { WeightedReward } from './index.ts'

/** A score as it is stored, without the ids that its place gives it. */
export type ScoreRow = Omit<NewScore, 'id' | 'runId' | 'trajectoryId' | 'createdAt'> & {
  value: number | null
}

/** One row per reward, in their order, after those of single invocations; no group rewards. Raises no errors. */
export async function scoreTrajectory(
  rewards: readonly WeightedReward[],
  task: RewardTask,
  trajectory: Trajectory,
  tools: RewardTools = {},
): Promise<ScoreRow[]> {
  const rows: ScoreRow[] = []
  for (const { bound, weight } of rewards) {
    if (bound.scoreGroup) continue
    try {
      const result = await bound.score(task, trajectory, tools)
      const own = checked(bound, result)
      rows.push(...invocationRows(bound, weight, result, trajectory), { ...identity(bound, weight), ...own })
    } catch (error) {
      rows.push({ ...identity(bound, weight), ...failed(bound, error) })
    }
  }
  return rows
}

/** Scores of single invocations; they are in no trajectory's reward. */
function invocationRows(
  bound: BoundReward,
  weight: number,
  { invocations = [] }: RewardResult,
  trajectory: Trajectory,
): ScoreRow[] {
  const known = new Set(trajectory.invocations.map(({ id }) => id))
  return invocations.map(({ id, ...result }) => {
    if (!known.has(id)) throw badResult(bound, id, 'the id of an invocation of the trajectory')
    return { ...identity(bound, weight), ...checked(bound, result), invocationId: id }
  })
}

/** One row per trajectory, null where the reward gave none. Raises no errors. */
export async function scoreGroup(
  { bound, weight }: WeightedReward,
  task: RewardTask,
  trajectories: Trajectory[],
  tools: RewardTools = {},
): Promise<(ScoreRow | null)[]> {
  try {
    const results = (await bound.scoreGroup?.(task, trajectories, tools)) ?? []
    if (!Array.isArray(results) || results.length !== trajectories.length) {
      throw badResult(bound, results, `a list of ${trajectories.length} results, one for each trajectory`)
    }
    return results.map((result) => {
      if (result === null) return null
      const { details, ...rest } = checked(bound, result)
      // Told apart later: a group that has grown is scored again.
      return { ...identity(bound, weight), ...rest, details: { ...details, rollouts: trajectories.length } }
    })
  } catch (error) {
    return trajectories.map(() => ({ ...identity(bound, weight), ...failed(bound, error) }))
  }
}

function identity({ name, version, options, optionsHash }: BoundReward, weight: number) {
  return { reward: name, version, options, optionsHash, weight, author: 'reward' }
}

function checked(bound: BoundReward, result: RewardResult): Pick<ScoreRow, 'value' | 'error' | 'details'> {
  // Custom rewards are not type-checked when they run.
  const given: unknown = result
  if (given === null || typeof given !== 'object' || !('value' in given)) {
    throw badResult(bound, given, '{value: a number, details?: an object}')
  }
  const { value, details } = result
  if (!Number.isFinite(value)) throw badResult(bound, value, 'a finite number as value', 'not_finite')
  return { value, error: null, details: details ?? null }
}

function badResult(bound: BoundReward, given: unknown, expected: string, code = 'bad_result'): DescentError {
  const shown =
    given === undefined ? 'nothing' : typeof given === 'number' ? String(given) : JSON.stringify(given)
  return new DescentError(
    'reward',
    code,
    `${placeText(bound.place)}: reward ${bound.name} gave ${shown.slice(0, 200)}, not ${expected}`,
  )
}

function failed(bound: BoundReward, error: unknown): Pick<ScoreRow, 'value' | 'error' | 'details'> {
  const record = toErrorRecord(error, 'reward')
  // A mistake in a person's file: the line that threw says more than the message alone.
  const place = error instanceof DescentError ? null : placeIn(stackOf(error), bound.place?.file)
  const message = place ? `${placeText(place)}: ${record.message}` : record.message
  return { value: null, error: { ...record, message, boundary: 'reward' }, details: null }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? '') : ''
}
