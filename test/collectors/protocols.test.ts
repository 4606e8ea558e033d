// How a protocol talks: what it reads out of a response, what it tells of the cells, its texts and its hash.
import { describe, expect, it } from 'vitest'
import { findCodeBlocks } from '../../collectors/protocols/fences.ts'
import { formatFeedback } from '../../collectors/protocols/feedback.ts'
import { findTextAnswer } from '../../collectors/protocols/final-text.ts'
import { createProtocol, type ProtocolOptions } from '../../collectors/protocols/index.ts'
import type { CellResult } from '../../src/sandbox.ts'

describe('code fences', () => {
  it('dedents a block that is indented as a whole', () => {
    expect(findCodeBlocks('```repl\n    x=1\n    if x:\n        y=2\n```', false)).toEqual([
      'x=1\nif x:\n    y=2',
    ])
  })
})

describe('FINAL and FINAL_VAR', () => {
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
  function cell(block: { stdout: string; stderr: string }): CellResult {
    return {
      stdout: block.stdout,
      stderr: block.stderr,
      stdoutCharacters: Array.from(block.stdout).length,
      stderrCharacters: Array.from(block.stderr).length,
      error: null,
      durationMs: 1,
      computeMs: 1,
      variables: [],
      finalAnswer: null,
      death: null,
    }
  }

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
    const options: ProtocolOptions[] = [
      { id: 'rlm' },
      { id: 'rlm', systemPrompt: 'mine {with braces}' },
      { id: 'rlm', strict: true },
      { id: 'rlm', forceAnswer: false },
      { id: 'rlm', variant: 'coder' },
      { id: 'rlm', variant: 'small-window' },
      { id: 'rlm', systemPromptAddition: 'Be brief.' },
      { id: 'rlm', userPrologue: 'Mind the units.' },
      { id: 'rlm', tools: [{ name: 'limit', description: 'the limit', value: 3 }] },
      { id: 'rlm', tools: [{ name: 'limit', description: 'the limit', value: 4 }] },
      { id: 'rlm', tools: [{ name: 'limit', description: 'the limit', source: 'limit = 3' }] },
      { id: 'rlm-final' },
      { id: 'rlm-final', variant: 'coder' },
      { id: 'repl' },
      { id: 'direct' },
      { id: 'direct', strict: true },
    ]
    const hashes = options.map((one) => createProtocol(one).hash)
    expect(options.map((one) => createProtocol(one).hash)).toEqual(hashes)
    expect(new Set(hashes).size).toBe(options.length)
  })

  it('is the same again from the texts that it was stored with', () => {
    const options: ProtocolOptions = {
      id: 'rlm',
      systemPrompt: 'mine',
      userPrologue: 'first',
      systemPromptAddition: 'more',
      tools: [{ name: 'limit', description: 'the limit', value: 3 }],
    }
    const first = createProtocol(options)
    const { systemPrompt: _, ...rest } = options
    const again = createProtocol({ ...rest, texts: first.texts })
    expect([again.hash, again.texts]).toEqual([first.hash, first.texts])
    const facts = { type: 'str', characters: 1 } as const
    expect(again.opening('q', facts, null)).toEqual(first.opening('q', facts, null))
  })

  it('puts the prologue third, and tools and additions at the end of any system prompt', () => {
    const protocol = createProtocol({
      id: 'rlm',
      systemPrompt: 'mine',
      systemPromptAddition: 'more',
      userPrologue: 'first',
      tools: [{ name: 'limit', description: 'the limit', value: 3 }],
    })
    const messages = protocol.opening('q', { type: 'str', characters: 1 }, null)
    expect(messages.map((message) => message.role)).toEqual(['system', 'user', 'user'])
    expect(messages[0]?.content).toMatch(/^mine\n\n[^\n]*:\n- `limit`: the limit\n\nmore$/)
    expect(messages[2]?.content).toBe('first')
  })

  it('has prompts for families of models', () => {
    const texts = (['default', 'coder', 'small-window'] as const).map(
      (variant) => createProtocol({ id: 'rlm', variant }).texts['system'] ?? '',
    )
    expect(createProtocol({ id: 'rlm' }).texts['system']).toBe(texts[0])
    expect(texts[1]).toContain('thousands of calls')
    expect(texts[2]).toContain('about 24,000 characters')
    expect(texts[2]).not.toContain('300,000')
    expect(new Set(texts).size).toBe(3)
    expect(() => createProtocol({ id: 'repl', variant: 'coder' })).toThrow(
      /protocol\.variant: coder .* not repl/,
    )
    expect(() => createProtocol({ id: 'rlm', variant: 'coder', systemPrompt: 'mine' })).toThrow(
      'a prompt of your own',
    )
  })

  it('tells of several contexts and histories as the reference does', () => {
    const protocol = createProtocol({ id: 'rlm' })
    expect(protocol.turnPrompt(1, 9, { contexts: 3, histories: 1 })?.content).toBe(
      'Turn 2/9:\n\nNote: You have 3 contexts available (context_0 through context_2).\n\nNote: You have 1 prior conversation history available in the `history` variable.',
    )
    expect(protocol.turnPrompt(1, 9, { histories: 2 })?.content).toBe(
      'Turn 2/9:\n\nNote: You have 2 prior conversation histories available (history_0 through history_1).',
    )
  })

  it('refuses tools whose names are taken, all in one message', () => {
    const tools = ['answer', 'fine', 'context_3', 'llm_query'].map((name) => ({
      name,
      description: 'x',
      value: 1,
    }))
    expect(() => createProtocol({ id: 'rlm', tools })).toThrow(
      /^tools: answer, context_3, llm_query: reserved for the REPL itself/,
    )
    const odd = ['a-b', '_x', 'for'].map((name) => ({ name, description: 'x', value: 1 }))
    expect(() => createProtocol({ id: 'rlm', tools: odd })).toThrow(/^tools: a-b, _x, for: not a name/)
    const twice = [1, 2].map((value) => ({ name: 'limit', description: 'x', value }))
    expect(() => createProtocol({ id: 'rlm', tools: twice })).toThrow(/^tools: limit: given twice/)
    expect(() => createProtocol({ id: 'direct', tools: twice.slice(1) })).toThrow('has no REPL')
  })
})
