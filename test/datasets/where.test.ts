// The language of conditions, through its door.
import { array, assert, constantFrom, oneof, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { parseWhere } from '../../src/datasets/index.ts'
import { passAt, type TrajectoryFacts } from '../../src/datasets/where/fields.ts'

const facts: TrajectoryFacts = {
  id: 'trajectory-1',
  status: 'done',
  stopReason: 'answered',
  answer: null,
  reward: 0.5,
  scores: [{ reward: 'exact', value: 1 }],
  turns: 12,
  cells: 3,
  calls: 20,
  inputTokens: 1000,
  outputTokens: 100,
  costUsd: null,
  rollout: 0,
  task: 'task-1',
  run: 'needle run',
  model: 'qwen/Qwen3-8B',
  protocol: 'rlm',
  depth: 1,
  errors: 0,
  scripted: false,
  startedAt: '2026-02-03T04:05:00.000Z',
  endedAt: '2026-02-03T04:06:30.000Z',
  runId: 'run-1',
  policyVersion: 'step-40',
  tags: ['paper', 'first try'],
  group: { mean: 0.25, min: 0, max: 1, scored: 4, correct: 1 },
  taskFacts: {
    taskset: 'needles',
    metadata: { level: 3, language: 'English', hard: true, topics: ['law', 'tax'], nested: { a: 1 } },
    contextCharacters: 500_000,
  },
  tree: { rootTurns: 5, promptCharacters: 90_000, subCalls: 8, failedCalls: 1 },
}

function holds(text: string, changes: Partial<TrajectoryFacts> = {}): boolean {
  return parseWhere(text).every((condition) => condition.matches({ ...facts, ...changes }))
}

test.each([
  ['reward >= 0.5 and turns <= 12 and stop_reason = answered and 0 < group.mean and group.mean < 1', true],
  ['0 < group.mean < 1', true],
  ['0 < group.mean < 0.25', false],
  ['reward > 0.5', false],
  ['score.exact = 1 and score.other is null', true],
  ['answer is null and not answer is not null', true],
  ['cost < 100', false],
  ['not cost < 100', true],
  ['cost != 1', false],
  ['reward < 0 or turns = 12', true],
  ['reward < 0 or turns = 12 and depth = 0', false],
  ['(reward < 0 or turns = 12) and depth = 1', true],
  ['turns = 12 and depth = 0 or errors = 0', true],
  ['stop_reason in (max_turns, answered)', true],
  ['stop_reason not in (max_turns, answered)', false],
  ['answer not in ("a")', false],
  ['run = "needle run" and model = qwen/Qwen3-8B and task = task-1', true],
  ['calls > turns', true],
  ['group.pass_at_1 = 0.25 and group.pass_at_2 = .5 and group.pass_at_5 is null', true],
  ['reward >= -1e-3 AND NOT (turns != 12)', true],
  ['tag = paper and tag = "first try" and tag in (other, paper)', true],
  ['tag != paper or tag not in (paper)', false],
  ['tag != third and policy_version = step-40', true],
  ['started >= 2026-02-03 and started < "2026-02-03T04:05:01Z" and ended <= 2026-02-03T04:06:30', true],
  ['started > 2026-02-04', false],
  ['seconds = 90 and tokens = 1100', true],
  ['taskset in (needles, mrcr) and context_characters > 1e5', true],
  ['metadata.level >= 3 and metadata.language = English and metadata.level = "3"', true],
  ['metadata.topics = tax and metadata.hard = true and metadata.nested is null', true],
  ['metadata.language != English or metadata.other = 1', false],
  ['root_turns = 5 and prompt_characters <= 100000 and sub_calls = 8 and failed_calls = 1', true],
  ['group.passAt2 = group.pass_at_2 and group.min = 0', true],
  ['scripted = no and trajectory = trajectory-1 and run_id = run-1', true],
])('%s: %s', (text, expected) => {
  expect(holds(text)).toBe(expected)
})

test('the parts between the outermost "and" are counted one by one, as they were written', () => {
  const parts = (text: string) => parseWhere(text).map((condition) => condition.text)
  expect(parts('reward >= 0.5 and  (turns < 3 or depth = 0) and run = "a b"')).toEqual([
    'reward >= 0.5',
    '(turns < 3 or depth = 0)',
    'run = "a b"',
  ])
  expect(parts('turns = 12 and depth = 0 or errors = 0')).toEqual(['turns = 12 and depth = 0 or errors = 0'])
})

describe('a mistake is one line with its position', () => {
  test.each([
    ['rewrd >= 0.5', /"rewrd" is not a field; the fields are reward, turns.*score\.NAME.*\(position 1/],
    ['reward >= turnz', /"turnz" is neither a number nor a field.*position 11/],
    ['stop_reason = answerd', /never "answerd"; it is one of answered, max_turns.*position 15/],
    ['stop_reason > answered', /">" is for numbers.*position 13/],
    ['task = 5', /write "5" in quotes.*position 8/],
    ['reward >=', /missing before the end \(position 10/],
    ['reward', /a comparison .* is missing before the end \(position 7/],
    ['(reward > 1', /"\)" is missing.*position 12/],
    ['reward > 1 turns > 2', /"turns" is not expected here.*position 12/],
    ['reward > 1 and', /missing before the end \(position 15/],
    ['reward is 1', /after "is" comes "null".*position 11/],
    ['1 < 2', /"2" is not a field.*position 5/],
    ['reward ~ 1', /"~" cannot be read here \(position 8: reward ⟨here⟩~ 1/],
    ['stop_reason in (answered, 3)', /position 27/],
    ['started > yesterday', /started is a time: compare it with a date.*position 11/],
    ['started > 5', /started is a time/],
    ['started > 2026-13-45', /started is a time/],
    ['scripted = maybe', /one of yes, no/],
    ['reward > "1', /cannot be read here \(position 10/],
    ['', /missing before the end \(position 1/],
  ])('%s', (text, message) => {
    expect(() => parseWhere(text)).toThrow(UsageError)
    expect(() => parseWhere(text)).toThrow(message)
  })

  test('whatever is given, it is parsed or refused by a UsageError', () => {
    const words = constantFrom(
      'reward',
      'and',
      'or',
      'not',
      '(',
      ')',
      '<',
      '1',
      'is',
      'null',
      'in',
      ',',
      '"a"',
    )
    const text = oneof(
      string(),
      array(words, { maxLength: 12 }).map((list) => list.join(' ')),
    )
    function isUnderstood(source: string): boolean {
      try {
        return parseWhere(source).every((one) => typeof one.matches(facts) === 'boolean')
      } catch (error) {
        return error instanceof UsageError
      }
    }
    expect(() => assert(property(text, isUnderstood))).not.toThrow()
  })
})

test('a condition says what has to be read for it', () => {
  const needs = (text: string) => parseWhere(text).map((condition) => [...(condition.needs ?? [])])
  expect(needs('turns > 1 and taskset = a and prompt_characters < 5')).toEqual([[], ['task'], ['tree']])
  expect(needs('turns > 1 and metadata.a = 1 or root_turns = 2')).toEqual([['task', 'tree']])
})

test('pass at K is the share of all draws of K that hold a correct one', () => {
  const rewards = [true, false, false, true, false]
  const pairs = rewards.flatMap((one, index) => rewards.slice(index + 1).map((other) => one || other))
  const expected = pairs.filter(Boolean).length / pairs.length
  expect(passAt(2, { scored: 5, correct: 2 })).toBeCloseTo(expected, 12)
  expect(passAt(5, { scored: 5, correct: 1 })).toBe(1)
  expect(passAt(3, { scored: 5, correct: 0 })).toBe(0)
})
