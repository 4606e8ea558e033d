// Recursive Agent Optimization: every node of a rollout's tree has a reward and an advantage of its own. What a
// node's own success is, is for others to say (the task's reward for the root, a score of the invocation for a
// child); a node that nobody scored gets no advantage and is in no mean.
import { mean } from './method.ts'

export interface RaoNode {
  id: string
  /** Null for the root. */
  parent: string | null
  depth: number
  /** How well it solved what it was asked, before any bonus; null when it was never scored. */
  success: number | null
}

export interface RaoCredit {
  id: string
  /** λ × the mean success of its direct children; 0 without children, null when none of them was scored. */
  bonus: number | null
  /** Own success + bonus; null when either is. */
  reward: number | null
  advantage: number | null
  /** The node's share in the loss: nodes of every depth weigh as much as those of any other, 1 on average. */
  weight: number
}

/**
 * Node rewards, advantages and weights for the rollouts of one task (`trees`, each with its root):
 *
 *   r(v) = s(v) + λ · (1 / |C(v)|) Σ s(c) over the direct children c of v; the children's successes, not their
 *          rewards, so that a bonus is not passed up the tree
 *   b(i) = (1 / (n − 1)) Σ r(root of j) over the other rollouts j ≠ i: leave one out; with a single rollout,
 *          its own root's reward
 *   A(v) = r(v) − b(i) for every node v of rollout i
 *   w(v) = N / (D · N_d): N nodes that have an advantage, N_d of them at the depth d of v, D depths
 *
 * Source: Recursive Agent Optimization, arXiv 2605.06639, as its authors' code computes it (github.com/ApGa/
 * platoon: subagent_rewards.py, group_rollout_workflow.py, batch_transforms.py) and tinker-cookbook's rlm_rl
 * recipe (rao_advantages); λ = 0.4 is their setting for OOLONG-real. The authors weigh depths over a training
 * batch; here, as in the recipe, over the group.
 */
export function rao(trees: readonly (readonly RaoNode[])[], lambda = 0.4): RaoCredit[][] {
  const rewarded = trees.map((nodes) => rewards(nodes, lambda))
  const roots = trees.map((nodes, index) => {
    const at = nodes.findIndex(({ parent }) => parent === null)
    return rewarded[index]?.[at]?.reward ?? null
  })
  const credited = rewarded.map((nodes, index) => {
    const baseline = leaveOneOut(roots, index)
    return nodes.map((node) => ({
      ...node,
      advantage: node.reward === null || baseline === null ? null : node.reward - baseline,
    }))
  })
  const depths = trees.flatMap((nodes, tree) =>
    nodes.flatMap(({ depth }, at) => ((credited[tree]?.[at]?.advantage ?? null) === null ? [] : [depth])),
  )
  const counts = new Map<number, number>()
  for (const depth of depths) counts.set(depth, (counts.get(depth) ?? 0) + 1)
  return trees.map((nodes, tree) =>
    nodes.map(({ id, depth }, at) => {
      const { bonus = null, reward = null, advantage = null } = credited[tree]?.[at] ?? {}
      const weight = advantage === null ? 0 : depths.length / (counts.size * (counts.get(depth) ?? 1))
      return { id, bonus, reward, advantage, weight }
    }),
  )
}

function rewards(nodes: readonly RaoNode[], lambda: number) {
  const children = Map.groupBy(nodes, ({ parent }) => parent)
  return nodes.map(({ id, success }) => {
    const own = children.get(id) ?? []
    const scored = own.flatMap((child) => (child.success === null ? [] : [child.success]))
    const isUnknown = lambda !== 0 && own.length > 0 && scored.length === 0
    const bonus = isUnknown ? null : scored.length === 0 ? 0 : lambda * mean(scored)
    return { bonus, reward: success === null || bonus === null ? null : success + bonus }
  })
}

function leaveOneOut(roots: readonly (number | null)[], index: number): number | null {
  const others = roots.flatMap((reward, at) => (reward === null || at === index ? [] : [reward]))
  return others.length > 0 ? mean(others) : (roots[index] ?? null)
}
