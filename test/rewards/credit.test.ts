// Advantages of two groups and of one tree, against numbers worked out by hand.
import { describe, expect, test } from 'vitest'
import {
  drGrpo,
  drGrpoTokenWeight,
  findCreditMethod,
  groupMethods,
  grpo,
  grpoCentered,
  inheritAdvantage,
  maxRl,
  monteCarloSteps,
  rae,
  rloo,
  tokenAdvantages,
} from '../../rewards/credit/index.ts'
import { cell, trajectory } from './sample.ts'

/** Mean 0.5; sample variance (4 × 0.25) / 3, deviation 0.57735. */
const even = [1, 0, 1, 0]
/** Mean 0.25, with one rollout that was never scored. */
const sparse = [0, null, 0.75, 0]

function closeTo(values: (number | null)[], wanted: (number | null)[]) {
  expect(values.map((value) => (value === null ? null : Number(value.toFixed(4))))).toEqual(wanted)
}

describe('groups', () => {
  test('GRPO divides by the sample standard deviation', () => {
    expect.hasAssertions()
    // 0.5 / (0.57735 + 0.0001)
    closeTo(grpo(even), [0.8659, -0.8659, 0.8659, -0.8659])
    // Deviations -0.25, 0.5, -0.25: squares 0.0625 + 0.25 + 0.0625 = 0.375; / 2 = 0.1875; root 0.43301.
    closeTo(grpo(sparse), [-0.5772, null, 1.1544, -0.5772])
  })

  test('without it, and as Dr. GRPO', () => {
    closeTo(grpoCentered(even), [0.5, -0.5, 0.5, -0.5])
    closeTo(drGrpo(sparse), [-0.25, null, 0.5, -0.25])
    expect(drGrpoTokenWeight(4096)).toBe(1 / 4096)
  })

  test('RLOO subtracts the mean of the others', () => {
    expect.hasAssertions()
    // 1 − 1/3, 0 − 2/3
    closeTo(rloo(even), [0.6667, -0.6667, 0.6667, -0.6667])
    // 0 − 0.375, 0.75 − 0
    closeTo(rloo(sparse), [-0.375, null, 0.75, -0.375])
  })

  test('MaxRL divides by the mean', () => {
    expect.hasAssertions()
    closeTo(maxRl(even), [1, -1, 1, -1])
    closeTo(maxRl(sparse), [-1, null, 2, -1])
    closeTo(maxRl([0, 0]), [0, 0])
    closeTo(maxRl([-1, 0.5]), [0, 0])
  })

  test('never scored stays apart from scored zero, in every method', () => {
    for (const { name, compute } of groupMethods) {
      const [first, missing, ...rest] = compute([1, null, 0])
      expect({ name, missing }).toEqual({ name, missing: null })
      expect({ name, advantages: [first, ...rest] }).toEqual({ name, advantages: compute([1, 0]) })
      expect(compute([0.5, null, 1])[0]).not.toBe(compute([0.5, 0, 1])[0])
      expect(compute([null, null])).toEqual([null, null])
      expect(compute([0.5])).toEqual([0])
      expect(compute([])).toEqual([])
    }
    expect(() => findCreditMethod('gpro')).toThrow(/unknown method "gpro"; there are grpo, grpo_centered/)
  })
})

test('RAE subtracts the baseline of the role as it was before', () => {
  const baselines = new Map<string, number>()
  const rollouts = [
    { role: 'root', reward: 1 },
    { role: 'child', reward: 0.5 },
    { role: 'root', reward: null },
    { role: 'root', reward: 0 },
    { role: 'root', reward: 1 },
  ]
  // root: b = 0, then 0.9 × 0 + 0.1 × 1 = 0.1, then 0.09, then 0.181.
  closeTo(rae(rollouts, baselines, 0.9), [1, 0.5, null, -0.1, 0.91])
  expect(baselines.get('root')).toBeCloseTo(0.181)
  expect(baselines.get('child')).toBeCloseTo(0.05)
  closeTo(rae([{ role: 'root', reward: 0.181 }], baselines, 0.9), [0])
  const alone = (rewards: (number | null)[]) =>
    rae(
      rewards.map((reward) => ({ role: '', reward })),
      new Map(),
      0.9,
    )
  closeTo(alone(even), [1, -0.1, 0.91, -0.181])
  closeTo(alone(sparse), [0, null, 0.75, -0.075])
})

describe('a tree of three levels', () => {
  // root → a, b, c; a → d, e.
  function invocation(id: string, depth: number, parentCellId: string | null) {
    const [root] = trajectory({ cells: [[cell({ id: `${id}-1` })], [cell({ id: `${id}-2` })]] }).invocations
    if (!root) throw new Error('no root')
    return { ...root, id, depth, parentCellId }
  }
  const invocations = [
    invocation('root', 0, null),
    invocation('a', 1, 'root-1'),
    invocation('b', 1, 'root-1'),
    invocation('c', 1, 'root-2'),
    invocation('d', 2, 'a-1'),
    invocation('e', 2, 'a-2'),
  ]

  test('children inherit the advantage, with 1/k of the weight of their parent', () => {
    const credits = inheritAdvantage({ invocations }, 0.5) ?? []
    expect(credits.map(({ invocationId, weight }) => [invocationId, weight])).toEqual([
      ['root', 1],
      ['a', 1 / 3],
      ['b', 1 / 3],
      ['c', 1 / 3],
      ['d', 1 / 6],
      ['e', 1 / 6],
    ])
    expect(new Set(credits.map(({ advantage }) => advantage))).toEqual(new Set([0.5]))
    expect(inheritAdvantage({ invocations }, null)).toBeNull()
    expect(inheritAdvantage({ invocations }, 0)).toHaveLength(6)
  })

  test('tokens of the policy calls get advantage × weight', () => {
    const [, child] = invocations
    const credit = (inheritAdvantage({ invocations }, 0.75) ?? [])[1]
    if (!child || !credit) throw new Error('no child')
    const [tokens] = tokenAdvantages(child, credit, new Map([['call-policy-0', 3]]))
    expect([...(tokens?.advantages ?? [])]).toEqual([0.25, 0.25, 0.25])
  })
})

test('Monte Carlo values of turns from forks', () => {
  const forks = [
    { turns: 1, reward: 1 },
    { turns: 1, reward: 0 },
    { turns: 1, reward: null },
    { turns: 2, reward: 1 },
  ]
  const steps = monteCarloSteps(4, 1, forks, [0, 0, 1, 0, null])
  // V: 0.25, 0.5, 1, unknown, and 1 at the end.
  expect(steps.map(({ before, after, advantage }) => [before, after, advantage])).toEqual([
    [0.25, 0.5, 0.25],
    [0.5, 1, 0.5],
    [1, null, null],
    [null, 1, null],
  ])
  expect(steps[0]?.forks).toEqual([4, 2])
})
