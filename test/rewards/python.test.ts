// The ported parts of Python against the Python that is installed, on random and on awkward inputs.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sequenceRatio } from '../../rewards/difflib.ts'
import { parseDate } from '../../rewards/python/dates.ts'
import { openJieba } from '../../rewards/python/jieba.ts'
import { readLiteral } from '../../rewards/python/literal.ts'
import { rougeL } from '../../rewards/python/rouge.ts'
import { floatText, readInt, roundPython, strip, words } from '../../rewards/python/text.ts'

function askPython(questions: [name: string, ...args: unknown[]][]): unknown[] {
  const input = questions.map(([name, ...rest]) => JSON.stringify([name, rest])).join('\n')
  const oracle = path.join(import.meta.dirname, 'python-oracle.py')
  const { stdout, status, stderr } = spawnSync('python3', [oracle], { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

/** Asks Python once about all samples and compares each with `ours`. */
function compare<T>(
  name: string,
  samples: T[],
  args: (sample: T) => unknown[],
  ours: (sample: T) => unknown,
) {
  const answers = askPython(samples.map((sample) => [name, ...args(sample)]))
  for (const [index, sample] of samples.entries()) {
    expect({ sample, answer: ours(sample) }).toEqual({ sample, answer: answers[index] })
  }
}

const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number): T[] =>
  fc.sample(arbitrary, { numRuns: count, seed: 42 })

describe('difflib', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', 'é', '😀'), maxLength: 260 })

  test('the ratio of random texts', () => {
    expect.hasAssertions()
    compare(
      'ratio',
      sample(fc.tuple(letters, letters), 300),
      (pair) => pair,
      ([a, b]) => sequenceRatio(a, b),
    )
  })

  test('the ratio of a long text and an edited copy, where autojunk is at work', () => {
    expect.hasAssertions()
    const alphabet = Array.from('etaoin shrdlu,.ETAOINxyz').map((unit) => fc.constant(unit))
    const text = fc.string({ unit: fc.oneof(...alphabet), minLength: 180, maxLength: 700 })
    const edited = fc
      .tuple(text, fc.array(fc.tuple(fc.nat(699), fc.string({ maxLength: 9 })), { maxLength: 12 }))
      .map(([original, edits]) => {
        let copy = original
        for (const [at, put] of edits) copy = copy.slice(0, at) + put + copy.slice(at + 4)
        return [original, copy] as const
      })
    compare(
      'ratio',
      sample(edited, 120),
      (pair) => [...pair],
      ([a, b]) => sequenceRatio(a, b),
    )
  })
})

describe('text', () => {
  const odd = fc.string({
    unit: fc.constantFrom(...Array.from(' \t\n\x1c\x85\u00a0\u200b\ufeff\u2028'), 'a', 'b', '1'),
    maxLength: 12,
  })

  test('strip and split know the same white space', () => {
    expect.hasAssertions()
    compare('strip', sample(odd, 200), (text) => [text], strip)
    compare('split', sample(odd, 200), (text) => [text], words)
  })

  test('int() reads and refuses the same', () => {
    expect.hasAssertions()
    const digits = fc.string({
      unit: fc.constantFrom(...Array.from('0123_+- .e'), '٣', '𝟗', '\u00a0'),
      maxLength: 7,
    })
    const given = [...sample(digits, 400), '1_000', '1__0', '_1', '+5', '- 5', '42.0', '1,042', '９', '²']
    compare(
      'int',
      given,
      (text) => [text],
      (text) => readInt(text)?.toString() ?? null,
    )
  })

  test('floats are written and rounded alike', () => {
    expect.hasAssertions()
    const random = sample(fc.double({ noNaN: true, noDefaultInfinity: true }), 300)
    // JSON has no negative zero.
    const numbers = [...random, 0.5, 1e16, 1e-5].filter((value) => !Object.is(value, -0))
    compare('float', numbers, (value) => [value], floatText)
    const shares = sample(fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 400 })), 300)
    const percent = ([a, b]: [number, number]) => (a / b) * 100
    compare(
      'round',
      shares,
      (pair) => [percent(pair), 2],
      (pair) => roundPython(percent(pair), 2),
    )
    compare(
      'round',
      [0.5, 1.5, 2.5, 66.5, 67.5, 99.5],
      (value) => [value, 0],
      (value) => roundPython(value, 0),
    )
  })
})

describe('literals', () => {
  const given = [
    "['entity']",
    '["it\'s"]',
    String.raw`['a\'b\n\x41\u00e9']`,
    '[42]',
    '[-3]',
    '[4.0]',
    '[1e20]',
    '[True]',
    '[None]',
    "[('a', 1)]",
    "[['x', \"y'\"]]",
    "['a' 'b']",
    "['a',]",
    '(1, 2)',
    '[]',
    'entity',
    "['a'",
    '[007]',
    '[1_000]',
  ]

  test('the first element as str() writes it', () => {
    expect.hasAssertions()
    compare(
      'first',
      given,
      (text) => [text],
      (text) => {
        const literal = readLiteral(text)
        return literal?.kind === 'list' ? (literal.items[0]?.text ?? null) : null
      },
    )
  })
})

describe('dates', () => {
  const hasDateutil = askPython([['has_dateutil']])[0] === true
  const names = ['Mar', 'march', 'Sept', 'May', '3', '05', '13', '31', '2023', '23', '99', '0', '2023.']
  const marks = [' ', '-', '/', '.', ', ', ' of ', 'th ', 'T', ' at ', ':', ' the ', '']
  const times = ['', '', '', ' 00:00', ' 00:00:00', ' 5pm', ' 12 am', ' 10h30', ' 12:30:15.5', ' 00:00 UTC']
  const tails = ['', '', '', '.', ' +01:00', 'Z', ' EST', ' (Sunday)', 'Sunday']
  const random = fc
    .tuple(...[names, marks, names, marks, names, times, tails].map((list) => fc.constantFrom(...list)))
    .map((parts) => parts.join(''))
  const written = [
    'March 5, 2023',
    '5 March 2023',
    'Mar 05, 2023',
    '2023-03-05',
    '2023-03-05 00:00:00',
    '2023-03-05T00:00:00Z',
    '03/05/2023',
    '13/05/2023',
    '20230305',
    '5th of March, 2023',
    'Sunday, March 5, 2023',
    'Mar-05-2023',
    'Jan of 01',
    'March 2023',
    '2023-02-30',
    'the 5th',
    'nothing',
    '',
    '10-11-12',
    '2023/3/5.',
    'Mar. 5, 2023',
    '12:00',
    '1.2.3',
    'inf',
  ]

  test.skipIf(!hasDateutil)('are read as dateutil reads them', () => {
    expect.hasAssertions()
    const given = [...written, ...sample(random, 1500)]
    compare(
      'date',
      given,
      (text) => [text],
      (text) => {
        const found = parseDate(text)
        if (found === null) return null
        const { year, month, day, hour, minute, second, microsecond, zoned } = found
        return [year, month, day, hour, minute, second, microsecond, zoned]
      },
    )
  })
})

describe('packages of Python, where they are installed', () => {
  const [hasJieba, hasRouge] = askPython([['has_jieba'], ['has_rouge']])

  test.skipIf(hasJieba !== true)('words are cut as jieba cuts them', async () => {
    expect.hasAssertions()
    const cut = await openJieba()
    const chinese = '北京 清华大学 我 来到 的 研究生命起源 小明硕士毕业于 龘 彴 ， 。 （ ） “ …'
    const other = 'T恤 C++ AT&T GPT-4 3.14 100% ChatGLM3-6B-32k e-mail _x_ 1,042 2023年 １２ é 😀'
    const parts = [...chinese.split(' '), ...other.split(' '), ' ', '\n'].map((unit) => fc.constant(unit))
    const text = fc.string({ unit: fc.oneof(...parts), maxLength: 24 })
    compare('cut', sample(text, 400), (one) => [one], cut)
  })

  test.skipIf(hasRouge !== true)('ROUGE-L is that of the package rouge', () => {
    expect.hasAssertions()
    const unit = fc.constantFrom('a', 'b', 'cat', 'sat', 'A', 'a.', '. ', '北京')
    const text = fc.array(unit, { minLength: 1, maxLength: 12 }).map((list) => list.join(' '))
    compare(
      'rouge_l',
      sample(fc.tuple(text, text), 300).filter((pair) => pair.every((one) => /[^. ]/.test(one))),
      (pair) => pair,
      ([a, b]) => rougeL(a, b),
    )
  })
})
