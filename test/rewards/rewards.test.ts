import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { bindRewards, findReward, rewards } from '../../rewards/index.ts'
import { normalize } from '../../rewards/normalize.ts'
import { readNumber } from '../../rewards/numeric.ts'
import { scoreTrajectory } from '../../rewards/score.ts'
import { readSet } from '../../rewards/set-f1.ts'
import type { Json } from '../../src/json.ts'
import { defineReward } from '../../src/reward.ts'
import { cell, raised, trajectory } from './sample.ts'

async function score(
  name: string,
  gold: Json,
  answer: string | null,
  options = {},
  metadata: Record<string, Json> = {},
) {
  const bound = findReward(name).bind(options)
  const task = { id: 'task', prompt: 'p', answer: gold, metadata }
  const [row] = await scoreTrajectory([{ bound, weight: 1 }], task, trajectory({ answer }))
  if (!row) throw new Error('no row')
  return row
}

async function value(name: string, gold: Json, answer: string | null, options = {}): Promise<number | null> {
  return (await score(name, gold, answer, options)).value
}

describe('normalisation', () => {
  test.each([
    ['  The  Hague.\n', 'the hague'],
    ['**"Straße"**', 'strasse'],
    ['ﬁve\u00a0Ｋ', 'five k'],
    ['“C’est – bon”', "c'est - bon"],
    ['-5', '-5'],
    ['...', '...'],
    ['ΟΔΟΣ', 'οδοσ'],
  ])('%j becomes %j', (text, normal) => expect(normalize(text)).toBe(normal))
})

describe('exact and contains', () => {
  test('exact is equality after normalisation, of a text, number, boolean or one of a list', async () => {
    expect(await value('exact', 'Côte d’Ivoire', "`côte d'ivoire`.")).toBe(1)
    expect(await value('exact', 'Chad', 'Chad and Niger')).toBe(0)
    expect(await value('exact', 42, '42.')).toBe(1)
    expect(await value('exact', true, 'True')).toBe(1)
    expect(await value('exact', ['UK', 'United Kingdom'], 'united kingdom')).toBe(1)
  })

  test('contains wants whole words and no recital', async () => {
    expect(await value('contains', 'Niger', 'It is Niger, I think.')).toBe(1)
    expect(await value('contains', 'Niger', 'It is Nigeria.')).toBe(0)
    expect(await value('contains', ['a b', 'zz'], 'x a b y', { all: true })).toBe(0.5)
    expect(await value('contains', 'x', `x ${'y '.repeat(2000)}`)).toBe(0)
  })
})

describe('numeric', () => {
  test.each<[string, number | null]>([
    ['42', 42],
    ['  **1,042.50** ', 1042.5],
    ['$1.2 million', 1_200_000],
    ['45%', 45],
    ['−3.5', -3.5],
    ['6e3', 6000],
    ['There are 42 countries.', 42],
    ['42 countries, that is 42.', 42],
    ['In 2015 there were 42', null],
    ['H2O', null],
    ['1.2.3', null],
    ['1,04', null],
    ['2015-07-01', null],
    ['forty-two', null],
    ['', null],
  ])('%j is read as %j', (text, number) => expect(readNumber(text)).toBe(number))

  test('tolerances, and rounding of the comparison itself', async () => {
    expect(await value('numeric', 1.0, '1.1')).toBe(0)
    expect(await value('numeric', 1.0, '1.1', { absolute: 0.1 })).toBe(1)
    expect(await value('numeric', 200, '210', { relative: 0.05 })).toBe(1)
    expect(await value('numeric', 200, '211', { relative: 0.05 })).toBe(0)
    expect(await value('numeric', '28,748', '28748 sq km')).toBe(1)
    expect(await value('numeric', 7, 'there are 7', { wholeOnly: true })).toBe(0)
  })
})

describe('set_f1', () => {
  test.each([
    ['A, b, and C', ['a', 'b', 'c']],
    ['1. Bosnia and Herzegovina\n2. Serbia\n', ['bosnia and herzegovina', 'serbia']],
    ['- a, b\n- c', ['a, b', 'c']],
    ['["x", 2]', ['x', '2']],
    ['[x; y; x]', ['x', 'y']],
    ['none', []],
    ['', []],
  ])('%j is the set %j', (text, items) => expect([...readSet(text)]).toEqual(items))

  test('F1, its parts, and empty sets', async () => {
    const row = await score('set_f1', ['Chad', 'Niger', 'Mali'], 'niger, Chad, Libya, Egypt')
    expect(row.value).toBeCloseTo((2 * 0.5 * (2 / 3)) / (0.5 + 2 / 3))
    expect(row.details).toMatchObject({ precision: 0.5, missing: ['mali'], extra: ['libya', 'egypt'] })
    expect(await value('set_f1', ['a'], 'b')).toBe(0)
    expect(await value('set_f1', [], 'none')).toBe(1)
    expect(await value('set_f1', [], 'a')).toBe(0)
    expect(await value('set_f1', ['a', 'b'], 'a', { beta: 2 })).toBeCloseTo((5 * 0.5) / 4.5)
  })
})

test('auto picks by answerType, else by the gold', async () => {
  expect((await score('auto', 7, 'seven: 7')).details).toMatchObject({ by: 'numeric' })
  expect((await score('auto', ['a'], 'a')).details).toMatchObject({ by: 'set_f1' })
  expect((await score('auto', '7', '7.0')).value).toBe(0)
  expect((await score('auto', '7', '7.0', {}, { answerType: 'numeric' })).value).toBe(1)
  expect((await score('auto', ['UK', 'Britain'], 'Britain', {}, { answerType: 'text' })).value).toBe(1)
  expect(await score('auto', 7, null)).toMatchObject({
    value: 0,
    details: { by: 'numeric', answered: false },
  })
})

describe('what cannot be scored', () => {
  test('no answer is wrong; no gold is an error', async () => {
    for (const name of ['exact', 'contains', 'numeric', 'set_f1', 'auto']) {
      expect(await value(name, name === 'numeric' ? 1 : 'a', null)).toBe(0)
      expect(await score(name, null, 'a')).toMatchObject({
        value: null,
        error: { boundary: 'reward', code: 'missing_gold' },
      })
    }
    expect(await score('numeric', 'many', '3')).toMatchObject({ value: null, error: { code: 'bad_gold' } })
    expect(await score('exact', { a: 1 }, '3')).toMatchObject({ value: null, error: { code: 'bad_gold' } })
  })

  test('an exception or a value that is no number is an error row, and the other rewards are scored', async () => {
    const custom = (name: string, give: () => number) =>
      defineReward({
        name,
        version: '3',
        description: '',
        options: z.strictObject({}),
        score: () => ({ value: give() }),
      }).bind({})
    const list = [
      custom('throws', () => {
        throw new RangeError('boom')
      }),
      custom('nan', () => Number.NaN),
      findReward('exact').bind({}),
    ].map((bound) => ({ bound, weight: 2 }))
    const rows = await scoreTrajectory(
      list,
      { id: 't', prompt: '', answer: 'yes', metadata: {} },
      trajectory(),
    )
    expect(rows).toMatchObject([
      {
        reward: 'throws',
        version: '3',
        weight: 2,
        value: null,
        error: {
          boundary: 'reward',
          code: 'unexpected',
          message: expect.stringMatching(/rewards\.test\.ts:\d+: RangeError: boom$/),
        },
      },
      { reward: 'nan', value: null, error: { boundary: 'reward', code: 'not_finite' } },
      { reward: 'exact', value: 1, error: null },
    ])
    for (const row of rows) expect(row.optionsHash).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('format', () => {
  async function run(change: Parameters<typeof trajectory>[0]) {
    const bound = findReward('format').bind({})
    const [row] = await scoreTrajectory(
      [{ bound, weight: 1 }],
      { id: 't', prompt: '', answer: null, metadata: {} },
      trajectory(change),
    )
    return row
  }
  test('each part counts a quarter, and nothing without an answer', async () => {
    expect(await run({})).toMatchObject({
      value: 1,
      details: { answered: true, looked: true, clean: true, oneBlock: true },
    })
    expect(await run({ cells: [[cell()], []] })).toMatchObject({ value: 1 })
    expect(await run({ cells: [[cell()]] })).toMatchObject({ value: 0.75, details: { looked: false } })
    expect(await run({ cells: [[cell()], [cell(raised)]] })).toMatchObject({
      value: 0.75,
      details: { clean: false },
    })
    expect(await run({ cells: [[cell(raised)], [cell()]] })).toMatchObject({ value: 1 })
    expect(await run({ cells: [[cell(), cell()], [cell()]] })).toMatchObject({
      value: 0.75,
      details: { oneBlock: false },
    })
    expect(await run({ cells: [[], [cell()], [cell()]] })).toMatchObject({
      value: 0.75,
      details: { oneBlock: false },
    })
    expect(await run({ forced: true })).toMatchObject({ value: 0, details: { answered: false } })
    expect(await run({ stopReason: 'max_turns', answer: null })).toMatchObject({ value: 0 })
    expect(await run({ cells: [[]], protocol: { id: 'direct', hash: 'h' } })).toMatchObject({ value: 1 })
  })
})

test('efficiency is the mean share left of turns, sub-calls and tokens', async () => {
  const bound = findReward('efficiency').bind({ turns: 4, subCalls: 10, tokens: 2400 })
  const task = { id: 't', prompt: '', answer: null, metadata: {} }
  async function run(change: Parameters<typeof trajectory>[0]) {
    return (await scoreTrajectory([{ bound, weight: 1 }], task, trajectory(change)))[0]
  }
  const cells = [[cell({ subCalls: 2 })], [cell({ subCalls: 3 })]]
  expect(await run({ cells })).toMatchObject({ value: 0.5, details: { turns: 2, subCalls: 5, tokens: 1200 } })
  expect((await run({ cells: [[cell({ subCalls: 99 })], [cell()]] }))?.value).toBeCloseTo((0.5 + 0 + 0.5) / 3)
  expect((await run({ cells, answer: null }))?.value).toBe(0)
})

describe('the registry', () => {
  test('names are listed when one is unknown, options are strict and named', () => {
    const names = rewards.map(({ name }) => name)
    expect(names.slice(0, 3)).toEqual(['auto', 'exact', 'contains'])
    expect(new Set(names).size).toBe(names.length)
    expect(() => findReward('exatc')).toThrow(
      /unknown reward "exatc"; there are auto, exact, contains, regex, numeric/,
    )
    expect(() => bindRewards([{ name: 'numeric', weight: 1, options: { absolut: 1 } }])).toThrow(
      /rewards: numeric: .*absolut/,
    )
    const [bound] = bindRewards([{ name: 'numeric', weight: 0.5, options: { absolute: 1 } }])
    expect(bound).toMatchObject({
      weight: 0.5,
      bound: { name: 'numeric', options: { absolute: 1, relative: 0, wholeOnly: false } },
    })
  })
})
