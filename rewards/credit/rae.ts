// Role-conditioned advantage estimation: it has a memory, so rollouts are given in the order they ended.
import type { Advantages } from './method.ts'

export interface RoleReward {
  /** Whose reward it is, as `environment/role`. */
  role: string
  /** Null when it was never scored: it gets no advantage and moves no baseline. */
  reward: number | null
}

/**
 * A = r − b[role], then b[role] ← α b[role] + (1 − α) r. The baseline of before the update is subtracted;
 * baselines begin at 0. `baselines` is changed, so that a later call goes on from it.
 * Source: SPIRAL, arXiv 2506.24119 (α = 0.95); prime-rl's `rae`.
 */
export function rae(
  rollouts: readonly RoleReward[],
  baselines: Map<string, number> = new Map(),
  decay = 0.95,
): Advantages {
  return rollouts.map(({ role, reward }) => {
    if (reward === null) return null
    const baseline = baselines.get(role) ?? 0
    baselines.set(role, decay * baseline + (1 - decay) * reward)
    return reward - baseline
  })
}
