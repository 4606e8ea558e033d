import { describe, expect, test } from 'vitest'
import { calibrate } from '../../rewards/judge/calibration.ts'
import { leastOfK, passAtK, passHatK } from '../../rewards/statistics/passes.ts'
import { bootstrapInterval, createRandom, pairedTest, quantile } from '../../rewards/statistics/resample.ts'
import { statisticsByField } from '../../rewards/statistics/by-field.ts'
import { rewardFigures, runStatistics, type Sample } from '../../rewards/statistics/run.ts'

/** By trying every choice of k of n, of which the first c are right. */
function countChoices(n: number, c: number, k: number, least: number): number {
  let [fit, all] = [0, 0]
  for (let choice = 0; choice < 2 ** n; choice += 1) {
    const chosen = Array.from({ length: n }, (_, at) => (choice >> at) & 1)
    if (chosen.filter(Boolean).length !== k) continue
    all += 1
    if (chosen.slice(0, c).filter(Boolean).length >= least) fit += 1
  }
  return fit / all
}

describe('passes', () => {
  test('pass@k, pass^k and k of n are what counting every choice gives', () => {
    for (let n = 1; n <= 7; n += 1) {
      for (let c = 0; c <= n; c += 1) {
        for (let k = 1; k <= n; k += 1) {
          expect(passAtK(n, c, k)).toBeCloseTo(countChoices(n, c, k, 1), 10)
          expect(passHatK(n, c, k)).toBeCloseTo(countChoices(n, c, k, k), 10)
          expect(leastOfK(n, c, k, 2)).toBeCloseTo(countChoices(n, c, k, 2), 10)
        }
      }
    }
  })

  test('too few rollouts have no value, many do not overflow', () => {
    expect(passAtK(3, 1, 4)).toBeNull()
    expect(passHatK(3, 3, 4)).toBeNull()
    expect(leastOfK(3, 3, 4, 1)).toBeNull()
    expect(leastOfK(4000, 2000, 1000, 400)).toBeCloseTo(1, 6)
  })
})

describe('resampling', () => {
  test('quantiles are linear between neighbours', () => {
    expect(quantile([4, 1, 2, 3], 0.5)).toBe(2.5)
    expect(quantile([1, 2, 3, 4, 5], 0.95)).toBeCloseTo(4.8)
    expect(quantile([], 0.5)).toBeNull()
  })

  test('a bootstrap interval is seeded and covers the mean about as often as it says', () => {
    const values = [0.11, 0.93, 0.37, 0.58, 0.71, 0.02, 0.84, 0.29, 0.66, 0.45]
    expect(bootstrapInterval(values, { seed: 3 })).toEqual(bootstrapInterval(values, { seed: 3 }))
    expect(bootstrapInterval(values, { seed: 3 })).not.toEqual(bootstrapInterval(values, { seed: 4 }))
    expect(bootstrapInterval([1])).toBeNull()
    const random = createRandom(1)
    let covered = 0
    for (let trial = 0; trial < 200; trial += 1) {
      const drawn = Array.from({ length: 40 }, () => random())
      const interval = bootstrapInterval(drawn, { seed: trial, resamples: 300 })
      if (interval && interval.low <= 0.5 && interval.high >= 0.5) covered += 1
    }
    expect(covered / 200).toBeGreaterThan(0.88)
    expect(covered / 200).toBeLessThan(0.99)
  })

  test('the paired test counts every flip of few pairs, and draws for many', () => {
    // All three differences are +1: only all-plus and all-minus of 8 are as far away.
    const three = [0, 0, 0].map((a) => ({ a, b: 1 }))
    expect(pairedTest(three)).toMatchObject({ pairs: 3, difference: 1, pValue: 0.25, exact: true })
    // Differences 1, 1, -1, sum 1: |sum| ≥ 1 for every flip.
    expect(pairedTest([...three.slice(1), { a: 1, b: 0 }])?.pValue).toBe(1)
    const many = Array.from({ length: 40 }, (_, at) => ({ a: at % 2, b: 1 }))
    expect(pairedTest(many)).toMatchObject({ exact: false, difference: 0.5 })
    expect(pairedTest(many)?.pValue).toBeLessThan(0.001)
    expect(pairedTest(many, { seed: 1 })).toEqual(pairedTest(many, { seed: 1 }))
    expect(pairedTest([])).toBeNull()
  })
})

function sample(taskId: string, reward: number | null, change: Partial<Sample> = {}): Sample {
  const rest = {
    costUsd: 0.1,
    seconds: 2,
    tokens: 100,
    turns: 3,
    calls: 40,
    depth: 0,
    stopReason: 'answered',
  }
  return { taskId, reward, ...rest, ...change }
}

test('a run: bands, passes, percentiles and spreads, with the unscored apart', () => {
  const samples = [
    sample('easy', 1),
    sample('easy', 1),
    sample('mixed', 1, { costUsd: 0.3 }),
    sample('mixed', 0, { costUsd: null, turns: 20 }),
    sample('hard', 0),
    sample('hard', null),
    sample('lost', null, { stopReason: 'max_turns' }),
  ]
  const result = runStatistics(samples, { passFrom: 1, seed: 0 })
  expect(result).toMatchObject({
    tasks: 4,
    rollouts: 7,
    scored: 5,
    unscored: 2,
    mean: 0.5,
    bands: { none: 1, some: 1, all: 1, unscored: 1 },
    passAt: { 1: 0.5, 2: 1 },
    passHat: { 1: 0.5, 2: 0.5 },
    turns: { 3: 6, '16-31': 1 },
    calls: { '32-63': 7 },
    stopReasons: { answered: 6, max_turns: 1 },
  })
  expect(result.cost).toMatchObject({ count: 6, p50: 0.1 })
  expect(runStatistics([], { passFrom: 1, seed: 0 })).toMatchObject({
    mean: null,
    interval: null,
    passAt: {},
  })
})

test('k of n over tasks that have different numbers of rollouts', () => {
  // 3 of 4 right, 1 of 2 right. At least 1 of 2: 1 and 1; both of 2: C(3,2)/C(4,2) = 0.5 and 0.
  const samples = [1, 1, 1, 0].map((reward) => sample('a', reward)).concat(sample('b', 1), sample('b', 0))
  const { n, atLeast } = runStatistics(samples, { passFrom: 1, seed: 0 }).kOfN
  expect([n, atLeast[1]]).toEqual([2, 1])
  expect(atLeast[2]).toBeCloseTo(0.25)
  expect(runStatistics([], { passFrom: 1, seed: 0 }).kOfN).toEqual({ n: 0, atLeast: {} })
})

test('apart by a field: values in order, many numbers in ranges, the missing at the end', () => {
  const levels: Record<string, string> = { a: 'hard', b: 'easy', c: 'easy' }
  const samples = ['a', 'b', 'b', 'c', 'd'].map((id, at) => sample(id, at % 2))
  const settings = { passFrom: 1, seed: 0 }
  const parts = statisticsByField(samples, 'difficulty', ({ taskId }) => levels[taskId], settings)
  expect(parts.map(({ field, value, tasks, mean }) => [field, value, tasks, mean])).toEqual([
    ['difficulty', 'easy', 2, 0.75],
    ['difficulty', 'hard', 1, 0],
    ['difficulty', '–', 1, 0],
  ])
  const sizes = Array.from({ length: 20 }, (_, at) => sample(String(at * 100), 1))
  const ranges = statisticsByField(sizes, 'size', ({ taskId }) => Number(taskId), settings)
  expect(ranges.map(({ value, tasks }) => [value, tasks])).toEqual([
    ['<1', 1],
    ['64-127', 1],
    ['128-255', 1],
    ['256-511', 3],
    ['512-1023', 5],
    ['1024-2047', 9],
  ])
})

test('each reward: the newest value of each rollout, errors beside the mean', () => {
  const score = (reward: string, value: number | null) => ({
    id: '',
    reward,
    version: '1',
    optionsHash: '',
    weight: 1,
    value,
    error: null,
    details: null,
    author: 'reward',
    createdAt: '',
  })
  expect(
    rewardFigures([
      { scores: [score('b', 0), score('b', 1)] },
      { scores: [score('b', null), score('a', 0.5)] },
    ]),
  ).toEqual({ a: { scored: 1, errors: 0, mean: 0.5 }, b: { scored: 1, errors: 1, mean: 1 } })
})

test('calibration: agreement, kappa and correlation by hand', () => {
  const pairs = [
    { judge: 1, human: 1 },
    { judge: 0.9, human: 1 },
    { judge: 0.8, human: 0 },
    { judge: 0.1, human: 0 },
  ]
  const report = calibrate(pairs)
  // Rates 3/4 and 1/2: chance 0.375 + 0.125 = 0.5; kappa (0.75 − 0.5) / 0.5.
  expect(report).toMatchObject({ pairs: 4, agreement: 0.75, kappa: 0.5, judgeOnly: 1, humanOnly: 0 })
  expect(report?.meanError).toBeCloseTo(1 / 4)
  expect(report?.correlation).toBeCloseTo(Math.SQRT1_2, 3)
  expect(calibrate([])).toBeNull()
})
