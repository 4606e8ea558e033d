// Every case that was taken from the reference by running it (alexzhang13/rlm 72d6940, and its text
// convention before 51c25b0), in strict mode; those that are no quirk in the default mode as well. What the
// default does where the reference loses data or breaks honest code stands beside each (docs/protocols.md).
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { findCodeBlocks } from '../../collectors/protocols/fences.ts'
import { formatFeedback } from '../../collectors/protocols/feedback.ts'
import { findTextAnswer, strictVariableText } from '../../collectors/protocols/final-text.ts'
import type { CellResult } from '../../src/sandbox.ts'
import type { Json } from '../../src/json.ts'
import { noBuiltins, referenceStderr, startSandbox, withFiles } from '../sandbox/helpers.ts'
import type { TestSandbox } from '../sandbox/helpers.ts'
import { contextFacts } from '../../src/tasks/context.ts'
import { parseKeepingNumbers } from '../../src/tasks/json-length.ts'
import cases from './reference-cases.json' with { type: 'json' }
import more from './reference-more.json' with { type: 'json' }
import { code, useRolling, turnsOf } from './rolling.ts'

const tag = z.enum(['ref', 'observed', 'legacy', 'quirk'])
const base = z.object({ id: z.string(), tag })
const cellExpectation = z.strictObject({
  stdout: z.string().optional(),
  stderr: z.string().optional(),
  stderr_contains: z.string().optional(),
  final: z.string().nullable().optional(),
})
const caseSchema = z.discriminatedUnion('kind', [
  base.extend({
    kind: z.literal('cells'),
    context: z.json(),
    setup: z.array(z.tuple([z.literal('history'), z.json()])).nullable(),
    cells: z.array(z.string()),
    expect: z.array(cellExpectation),
  }),
  base.extend({ kind: z.literal('fence'), text: z.string(), expect: z.array(z.string()) }),
  base.extend({
    kind: z.literal('final_text_v0'),
    text: z.string(),
    env_stdout: z.string().nullable(),
    expect: z.string().nullable(),
  }),
  base.extend({
    kind: z.literal('feedback'),
    blocks: z.array(
      z.object({ stdout: z.string(), stderr: z.string(), locals: z.record(z.string(), z.json()) }),
    ),
    expect: z.string().nullable(),
  }),
  base.extend({
    kind: z.literal('loop'),
    context: z.string(),
    root_prompt: z.string(),
    options: z.strictObject({
      max_iterations: z.int().optional(),
      max_errors: z.int().optional(),
      max_tokens: z.int().optional(),
      max_depth: z.int().optional(),
    }),
    responses: z.array(z.string()),
    expect: z.strictObject({
      response: z.string().optional(),
      response_plain_string: z.string().optional(),
      logged: z.int().optional(),
      last_prompt_role: z.string().optional(),
      error: z.string().optional(),
    }),
  }),
])
type Case<Kind> = Extract<z.infer<typeof caseSchema>, { kind: Kind }>
const reference = z.array(caseSchema).parse(cases)

/** Found by running the reference and Descent on random inputs, where the two once differed. */
const moreSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fence'), text: z.string(), expect: z.array(z.string()) }),
  z.strictObject({
    kind: z.literal('final'),
    text: z.string(),
    printed: z.string(),
    expect: z.string().nullable(),
  }),
  z.strictObject({
    kind: z.literal('facts'),
    context: z.string(),
    expect: z.tuple([z.string(), z.int()]),
  }),
  z.strictObject({
    kind: z.literal('cells'),
    context: z.json(),
    histories: z.array(z.json()),
    cells: z.array(z.string()),
    expect: z.array(
      z.strictObject({
        stdout: z.string(),
        stderr: z.string(),
        final: z.string().nullable(),
        names: z.array(z.string()),
      }),
    ),
  }),
])
type More<Kind> = Extract<z.infer<typeof moreSchema>, { kind: Kind }>

function found<Kind extends z.infer<typeof moreSchema>['kind']>(kind: Kind): More<Kind>[] {
  const all = z.array(moreSchema).parse(more)
  return all.filter((one): one is More<Kind> => one.kind === kind)
}

function modes<Kind extends z.infer<typeof caseSchema>['kind']>(kind: Kind) {
  const all = reference.filter((one): one is Case<Kind> => one.kind === kind)
  const mended = all.filter((one) => one.tag !== 'quirk')
  return [
    ...all.map((one) => ({ one, id: one.id, strict: true })),
    ...mended.map((one) => ({ one, id: one.id, strict: false })),
  ]
}

it('has all 65', () => {
  expect(reference).toHaveLength(65)
})

describe('cells', () => {
  let sandbox: TestSandbox
  beforeAll(async () => {
    sandbox = await startSandbox({})
  })
  afterAll(async () => await sandbox.close())

  async function run(
    given: { context?: Json; histories?: Json[]; cells: string[] },
    strict: boolean,
  ): Promise<CellResult[]> {
    const { context = null } = given
    const text = typeof context === 'string' ? context : JSON.stringify(context)
    const format = typeof context === 'string' ? 'text' : 'json'
    const results: CellResult[] = []
    await withFiles(context === null ? [] : [{ text, format }], async (contexts) => {
      const rig = await sandbox.open({
        contexts,
        onCall: async () => 'Error: No LM handler configured',
        setup: { strict, withoutBuiltins: noBuiltins, histories: given.histories ?? [] },
      })
      for (const cell of given.cells) results.push(await rig.run(cell))
      await rig.close()
    })
    return results
  }

  it.each(modes('cells'))('$id, strict: $strict', async ({ one, strict }) => {
    const histories = (one.setup ?? []).map(([, messages]) => messages)
    const results = await run({ context: one.context, histories, cells: one.cells }, strict)
    for (const [index, result] of results.entries()) {
      const { stdout, finalAnswer: final } = result
      const stderr = referenceStderr(result)
      const { stderr_contains: part = '', ...wanted } = one.expect[index] ?? {}
      expect({ stdout, stderr, final }).toMatchObject(wanted)
      expect(stderr).toContain(part)
    }
  })

  it.each(found('cells'))('also $cells', async (one) => {
    const seen = (await run(one, true)).map((result) => ({
      stdout: result.stdout,
      stderr: referenceStderr(result),
      final: result.finalAnswer,
      names: result.variables.filter((variable) => variable.basic).map((variable) => variable.name),
    }))
    expect(seen).toEqual(one.expect)
  })

  it('cell-39: the default sees answer.update', async () => {
    const [first, second] = await run(
      { cells: ["answer.update({'content':'u','ready':True})", "print(answer['ready'])"] },
      false,
    )
    expect([first?.finalAnswer, second?.finalAnswer]).toEqual(['u', null])
  })

  it('cell-46: the default is one namespace, so a function sees what is bound later', async () => {
    const [, second] = await run({ cells: ['z=1\ndef f():\n    return z', 'z=2\nprint(f())'] }, false)
    expect(second?.stdout).toBe('2\n')
  })

  it('cell-49: the default has the builtins of Python', async () => {
    const [first] = await run({ cells: ["try:\n    1/0\nexcept ZeroDivisionError:\n    print('ok')"] }, false)
    expect(first).toMatchObject({ stdout: 'ok\n', error: null })
  })

  it('the default keeps what a failed cell has bound, deletes what is deleted, and has classes', async () => {
    const cells = [
      'kept = 1\n1/0',
      'print(kept)\ndel kept',
      'print(kept)',
      'class A: pass\nprint(A.__name__)',
    ]
    const [, second, third, fourth] = await run({ cells }, false)
    expect([second?.stdout, third?.error?.type, fourth?.stdout]).toEqual(['1\n', 'NameError', 'A\n'])
    const [, lost, , missing] = await run({ cells }, true)
    expect([lost?.error?.type, missing?.error?.type]).toEqual(['NameError', 'NameError'])
  })
})

describe('code fences', () => {
  it.each(modes('fence'))('$id, strict: $strict', ({ one, strict }) => {
    expect(findCodeBlocks(one.text, strict)).toEqual(one.expect)
  })

  it.each(found('fence'))('also $text', ({ text, expect: expected }) => {
    expect(findCodeBlocks(text, true)).toEqual(expected)
  })

  it('fence-19: the default dedents a block that is indented as a whole', () => {
    expect(findCodeBlocks('```repl\n    x=1\n    y=2\n```', false)).toEqual(['x=1\ny=2'])
  })
})

describe('FINAL and FINAL_VAR', () => {
  /** What the reference gives: the text, or what the REPL prints for the variable. */
  function resolve(text: string, printed: string | null, strict: boolean): string | null {
    const given = findTextAnswer(text, strict)
    if (given === null) return null
    return given.kind === 'text' ? given.text : strictVariableText(printed ?? '')
  }

  it.each(modes('final_text_v0'))('$id, strict: $strict', ({ one, strict }) => {
    expect(resolve(one.text, one.env_stdout, strict)).toEqual(one.expect)
  })

  it.each(found('final'))('also $text', ({ text, printed, expect: expected }) => {
    expect(resolve(text, printed, true)).toEqual(expected)
  })

  it.each([
    ['final-16', 'FINAL(42) done', { kind: 'text', text: '42' }],
    ['final-17', 'FINAL(42)\nThanks (bye)', { kind: 'text', text: '42' }],
    ['final-19', '```repl\nFINAL(x)\n```', null],
    ['final-24', 'FINAL(42).', { kind: 'text', text: '42' }],
    ['final-25', 'FINAL(FINAL_VAR(x))', { kind: 'variable', name: 'x' }],
  ])('%s: the default reads %j as it was meant', (_id, text, expected) => {
    expect(findTextAnswer(text, false)).toEqual(expected)
  })
})

describe('the facts of a context', () => {
  it.each(found('facts'))('of $context', ({ context, expect: expected }) => {
    const { type, characters } = contextFacts(parseKeepingNumbers(context))
    expect([type, characters]).toEqual(expected)
  })
})

describe('feedback', () => {
  it.each(modes('feedback'))('$id', ({ one }) => {
    const results = one.blocks.map((block): CellResult => ({
      stdout: block.stdout,
      stderr: block.stderr,
      stdoutCharacters: block.stdout.length,
      stderrCharacters: block.stderr.length,
      error: null,
      durationMs: 1,
      computeMs: 1,
      variables: Object.entries(block.locals)
        .filter(([name]) => !name.startsWith('_'))
        .map(([name, value]) => ({ name, type: 'any', basic: value !== null })),
      finalAnswer: null,
      death: null,
    }))
    expect(formatFeedback(results)?.content ?? null).toEqual(one.expect)
  })
})

describe('the loop', () => {
  const rolling = useRolling('reference')

  const stopReasons: Record<string, string> = {
    ErrorThresholdExceededError: 'max_errors',
    TokenLimitExceededError: 'max_tokens',
  }

  it.each(modes('loop'))('$id, strict: $strict', async ({ one, strict }) => {
    const { options, expect: wanted } = one
    const trajectory = await rolling.roll(one.responses, {
      context: one.context,
      prompt: one.root_prompt,
      protocol: { id: options.max_depth === 0 ? 'direct' : 'rlm', strict },
      limits: {
        maxTurns: options.max_iterations ?? 30,
        maxErrors: options.max_errors,
        maxTokens: options.max_tokens,
        maxDepth: options.max_depth,
      },
      tokensPerCall: { inputTokens: 10, outputTokens: 10 },
    })
    const turns = turnsOf(trajectory)
    const messages = turns.at(-1)?.call.messages ?? []
    // The reference does not log the turn that reached a limit; nothing that cost money is left out here.
    const logged = wanted.error === undefined ? turns.length : turns.length - 1
    expect({
      stopReason: wanted.error === undefined ? null : trajectory.stopReason,
      answer: trajectory.answer,
      logged,
      lastRole: messages.at(-1)?.role,
      plain: options.max_depth === 0 ? messages : null,
      status: trajectory.status,
    }).toEqual({
      stopReason: wanted.error === undefined ? null : stopReasons[wanted.error],
      answer: wanted.response ?? wanted.response_plain_string ?? null,
      logged: wanted.logged ?? logged,
      lastRole: wanted.last_prompt_role ?? 'user',
      plain: options.max_depth === 0 ? [{ role: 'user', content: one.context }] : null,
      status: 'done',
    })
  })

  it('loop-08: the default keeps the answer of the turn that reaches a limit', async () => {
    const trajectory = await rolling.roll([code("answer['content'] = 'A'\nanswer['ready'] = True")], {
      limits: { maxTokens: 10 },
      tokensPerCall: { inputTokens: 10, outputTokens: 10 },
    })
    expect(trajectory).toMatchObject({ answer: 'A', stopReason: 'answered' })
  })

  it('loop-13: the default asks the question with the text, and records the call like any other', async () => {
    const trajectory = await rolling.roll([' plain\n'], {
      protocol: { id: 'direct' },
      limits: { maxDepth: 0 },
      prompt: 'Why?',
    })
    expect(trajectory).toMatchObject({ answer: 'plain', stopReason: 'answered', usage: { calls: 1 } })
    const [system, user] = turnsOf(trajectory)[0]?.call.messages ?? []
    expect([system?.role, user?.content]).toEqual(['system', 'ctx text\n\nWhy?'])
  })

  it('loop-13: a list of messages is sent as it is', async () => {
    const messages = [
      { role: 'system', content: 's' },
      { role: 'user', content: 'u' },
    ]
    const protocol = { id: 'direct', strict: true } as const
    const trajectory = await rolling.roll(['plain'], { protocol, context: messages })
    expect(turnsOf(trajectory)[0]?.call.messages).toEqual(messages)
  })
})
