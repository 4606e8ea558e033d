// The general rewards, the composed ones and those that look at the tree or at the group.
import { describe, expect, test } from 'vitest'
import { bindReward, type WeightedReward } from '../../rewards/index.ts'
import { scoreGroup, scoreTrajectory } from '../../rewards/score.ts'
import type { Json } from '../../src/json.ts'
import type { RewardTask } from '../../src/reward.ts'
import type { Call, Trajectory } from '../../src/trajectory.ts'
import { cell, raised, trajectory } from './sample.ts'

function bound(name: string, options: unknown = {}): WeightedReward {
  return { bound: bindReward({ name, options }), weight: 1 }
}

async function row(name: string, options: unknown, task: Partial<RewardTask>, tree: Trajectory) {
  const whole = { id: 'task', prompt: 'p', answer: 'gold', metadata: {}, ...task }
  const [found] = await scoreTrajectory([bound(name, options)], whole, tree)
  if (!found) throw new Error('no row')
  return found
}

async function value(name: string, gold: Json, answer: string | null, options: unknown = {}, metadata = {}) {
  const found = await row(name, options, { answer: gold, metadata }, trajectory({ answer }))
  return found.error ? found.error.message : found.value
}

describe('general rewards', () => {
  test('regex: an option or the gold, in plain quotes and spaces', async () => {
    expect(await value('regex', 'x', 'It’s  42 km', { pattern: "it's \\d+ km$" })).toBe(1)
    expect(await value('regex', 'x', 'about 42', { pattern: '\\d+', whole: true })).toBe(0)
    expect(await value('regex', '\\bParis\\b', 'in paris.')).toBe(1)
    expect(await value('regex', '(', 'in paris.')).toMatch(/not a regular expression/)
    expect(() => bound('regex', { pattern: '(' })).toThrow(
      /regex: options\.pattern: is not a regular expression/,
    )
    expect(await value('regex', 'x', 'x'.repeat(3000))).toBe(0)
  })

  test('token_f1 counts words as often as they are said', async () => {
    // Words: given {the: 2, cat}, gold {the, cat}: 2 shared; P = 2/3, R = 1.
    expect(await value('token_f1', 'The cat', 'the “the” CAT')).toBeCloseTo(0.8)
    expect(await value('token_f1', ['dog', 'cat'], 'cat')).toBe(1)
  })

  test.each<[answer: string, wanted: number]>([
    ['B', 1],
    ['**(b)**', 1],
    ['The answer is B.', 1],
    ['Not A: the correct answer is (B)', 1],
    ['First I thought answer: A, but the answer is B', 1],
    ['B) because', 1],
    ['rome', 1],
    ['A big city', 0],
    ['(A) or (B)', 0],
    ['The answer is Berlin', 0],
  ])('multiple_choice reads %j', async (answer, wanted) => {
    expect(await value('multiple_choice', 'B', answer, {}, { choices: ['Paris', 'Rome'] })).toBe(wanted)
  })

  test('json_path compares what stands at the paths', async () => {
    const gold = { total: 3.5, who: [{ name: 'Ada' }], tags: ['x', 'y'] }
    const answer = '```json\n{"tags": ["y", "x"], "total": 3.5000001, "who": [{"name": " ADA "}]}\n```'
    expect(await value('json_path', gold, answer, { paths: ['total', 'who[0].name'], tolerance: 1e-3 })).toBe(
      1,
    )
    expect(await value('json_path', gold, answer, { paths: ['total', 'tags'] })).toBe(0)
    expect(await value('json_path', gold, answer, { paths: ['who', 'tags'], unordered: true })).toBe(1)
    expect(await value('json_path', 'Ada', answer, { paths: ['who[0].name'] })).toBe(1)
    expect(await value('json_path', gold, 'no json')).toBe(0)
    expect(await value('json_path', gold, '{"__proto__": 1}', { paths: ['constructor.name'] })).toBe(0)
  })

  test('rouge_l and edit_similarity by hand', async () => {
    // Common subsequence "police the gunman" is 3 of 4 and 4 words without order change: police ... gunman.
    expect(await value('rouge_l', 'police killed the gunman', 'police kill the gunman')).toBe(0.75)
    expect(await value('rouge_l', 'police killed the gunman', 'the gunman kill police')).toBe(0.5)
    // kitten → sitting: 3 changes of 7.
    expect(await value('edit_similarity', 'sitting', 'Kitten')).toBeCloseTo(4 / 7)
    expect(await value('edit_similarity', '😀', '😁')).toBe(0)
  })
})

describe('composition', () => {
  test('sums, means, products and clipping', async () => {
    const rewards = ['exact', { name: 'contains', weight: 3 }]
    expect(await value('sum', 'gold', 'some gold', { rewards })).toBe(3)
    expect(await value('sum', 'gold', 'some gold', { rewards, mean: true })).toBe(0.75)
    expect(await value('product', 'gold', 'some gold', { rewards: ['contains', 'token_f1'] })).toBeCloseTo(
      2 / 3,
    )
    const negative = {
      reward: { name: 'sum', options: { rewards: [{ name: 'exact', weight: -2 }] } },
      min: -1,
    }
    expect(await value('clip', 'gold', 'gold', negative)).toBe(-1)
  })

  test('a gate is zero unless its conditions hold, and then stops', async () => {
    const gated = { reward: 'exact', when: [{ name: 'format', atLeast: 1 }] }
    expect(await value('gate', 'gold', 'gold', gated)).toBe(1)
    const lazy = trajectory({ answer: 'gold', cells: [[cell(raised)]] })
    expect(await row('gate', gated, {}, lazy)).toMatchObject({ value: 0, details: { closedBy: 'format' } })
    // The judge behind a closed gate is not asked: without models it would be an error.
    const model = { provider: 'scripted', name: 'careful' }
    const judged = { reward: { name: 'judge', options: { model } }, when: ['exact'] }
    expect(await value('gate', 'gold', 'wrong', judged)).toBe(0)
    expect(await value('gate', 'gold', 'gold', judged)).toMatch(/offers no models to judge/)
  })

  test('an error of a part is an error of the whole', async () => {
    expect(await value('sum', 'no number', '3', { rewards: ['exact', 'numeric'] })).toMatch(/not a number/)
    expect(() => bound('sum', { rewards: ['exatc'] })).toThrow(/unknown reward "exatc"/)
    expect(() => bound('product', { rewards: ['length_penalty'] })).toThrow(/compares a group/)
    expect(() => bound('product', { rewards: [{ name: 'numeric', options: { absolut: 1 } }] })).toThrow(
      /rewards: numeric: .*absolut/,
    )
  })

  test('the version holds the versions of the parts', () => {
    const nested = { reward: { name: 'sum', options: { rewards: ['exact'] } } }
    expect(bindReward({ name: 'clip', options: nested }).version).toBe('1(sum@1(exact@1))')
  })

  test('by_task takes what the task names', async () => {
    expect(
      await value('by_task', '42', '42.4', {}, { reward: { name: 'numeric', options: { absolute: 1 } } }),
    ).toBe(1)
    expect(await value('by_task', 'a', 'A', {}, { reward: 'exact' })).toBe(1)
    expect(await value('by_task', 'a', 'a')).toMatch(/metadata\.reward is missing; expected/)
    expect(await value('by_task', 'a', 'a', { otherwise: 'exact' })).toBe(1)
    expect(await value('by_task', 'a', 'a', {}, { reward: 'nope' })).toMatch(/unknown reward "nope"/)
  })
})

function subCall(change: Partial<Call> & { prompt?: string; text?: string }): Call {
  const [base] = cell({ subCalls: 1 }).calls
  if (!base) throw new Error('no call')
  const { prompt = 'a prompt', text = 'a reply', ...rest } = change
  return {
    ...base,
    messages: [{ role: 'user', content: prompt }],
    response: { ...base.response, text },
    ...rest,
  }
}

describe('rewards that see the tree', () => {
  test('recursion_shape: mega-batches, whole contexts, unused answers', async () => {
    const task = { contextCharacters: 10_000 }
    async function shape(cells: ReturnType<typeof cell>[]) {
      return await row('recursion_shape', {}, task, trajectory({ cells: cells.map((one) => [one]) }))
    }
    expect(await shape([cell()])).toMatchObject({ value: 1 })
    const used = 'reply = llm_query(chunk)\nprint(reply)'
    expect((await shape([cell({ code: used, calls: [subCall({})] })])).value).toBe(1)
    const batch = Array.from({ length: 60 }, () => subCall({ batchId: 'b', prompt: 'line' }))
    expect(await shape([cell({ code: 'r = llm_query_batched(p)\nprint(r)', calls: batch })])).toMatchObject({
      details: { tinyBatches: 1, wholeContext: 0, unusedAnswers: 0 },
    })
    const whole = [subCall({ prompt: 'x'.repeat(9500) })]
    expect(await shape([cell({ code: used, calls: whole })])).toMatchObject({ details: { wholeContext: 1 } })
    const unused = cell({ code: 'reply = llm_query(chunk)', calls: [subCall({})] })
    expect(await shape([unused])).toMatchObject({ details: { unusedAnswers: 1 } })
    expect(await shape([unused, cell({ code: 'print(reply)' })])).toMatchObject({
      details: { unusedAnswers: 0 },
    })
    expect(
      await shape([cell({ code: 'llm_query(chunk)', stdout: 'a reply\n', calls: [subCall({})] })]),
    ).toMatchObject({ details: { unusedAnswers: 0 } })
  })

  test('cell_errors is the share of clean cells', async () => {
    const tree = trajectory({ cells: [[cell()], [cell(raised)], [cell()], [cell()]] })
    expect(await row('cell_errors', {}, {}, tree)).toMatchObject({
      value: 0.75,
      details: { kinds: { NameError: 1 } },
    })
    expect(await row('cell_errors', {}, {}, trajectory({ cells: [[]] }))).toMatchObject({ value: 0 })
  })

  test('grounded: read, and not merely printed from the own code', async () => {
    async function read(code: string, stdout: string) {
      const cells = [[cell({ code, stdout })]]
      return (
        await row('grounded', {}, { prompt: 'Which city?' }, trajectory({ answer: 'City: Lisbon', cells }))
      ).value
    }
    expect(await read('print(context[:80])', 'the ship left Lisbon')).toBe(1)
    expect(await read("print('Lisbon')", 'Lisbon')).toBe(0)
    expect(await read('print(1)', '1')).toBe(0)
  })
})

describe('rewards that see the group', () => {
  const score = (reward: string, given: number | null) => ({
    reward,
    version: '1',
    value: given,
    weight: 1,
    error: null,
    details: null,
  })
  function rollout(
    given: number | null,
    outputTokens: number,
    inputTokens: number,
    turns: number,
  ): Trajectory {
    return trajectory({
      cells: Array.from({ length: turns }, () => [cell()]),
      usage: { inputTokens, outputTokens, calls: turns, costUsd: null },
      scores: given === null ? [] : [score('exact', given)],
    })
  }
  const task = { id: 'task', prompt: 'p', answer: 'gold', metadata: {} }
  async function values(name: string, options: unknown, group: Trajectory[]) {
    return (await scoreGroup(bound(name, options), task, group)).map((found) => found?.value ?? null)
  }

  test("length_penalty is prime-rl's linear penalty, worked by hand", async () => {
    const group = [rollout(1, 100, 1000, 2), rollout(0, 200, 500, 4), rollout(null, 900, 9000, 9)]
    // Pass rate 1/2. First: 0.25·0.5 + 0.1·1 + 0.1·0.5 = 0.275. Second: 0.25 + 0.05 + 0.1 = 0.4.
    const [first, second, third] = await values('length_penalty', {}, group)
    expect([first, second]).toEqual([expect.closeTo(-0.1375), expect.closeTo(-0.2)])
    expect(third).toBeNull()
    expect(await values('length_penalty', {}, [rollout(0, 1, 1, 1), rollout(0, 2, 2, 2)])).toEqual([0, 0])
    expect(await values('length_penalty', {}, [rollout(null, 1, 1, 1)])).toEqual([null])
  })

  test('group_efficiency measures against the best that solved it', async () => {
    const group = [rollout(1, 100, 900, 2), rollout(1, 200, 1800, 4), rollout(0, 1, 1, 1)]
    expect(await values('group_efficiency', {}, group)).toEqual([1, expect.closeTo((0.5 + 1 + 0.5) / 3), 0])
  })
})
