// What the comparison of two trajectories makes of texts and trees.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diffLines, type DiffLine } from '../../api/web/text/diff.ts'
import { align } from '../../api/web/trace/align.ts'
import type { TrajectoryTree } from '../../api/http/tree.ts'

const of = (lines: DiffLine[], side: DiffLine['kind']) =>
  lines
    .filter(({ kind }) => kind === 'both' || kind === side)
    .map(({ text }) => text)
    .join('\n')

describe('lines', () => {
  test('what is equal stays, what is not is told of each side', () => {
    expect(diffLines('a\nb\nc\nd', 'a\nx\nc\nd')).toEqual([
      { kind: 'both', text: 'a' },
      { kind: 'first', text: 'b' },
      { kind: 'second', text: 'x' },
      { kind: 'both', text: 'c' },
      { kind: 'both', text: 'd' },
    ])
    expect(diffLines('a\nb\nc', 'b\nc\nd').filter(({ kind }) => kind === 'both')).toHaveLength(2)
  })

  test('both texts can be read off, and as many lines are matched as can be', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }).map((lines) => lines.join('\n'))
    fc.assert(
      fc.property(text, text, (a, b) => {
        const lines = diffLines(a, b)
        expect([of(lines, 'first'), of(lines, 'second')]).toEqual([a, b])
        const matched = lines.filter(({ kind }) => kind === 'both').length
        expect(matched).toBe(longest(a.split('\n'), b.split('\n')))
      }),
    )
  })

  test('texts of many lines that differ everywhere take no time', () => {
    const many = (word: string) => Array.from({ length: 20_000 }, (_, index) => `${word} ${index}`).join('\n')
    const begun = performance.now()
    expect(diffLines(many('a'), many('b'))).toHaveLength(40_000)
    expect(performance.now() - begun).toBeLessThan(1000)
  })
})

/** The length of a longest common subsequence, by its definition. */
function longest(a: string[], b: string[]): number {
  const [first, ...rest] = a
  if (first === undefined || b.length === 0) return 0
  const at = b.indexOf(first)
  return Math.max(longest(rest, b), at < 0 ? 0 : 1 + longest(rest, b.slice(at + 1)))
}

test('cells are aligned by turn and place, and the first difference is found', () => {
  const text = (words: string) => ({ text: words, characters: words.length, truncated: false })
  const cell = (code: string, stdout: string) => ({
    code: text(code),
    stdout: text(stdout),
    stderr: text(''),
  })
  const tree = (...turns: ReturnType<typeof cell>[][]) =>
    ({
      invocations: [
        {
          parentCellId: null,
          turns: turns.map((cells) => ({ cells, call: { response: { text: text('said') } } })),
        },
      ],
    }) as unknown as TrajectoryTree
  const one = tree([cell('a', '1'), cell('b', '2')], [], [cell('c', '3')])
  const other = tree([cell('a', '1'), cell('b', 'x')], [])
  const { pairs, firstDifference } = align(one, other)
  expect(pairs.map(({ turn, cell: at, sameCode, sameOutput }) => [turn, at, sameCode, sameOutput])).toEqual([
    [0, 0, true, true],
    [0, 1, true, false],
    [1, 0, true, true],
    [2, 0, false, false],
  ])
  expect(firstDifference).toBe(1)
  expect(align(one, one).firstDifference).toBe(-1)
})
