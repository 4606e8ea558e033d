// Advantages of the rollouts of one task: a trajectory's advantage, the same for all of its tokens.
import { mean, onScored } from './method.ts'
import type { CreditMethod, GroupRewards } from './method.ts'

/**
 * A_i = (r_i − mean(r)) / (std(r) + ε), with the sample standard deviation (n − 1) and ε = 1e-4, as TRL's
 * GRPOTrainer computes it. A group of one, or of equal rewards, gives 0.
 * Source: DeepSeekMath, arXiv 2402.03300, section 4.1.2.
 */
export function grpo(rewards: GroupRewards) {
  return onScored(rewards, (scored) => {
    const center = mean(scored)
    const squares = scored.reduce((sum, reward) => sum + (reward - center) ** 2, 0)
    const deviation = scored.length > 1 ? Math.sqrt(squares / (scored.length - 1)) : 0
    return scored.map((reward) => (reward - center) / (deviation + 1e-4))
  })
}

/**
 * A_i = r_i − mean(r): GRPO without the standard deviation, prime-rl's default.
 * Source: PrimeIntellect-ai/prime-rl, docs/algorithms.md, "Default Advantage".
 */
export function grpoCentered(rewards: GroupRewards) {
  return onScored(rewards, (scored) => {
    const center = mean(scored)
    return scored.map((reward) => reward - center)
  })
}

/**
 * A_i = r_i − mean(r). The advantage is that of `grpo_centered`; what Dr. GRPO changes beside it is the
 * loss, which is divided by a constant and not by the length of the response (see `drGrpoTokenWeight`).
 * Source: Understanding R1-Zero-Like Training, arXiv 2503.20783.
 */
export function drGrpo(rewards: GroupRewards) {
  return grpoCentered(rewards)
}

/** The weight of each token of a response in Dr. GRPO's loss: 1 / the constant generation budget. */
export function drGrpoTokenWeight(maxTokens: number): number {
  return 1 / maxTokens
}

/**
 * A_i = r_i − mean of the others = (n / (n − 1)) (r_i − mean(r)). A group of one has no others and gives 0.
 * Source: Back to Basics, arXiv 2402.14740 (REINFORCE leave-one-out).
 */
export function rloo(rewards: GroupRewards) {
  return onScored(rewards, (scored) => {
    const total = scored.reduce((sum, reward) => sum + reward, 0)
    const others = scored.length - 1
    return scored.map((reward) => (others === 0 ? 0 : reward - (total - reward) / others))
  })
}

/**
 * A_i = (r_i − mean(r)) / mean(r); all 0 when the mean is not above 0. For rewards that are not negative.
 * Source: Maximum-likelihood RL, arXiv 2602.02710; prime-rl's `max_rl`.
 */
export function maxRl(rewards: GroupRewards) {
  return onScored(rewards, (scored) => {
    const center = mean(scored)
    return scored.map((reward) => (center > 0 ? (reward - center) / center : 0))
  })
}

export const groupMethods: readonly CreditMethod[] = [
  {
    name: 'grpo',
    version: '1',
    description: 'Reward minus the group mean, over the standard deviation.',
    source: 'arXiv 2402.03300',
    compute: grpo,
  },
  {
    name: 'grpo_centered',
    version: '1',
    description: 'Reward minus the group mean.',
    source: 'prime-rl, docs/algorithms.md',
    compute: grpoCentered,
  },
  {
    name: 'dr_grpo',
    version: '1',
    description: 'Reward minus the group mean; the loss is normalised by a constant.',
    source: 'arXiv 2503.20783',
    compute: drGrpo,
  },
  {
    name: 'rloo',
    version: '1',
    description: 'Reward minus the mean of the other rollouts.',
    source: 'arXiv 2402.14740',
    compute: rloo,
  },
  {
    name: 'max_rl',
    version: '1',
    description: 'Reward minus the group mean, over the group mean.',
    source: 'arXiv 2602.02710',
    compute: maxRl,
  },
]
