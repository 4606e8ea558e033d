// What the pages on datasets make of texts: Markdown of cards, plans in addresses, values of rows.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planAddress, planOf } from '../../api/web/dataset/plan.ts'
import { isFact, lineOf, messagesOf } from '../../api/web/dataset/values.ts'
import { readLine, readMarkdown } from '../../api/web/text/markdown.ts'

describe('Markdown', () => {
  test('a card becomes its blocks', () => {
    const card = [
      '---',
      'license: mit',
      '---',
      '# Name',
      '',
      'Two lines',
      'of one paragraph.',
      '',
      '| a | b |',
      '|---|---:|',
      '| x \\| y | 1 |',
      '',
      '- one',
      '  goes on',
      '- two',
      '```python',
      '# no heading',
      '```',
      '> quoted',
    ]
    expect(readMarkdown(card.join('\n'))).toEqual({
      front: 'license: mit',
      blocks: [
        { kind: 'heading', level: 1, text: 'Name' },
        { kind: 'paragraph', text: 'Two lines of one paragraph.' },
        { kind: 'table', head: ['a', 'b'], rows: [['x | y', '1']] },
        { kind: 'list', items: ['one goes on', 'two'] },
        { kind: 'code', language: 'python', text: '# no heading' },
        { kind: 'quote', text: 'quoted' },
      ],
    })
  })

  test('a line becomes its pieces, and only https is a link', () => {
    expect(readLine('**a** `b*` [c](https://d.example) [e](javascript:f) ![g](card/h.svg) \\*i')).toEqual([
      { kind: 'strong', text: 'a' },
      { kind: 'text', text: ' ' },
      { kind: 'code', text: 'b*' },
      { kind: 'text', text: ' ' },
      { kind: 'link', text: 'c', href: 'https://d.example' },
      { kind: 'text', text: ' [e](javascript:f) ' },
      { kind: 'image', text: 'g', source: 'card/h.svg' },
      { kind: 'text', text: ' *i' },
    ])
  })

  test('any text is read to its end', () => {
    const piece = fc.constantFrom(
      '|',
      '---',
      '\n',
      '- ',
      '# ',
      '```',
      '> ',
      'a',
      '  ',
      '1. ',
      '\\',
      '[x](',
      '~~~',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (parts) => {
        const { blocks } = readMarkdown(parts.join(''))
        expect(blocks.flatMap((block) => ('text' in block ? readLine(block.text) : []))).toBeInstanceOf(Array)
      }),
    )
    const begun = performance.now()
    readMarkdown('|'.repeat(200_000))
    readLine('*[`'.repeat(50_000))
    expect(performance.now() - begun).toBeLessThan(1500)
  })
})

test('a plan stands in the address, and comes back from what was made', () => {
  const query = new URLSearchParams(
    'run=a,b&recipe=kto&where=turns > 1&select=best-2&clean=secrets,emails&repair=all&option.children=false&evalFraction=0.2',
  )
  const plan = planOf(query)
  expect(plan).toEqual({
    runs: ['a', 'b'],
    recipe: 'kto',
    where: 'turns > 1',
    select: 'best-2',
    clean: ['secrets', 'emails'],
    repair: ['all'],
    evalFraction: 0.2,
    recipeOptions: { children: false },
  })
  const { runs, ...rest } = plan
  const again = new URL(planAddress({ ...rest, runIds: runs }), 'http://x').searchParams
  expect(planOf(again)).toEqual(plan)
  expect(planOf(new URLSearchParams())).toEqual({ runs: ['latest'], recipe: 'sft-turns' })
})

test('values are told from each other', () => {
  expect([1, null, 'short', true].every(isFact)).toBe(true)
  expect(['a\nb', 'x'.repeat(100), [], {}].some(isFact)).toBe(false)
  expect(messagesOf([{ role: 'user', content: 'a' }])).toEqual([{ role: 'user', content: 'a' }])
  expect(messagesOf([{ from: 'gpt', value: 'a' }])).toEqual([{ role: 'gpt', content: 'a' }])
  for (const other of [[], [1], [{ role: 'user' }], 'text', null]) expect(messagesOf(other)).toBeNull()
  expect(lineOf(0.30000000000000004)).toBe('0.3')
  expect(
    lineOf([
      { role: 'a', content: 'x' },
      { role: 'b', content: 'y\nz' },
    ]),
  ).toBe('2 messages · y z')
})
