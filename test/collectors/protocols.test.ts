// Cases taken from the reference implementation by running it. Those tagged `quirk` hold in strict mode.
import { describe, expect, it } from 'vitest'
import { findCodeBlocks } from '../../collectors/protocols/fences.ts'
import { formatFeedback } from '../../collectors/protocols/feedback.ts'
import { findTextAnswer } from '../../collectors/protocols/final-text.ts'
import { createProtocol } from '../../collectors/protocols/index.ts'
import type { CellResult } from '../../src/sandbox.ts'
import cases from './reference-cases.json' with { type: 'json' }

interface ReferenceCase {
  id: string
  kind: string
  tag: string
  text?: string
  env_stdout?: string | null
  expect?: unknown
  blocks?: { stdout: string; stderr: string; locals: Record<string, unknown> }[]
}

const reference = cases as unknown as ReferenceCase[]

describe('code fences', () => {
  it.each(reference.filter((one) => one.kind === 'fence'))(
    '$id, strict',
    ({ text = '', expect: expected }) => {
      expect(findCodeBlocks(text, true)).toEqual(expected)
    },
  )

  it.each(reference.filter((one) => one.kind === 'fence' && one.tag !== 'quirk'))(
    '$id, mended',
    ({ text = '', expect: expected }) => {
      expect(findCodeBlocks(text, false)).toEqual(expected)
    },
  )

  it('dedents a block that is indented as a whole', () => {
    expect(findCodeBlocks('```repl\n    x=1\n    if x:\n        y=2\n```', false)).toEqual([
      'x=1\nif x:\n    y=2',
    ])
  })
})

describe('FINAL and FINAL_VAR', () => {
  /** What the reference gives: the text, or what the REPL prints for the variable. */
  function resolve(text: string, printed: string | null | undefined, strict: boolean): string | null {
    const answer = findTextAnswer(text, strict)
    if (answer === null) return null
    if (answer.kind === 'text') return answer.text
    return !printed || printed.includes('not found') ? null : printed
  }

  it.each(reference.filter((one) => one.kind === 'final_text_v0'))(
    '$id',
    ({ text = '', env_stdout, expect: expected }) => {
      expect(resolve(text, env_stdout, true)).toEqual(expected)
    },
  )

  it.each(reference.filter((one) => one.kind === 'final_text_v0' && one.tag !== 'quirk'))(
    '$id, mended',
    ({ text = '', env_stdout, expect: expected }) => {
      expect(resolve(text, env_stdout, false)).toEqual(expected)
    },
  )

  it.each([
    ['FINAL(42).', { kind: 'text', text: '42' }],
    ['FINAL(42) done', { kind: 'text', text: '42' }],
    ['FINAL(42)\nThanks (bye)', { kind: 'text', text: '42' }],
    ['FINAL(f(x), (y))', { kind: 'text', text: 'f(x), (y)' }],
    ['FINAL(FINAL_VAR(x))', { kind: 'variable', name: 'x' }],
    ['FINAL_VAR("x")', { kind: 'variable', name: 'x' }],
    ['FINAL(line one\nline two)', { kind: 'text', text: 'line one\nline two' }],
    ['```repl\nFINAL(x)\n```', null],
    ['I will call FINAL(x) later', null],
  ])('reads %j', (text, expected) => {
    expect(findTextAnswer(text, false)).toEqual(expected)
  })
})

describe('feedback', () => {
  const basicTypes = new Set(['string', 'number', 'boolean', 'object'])

  function cell(block: { stdout: string; stderr: string; locals?: Record<string, unknown> }): CellResult {
    const variables = Object.entries(block.locals ?? {})
      .filter(([name]) => !name.startsWith('_'))
      .map(([name, value]) => ({ name, type: 'any', basic: value !== null && basicTypes.has(typeof value) }))
    return {
      stdout: block.stdout,
      stderr: block.stderr,
      stdoutCharacters: Array.from(block.stdout).length,
      stderrCharacters: Array.from(block.stderr).length,
      error: null,
      durationMs: 1,
      computeMs: 1,
      variables,
      finalAnswer: null,
      death: null,
    }
  }

  it.each(reference.filter((one) => one.kind === 'feedback'))('$id', ({ blocks = [], expect: expected }) => {
    expect(formatFeedback(blocks.map(cell))?.content ?? null).toEqual(expected)
  })

  it('cuts at 20,000 characters of the formatted block and counts the rest in code points', () => {
    const content = formatFeedback([cell({ stdout: '\u{1F600}'.repeat(20_100), stderr: '' })])?.content ?? ''
    expect(content.endsWith('... + [101 chars...]')).toBe(true)
    expect(Array.from(content).length).toBe('REPL output:\n'.length + 20_000 + '... + [101 chars...]'.length)
  })

  it('counts characters that the sandbox did not keep', () => {
    const kept = { ...cell({ stdout: 'a'.repeat(30_000), stderr: '' }), stdoutCharacters: 1_000_000 }
    expect(formatFeedback([kept])?.content).toContain(`... + [${1_000_001 - 20_000} chars...]`)
  })

  it('numbers the blocks of a turn and gives exceptions in one line', () => {
    const failed = {
      ...cell({ stdout: 'a\n', stderr: '' }),
      error: { type: 'NameError', message: "name 'x' is not defined", traceback: 'Traceback …' },
    }
    expect(formatFeedback([cell({ stdout: 'one\n', stderr: '' }), failed])?.content).toBe(
      "REPL output (block 1):\n\none\n\n\nREPL output (block 2):\n\na\n\n\n\n\nNameError: name 'x' is not defined",
    )
  })
})

describe('a protocol', () => {
  it('opens as the reference does', () => {
    const protocol = createProtocol({ id: 'rlm' })
    const [system, facts] = protocol.opening('Which one?', { type: 'str', characters: 12 }, null)
    expect(system?.role).toBe('system')
    expect(facts).toEqual({
      role: 'user',
      content:
        'Answer the following: Which one?\n\nYour context is a str of 12 total characters. Each sub-LLM call can handle roughly ~100k tokens at once.',
    })
    expect(protocol.turnPrompt(1, 30)).toEqual({ role: 'user', content: 'Turn 2/30:' })
    expect(
      protocol.turnPrompt(0, 30)?.content.endsWith('do not provide a final answer yet.\n\nTurn 1/30:'),
    ).toBe(true)
  })

  it('has a hash that follows its texts and parameters', () => {
    const hash = createProtocol({ id: 'rlm' }).hash
    expect(createProtocol({ id: 'rlm' }).hash).toBe(hash)
    const others = [
      createProtocol({ id: 'rlm', systemPrompt: 'mine {with braces}' }),
      createProtocol({ id: 'rlm', strict: true }),
      createProtocol({ id: 'rlm', forceAnswer: false }),
      createProtocol({ id: 'rlm-final' }),
      createProtocol({ id: 'repl' }),
      createProtocol({ id: 'direct' }),
    ].map((protocol) => protocol.hash)
    expect(new Set([hash, ...others]).size).toBe(7)
  })
})
