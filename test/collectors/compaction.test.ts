// Compaction: a history that nears the window gives way to a summary; nothing of it is lost.
import { describe, expect, it } from 'vitest'
import { createProtocol } from '../../collectors/protocols/index.ts'
import { sequenceModel } from '../support/rollouts.ts'
import { answer, code, turnsOf, useRolling } from './rolling.ts'

const { roll } = useRolling('compaction')

// 1,000 tokens of window, compacted at 900: characters / 4, where the server counts nothing.
const compaction = { window: 1000, at: 0.9 }
const systemPrompt = 'Be brief.'
const long = (letter: string) => code(`print("${letter}" * 1800)`)
const policy = [long('a'), long('b'), 'SUMMARY one', code('print(len(history), history[-1])'), answer('42')]

describe('compaction', () => {
  it('replaces the history by the summary, and keeps what was said before', async () => {
    const trajectory = await roll([], {
      policy: sequenceModel(policy),
      tokensPerCall: null,
      protocol: { id: 'rlm', systemPrompt, compaction },
      limits: { maxTurns: 4 },
    })
    expect(trajectory).toMatchObject({ answer: '42', stopReason: 'answered' })
    const turns = turnsOf(trajectory)
    expect(turns.map((turn) => turn.compaction)).toEqual([false, false, true, false, false])
    expect(turns.map((turn) => turn.extendsPrevious)).toEqual([null, true, true, false, true])
    const roles = turns.map((turn) => turn.call.messages.map((message) => message.role[0]).join(''))
    expect(roles).toEqual(['suu', 'suuauu', 'suuauuauu', 'suauu', 'suauuauu'])
    // The summary is asked for with the whole history before it, which stays in the record.
    expect(turns[2]?.call.messages[4]?.content).toContain('a'.repeat(1800))
    expect(turns[2]?.call.messages.at(-1)?.content).toMatch(/^Summarize your progress so far\./)
    expect(turns[3]?.call.messages.slice(2, 4).map((message) => message.content)).toEqual([
      'SUMMARY one',
      expect.stringMatching(/^Your conversation has been compacted 1 time\(s\)\. Continue from the above/),
    ])
    // A summary is none of the turns that the model is told of.
    expect(turns[3]?.call.messages.at(-1)?.content).toBe('Turn 3/4:')
    // Two turns and the summary, as the reference keeps them.
    expect(turns[3]?.cells[0]?.stdout).toBe("3 {'type': 'summary', 'content': 'SUMMARY one'}\n")
  })

  it('is that of the reference in the REPL, names in its order', async () => {
    const trajectory = await roll([code('SHOW_VARS()\nx = 1'), answer('1')], {
      protocol: { id: 'rlm', strict: true, systemPrompt, compaction },
    })
    expect(turnsOf(trajectory)[1]?.call.messages.at(-2)?.content).toContain(
      "REPL variables: ['answer', 'history', 'context_0', 'context', 'x']",
    )
  })

  it('comes back with a REPL that died', async () => {
    const trajectory = await roll([], {
      policy: sequenceModel([
        code('print(len(history))'),
        code('import os\nos._exit(1)'),
        code('print(len(history), history[0][0]["role"])'),
        answer('1'),
      ]),
      protocol: { id: 'rlm', systemPrompt, compaction },
    })
    const printed = turnsOf(trajectory).map((turn) => turn.cells[0]?.stdout)
    expect(printed).toEqual(['0\n', '', '2 assistant\n', ''])
  })

  it('counts what the server counted', async () => {
    const trajectory = await roll([], {
      policy: sequenceModel([code('1'), 'SUMMARY', answer('1')]),
      protocol: { id: 'rlm', systemPrompt, compaction },
      tokensPerCall: { inputTokens: 800, outputTokens: 100 },
    })
    expect(turnsOf(trajectory).map((turn) => turn.compaction)).toEqual([false, true, false])
  })

  it('does not begin again before a turn was made', async () => {
    const trajectory = await roll([], {
      policy: sequenceModel([code('1'), 'SUMMARY', code('2'), 'AGAIN', answer('1')]),
      tokensPerCall: null,
      protocol: { id: 'rlm', systemPrompt: 'x'.repeat(4000), compaction },
    })
    expect(turnsOf(trajectory).map((turn) => turn.compaction)).toEqual([false, true, false, true, false])
    expect(turnsOf(trajectory)[4]?.call.messages.map((message) => message.content)).toContain('AGAIN')
    expect(turnsOf(trajectory)[4]?.call.messages.map((message) => message.content)).not.toContain('SUMMARY')
  })

  it('holds for children, whose history is their own', async () => {
    const trajectory = await roll([code('print(rlm_query("sub"))'), answer('done')], {
      protocol: { id: 'rlm', systemPrompt, compaction },
      limits: { maxDepth: 2 },
      child: sequenceModel(policy, 'child'),
      tokensPerCall: null,
    })
    const child = trajectory.invocations.find((invocation) => invocation.depth === 1)
    expect(child?.turns.map((turn) => turn.compaction)).toEqual([false, false, true, false, false])
    expect(child?.answer).toBe('42')
  })

  it('strict: the prologue goes with the history, as in the reference', () => {
    const opening = [
      { role: 'system' as const, content: 's' },
      { role: 'user' as const, content: 'facts' },
      { role: 'user' as const, content: 'prologue' },
    ]
    const messages = (strict: boolean) =>
      createProtocol({ id: 'rlm', compaction, strict }).compaction?.restart(opening, 'sum', 2)
    expect(messages(true)?.map((message) => message.content.slice(0, 48))).toEqual([
      's',
      'facts',
      'sum',
      'Your conversation has been compacted 2 time(s). ',
    ])
    expect(messages(false)?.[2]?.content).toBe('prologue')
  })

  it('is part of the hash of the protocol, and refused where there is no history', () => {
    const hash = (at: number) => createProtocol({ id: 'rlm', compaction: { window: 1000, at } }).hash
    expect(new Set([hash(0.5), hash(0.6), createProtocol({ id: 'rlm' }).hash]).size).toBe(3)
    expect(() => createProtocol({ id: 'direct', compaction })).toThrow(
      /^protocol\.compaction: the protocol direct/,
    )
  })
})
