// The pure parts of the trace browser: whatever a model writes, nothing is lost and nothing throws.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { beginning, countCharacters, preview, tailPreview } from '../../api/http/preview.ts'
import { formatAge, formatCost, formatDuration, formatTokens } from '../../api/web/format.ts'
import { chunkText } from '../../api/web/text/chunks.ts'
import { splitFences } from '../../api/web/text/fences.ts'
import { tokenizePython, tokenLines } from '../../api/web/text/python.ts'
import { visiblePieces } from '../../api/web/text/visible.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 400 })
const codeLike = fc
  .array(
    fc.constantFrom('"""', "'''", '"', "'", '\\', '#', '\n', 'f', 'rb', 'def ', 'x', '1e', ' ', '`', '🚀'),
    {
      maxLength: 60,
    },
  )
  .map((parts) => parts.join(''))

describe('Python', () => {
  test('the tokens joined are the code, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, codeLike), (code) => {
        expect(
          tokenizePython(code)
            .map((token) => token.text)
            .join(''),
        ).toBe(code)
        expect(tokenLines(code)).toHaveLength(code.split('\n').length)
      }),
    )
  })

  test('colours what a reader looks for', () => {
    const kinds = Object.fromEntries(
      tokenizePython('for x in f"a{1}": llm_query(x.context) # done\nrf1 = 0x1F + len(s)').map((token) => [
        token.text.trim(),
        token.kind,
      ]),
    )
    expect(kinds).toMatchObject({
      for: 'keyword',
      'f"a{1}"': 'string',
      llm_query: 'scaffold',
      '# done': 'comment',
      '0x1F': 'number',
      len: 'call',
    })
    expect(kinds['context']).not.toBe('scaffold')
  })

  test('a long unclosed string takes no long time', () => {
    const started = performance.now()
    tokenizePython(`x = """${'a\\'.repeat(50_000)}`)
    tokenizePython('"'.repeat(100_001))
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

test('chunks joined are the text, and none is long', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 0, max: 300 }), (text, times) => {
      const long = text.repeat(times)
      const chunks = chunkText(long)
      expect(chunks.join('')).toBe(long)
      for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(20_000)
    }),
    { numRuns: 30 },
  )
})

test('hidden characters are named, all others stay', () => {
  const pieces = visiblePieces('a\0b\u202e\n\tc\u{E0041}👩‍🔬\ud800')
  expect(pieces.map((piece) => (piece.invisible ? `[${piece.text}]` : piece.text)).join('')).toBe(
    'a[NUL]b[U+202E]\n\tc[U+E0041]👩‍🔬[U+D800]',
  )
})

test('fences are split as CommonMark says, and an open one runs to the end', () => {
  expect(splitFences('hi\n```repl\nx = 1\n```\n\nthen\n~~~\n```\n~~~\n````py\n```\nrest')).toEqual([
    { kind: 'prose', language: '', text: 'hi' },
    { kind: 'code', language: 'repl', text: 'x = 1' },
    { kind: 'prose', language: '', text: 'then' },
    { kind: 'code', language: '', text: '```' },
    { kind: 'code', language: 'py', text: '```\nrest' },
  ])
  expect(splitFences('``` not a fence ``` \ntext')).toHaveLength(1)
})

test('previews never halve a pair and count characters', () => {
  expect(countCharacters('a👩b\ud800')).toBe(4)
  expect(preview('ab👩', 3)).toEqual({ text: 'ab', characters: 3, truncated: true })
  expect(preview('ab👩', 4)).toEqual({ text: 'ab👩', characters: 3, truncated: false })
  expect(tailPreview('👩ab', 3)).toEqual({ text: 'ab', characters: 3, truncated: true })
  expect(beginning('abc', 10, { characters: 900 })).toEqual({ text: 'abc', characters: 900, truncated: true })
})

test('numbers are short and never pretend', () => {
  expect([formatTokens(999), formatTokens(21_432), formatTokens(999_800), formatTokens(null)]).toEqual([
    '999',
    '21.4k',
    '1.00M',
    '–',
  ])
  expect([
    formatDuration(42.4),
    formatDuration(1840),
    formatDuration(59_990),
    formatDuration(3_725_000),
  ]).toEqual(['42 ms', '1.84 s', '1 m 00 s', '1 h 02 m'])
  expect([formatCost(null), formatCost(0), formatCost(0.00021), formatCost(61.4)]).toEqual([
    '–',
    '$0',
    '$0.00021',
    '$61.40',
  ])
  expect(formatAge('2026-01-01T00:00:00Z', Date.parse('2026-01-02T03:00:00Z'))).toBe('27 h')
})
