// The loop against a scripted policy, the real sandbox and a real store.
import { describe, expect, it } from 'vitest'
import { ModelError } from '../../src/errors.ts'
import { createTableModel } from '../../src/models/index.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { roll as rollOne, useWorkbench, type Setting } from '../support/rollouts.ts'

const bench = useWorkbench('loop')

const roll = (responses: string[], setting?: Setting) => rollOne(bench, responses, setting)

const answer = (text: string) =>
  `\`\`\`repl\nanswer['content'] = ${JSON.stringify(text)}\nanswer['ready'] = True\n\`\`\``
const code = (text: string) => `\`\`\`repl\n${text}\n\`\`\``

function turnsOf(trajectory: Trajectory) {
  return trajectory.invocations[0]?.turns ?? []
}

describe('the loop, as the reference runs it', () => {
  it('ends with the answer (loop-01)', async () => {
    const trajectory = await roll([answer('42')])
    expect(trajectory).toMatchObject({ answer: '42', stopReason: 'answered', status: 'done' })
    expect(turnsOf(trajectory)).toHaveLength(1)
  })

  it('keeps the REPL from turn to turn and sends the growing history (loop-02)', async () => {
    const trajectory = await roll([
      'Let me think...\n```repl\nx = 1 + 1\nprint(x)\n```',
      'Now.\n```repl\ny = x * 2\nprint(y)\n```',
      answer('4'),
    ])
    expect(trajectory.answer).toBe('4')
    const roles = turnsOf(trajectory).map((turn) =>
      turn.call.messages.map((message) => message.role[0]).join(''),
    )
    expect(roles).toEqual(['suu', 'suuauu', 'suuauuauu'])
    expect(turnsOf(trajectory)[2]?.call.messages[4]?.content).toBe(
      "REPL output:\n\n2\n\n\nREPL variables: ['answer', 'context_0', 'context', 'x']\n",
    )
    expect(turnsOf(trajectory)[2]?.call.messages.at(-1)?.content).toBe('Turn 3/5:')
  })

  it('asks for a last answer when the turns are used up (loop-04)', async () => {
    const trajectory = await roll(['t1', 't2', 'the default'], { limits: { maxTurns: 2 } })
    expect(trajectory).toMatchObject({ answer: 'the default', stopReason: 'no_code' })
    expect(turnsOf(trajectory)).toHaveLength(3)
    expect(turnsOf(trajectory)[2]).toMatchObject({ forced: true })
    expect(turnsOf(trajectory)[2]?.call.messages.at(-1)?.role).toBe('assistant')
  })

  it('stops after consecutive errors and stores the turn that did it (loop-05)', async () => {
    const trajectory = await roll([code('1/0'), code('1/0'), code('1/0')], { limits: { maxErrors: 2 } })
    expect(trajectory).toMatchObject({ stopReason: 'max_errors', status: 'done', answer: null })
    expect(turnsOf(trajectory)).toHaveLength(2)
    expect(turnsOf(trajectory)[1]?.cells[0]?.error?.type).toBe('ZeroDivisionError')
  })

  it('stops when more tokens were used than allowed, and stores that turn (loop-06)', async () => {
    const tokensPerCall = { inputTokens: 10, outputTokens: 10 }
    const trajectory = await roll(
      [1, 2, 3, 4].map(() => code('x=1')),
      { limits: { maxTokens: 30 }, tokensPerCall },
    )
    expect(trajectory).toMatchObject({
      stopReason: 'max_tokens',
      usage: { inputTokens: 20, outputTokens: 20, calls: 2 },
    })
  })

  it('allows exactly the limit (loop-07)', async () => {
    const tokensPerCall = { inputTokens: 10, outputTokens: 10 }
    expect(await roll(['x', answer('A')], { limits: { maxTokens: 40 }, tokensPerCall })).toMatchObject({
      answer: 'A',
    })
  })

  it('keeps an answer given in the turn that trips a limit (loop-08, where the reference loses it)', async () => {
    const tokensPerCall = { inputTokens: 10, outputTokens: 10 }
    const trajectory = await roll([answer('A')], { limits: { maxTokens: 10 }, tokensPerCall })
    expect(trajectory).toMatchObject({ answer: 'A', stopReason: 'answered' })
  })

  it('asks once without a REPL at depth 0 (loop-13)', async () => {
    const trajectory = await roll(['plain'], { limits: { maxDepth: 0 }, protocol: 'direct' })
    expect(trajectory).toMatchObject({ answer: 'plain', sandbox: null })
    expect(turnsOf(trajectory)[0]?.call.messages.at(-1)?.content).toBe('ctx text\n\nWhat?')
  })

  it('runs all blocks of a turn and takes the first answer', async () => {
    const trajectory = await roll([`${answer('first')}\n${answer('second')}\n${code('print(7)')}`])
    expect(trajectory.answer).toBe('first')
    expect(turnsOf(trajectory)[0]?.cells.map((cell) => cell.finalAnswer)).toEqual(['first', 'second', null])
  })

  it('tells the type and size of a dict context', async () => {
    const trajectory = await roll([answer('x')], { context: { a: 'four', b: [1, 2] } })
    expect(turnsOf(trajectory)[0]?.call.messages[1]?.content).toContain(
      'Your context is a dict of 10 total characters.',
    )
  })
})

describe('FINAL and FINAL_VAR', () => {
  it('takes a text, or the value of a variable', async () => {
    expect(await roll([code('v = [1, 2]'), 'FINAL_VAR(v)'], { protocol: 'rlm-final' })).toMatchObject({
      answer: '[1, 2]',
    })
    expect(await roll(['FINAL(forty two)'], { protocol: 'rlm-final' })).toMatchObject({ answer: 'forty two' })
  })

  it('goes on when the variable does not exist', async () => {
    const trajectory = await roll(['FINAL_VAR(missing)', 'FINAL(found)'], { protocol: 'rlm-final' })
    expect(trajectory).toMatchObject({ answer: 'found' })
    expect(turnsOf(trajectory)).toHaveLength(2)
  })
})

describe('sub-calls', () => {
  it('are rows of their cell with their own prompt, answer and usage, in order, also in a batch', async () => {
    const trajectory = await roll(
      [code('a = llm_query("one")\nb = llm_query_batched(["two two", "three"])\nprint(a, b)'), answer('ok')],
      {
        async sub(request) {
          const prompt = request.messages[0]?.content ?? ''
          await new Promise((resolve) => setTimeout(resolve, prompt === 'two two' ? 60 : 5))
          return prompt.toUpperCase()
        },
      },
    )
    const cell = turnsOf(trajectory)[0]?.cells[0]
    expect(cell?.stdout).toBe("ONE ['TWO TWO', 'THREE']\n")
    expect(
      cell?.calls.map((call) => [
        call.kind,
        call.order,
        call.batchIndex,
        call.messages[0]?.content,
        call.response.text,
        call.usage?.inputTokens,
      ]),
    ).toEqual([
      ['llm', 0, null, 'one', 'ONE', 3],
      ['llm', 1, 0, 'two two', 'TWO TWO', 7],
      ['llm', 2, 1, 'three', 'THREE', 5],
    ])
    expect(new Set(cell?.calls.slice(1).map((call) => call.batchId)).size).toBe(1)
    expect(trajectory.usage.calls).toBe(5)
  })

  it('fail one slot only, and failures are stored', async () => {
    const trajectory = await roll(
      [code('r = llm_query_batched(["good", "bad"])\nprint(r[0], r[1][:6])'), answer('ok')],
      {
        sub(request) {
          if (request.messages[0]?.content === 'bad')
            throw new ModelError('bad_request', 'no such luck', { attempts: 3 })
          return 'fine'
        },
      },
    )
    const cell = turnsOf(trajectory)[0]?.cells[0]
    expect(cell?.stdout).toBe('fine Error:\n')
    expect(cell?.calls[1]).toMatchObject({
      error: { boundary: 'model', code: 'bad_request', message: 'no such luck' },
      attempts: 3,
      response: { text: null },
    })
  })

  it('count towards the limit of the tree: what is over it is refused, and the turn is stored', async () => {
    const trajectory = await roll(
      [code('r = llm_query_batched([str(i) for i in range(10)])\nprint(sum("limit" in x for x in r))')],
      {
        limits: { maxCalls: 4 },
        sub: () => 'yes',
      },
    )
    expect(trajectory).toMatchObject({ stopReason: 'max_calls', usage: { calls: 4 } })
    expect(turnsOf(trajectory)[0]?.cells[0]?.stdout).toBe('7\n')
  })

  it('spend the budget of the tree', async () => {
    const trajectory = await roll([code('x = 1'), code('y = 2'), code('z = 3')], {
      limits: { maxCostUsd: 0.5 },
      costPerCall: 0.3,
    })
    expect(trajectory).toMatchObject({ stopReason: 'max_cost', usage: { costUsd: 0.6 } })
  })

  it('of a cell that was stopped are given up and never reach a later cell', async () => {
    let aborted = false
    const trajectory = await roll(
      [
        code(
          'import threading\nt = threading.Thread(target=lambda: llm_query("slow"))\nt.start()\nwhile True: pass',
        ),
        code('print("next")'),
        answer('ok'),
      ],
      {
        limits: { cellSeconds: 1 },
        async sub(_, signal) {
          await new Promise((resolve) => {
            signal.addEventListener('abort', resolve)
            setTimeout(resolve, 8000)
          })
          aborted = signal.aborted
          throw new Error('given up')
        },
      },
    )
    const [first, second] = turnsOf(trajectory).map((turn) => turn.cells[0])
    expect(first?.error).not.toBeNull()
    expect(second?.stdout).toBe('next\n')
    expect(second?.calls).toEqual([])
    expect(trajectory.answer).toBe('ok')
    expect(aborted).toBe(true)
  }, 30_000)
})

describe('recursion', () => {
  const childAnswers = createTableModel(
    ['```repl\nanswer["content"] = "child saw " + context\nanswer["ready"] = True\n```'],
    { name: 'child' },
  )

  it('starts a child with a REPL of its own where the depth allows it', async () => {
    const trajectory = await roll([code('print(rlm_query("part one"))'), answer('ok')], {
      limits: { maxDepth: 2 },
      child: childAnswers,
    })
    const [root, child] = trajectory.invocations
    const cell = root?.turns[0]?.cells[0]
    expect(cell?.stdout).toBe('child saw part one\n')
    expect(cell?.calls[0]).toMatchObject({
      kind: 'rlm',
      invocationId: child?.id,
      response: { text: 'child saw part one' },
    })
    expect(child).toMatchObject({
      depth: 1,
      parentCellId: cell?.id,
      answer: 'child saw part one',
      stopReason: 'answered',
    })
    expect(trajectory.usage.calls).toBe(3)
  })

  it('falls back to a plain call at the depth limit', async () => {
    const trajectory = await roll([code('print(rlm_query("part one"))'), answer('ok')], {
      sub: () => 'plain answer',
    })
    expect(trajectory.invocations).toHaveLength(1)
    expect(turnsOf(trajectory)[0]?.cells[0]).toMatchObject({
      stdout: 'plain answer\n',
      calls: [{ kind: 'rlm', invocationId: null }],
    })
  })

  it('keeps the order of a batch of children', async () => {
    const trajectory = await roll([code('print(rlm_query_batched(["a", "b", "c"]))'), answer('ok')], {
      limits: { maxDepth: 2 },
      child: childAnswers,
    })
    expect(turnsOf(trajectory)[0]?.cells[0]?.stdout).toBe("['child saw a', 'child saw b', 'child saw c']\n")
    expect(trajectory.invocations.filter((invocation) => invocation.depth === 1)).toHaveLength(3)
  })
})

describe('what goes wrong is part of the record', () => {
  it('a killed REPL is a cell error, and the model is told', async () => {
    const trajectory = await roll([code('import os\nos._exit(3)'), code('print(context)'), answer('ok')])
    const [first, second] = turnsOf(trajectory).map((turn) => turn.cells[0])
    expect(first?.death?.reason).toBe('exit')
    expect(turnsOf(trajectory)[1]?.call.messages.at(-2)?.content).toContain('the context is loaded again')
    expect(second?.stdout).toBe('ctx text\n')
  })

  it('the time limit ends a rollout in the middle of a cell', async () => {
    const started = Date.now()
    const trajectory = await roll([code('import time\ntime.sleep(30)')], {
      limits: { maxTimeSeconds: 1.5, cellSeconds: 20 },
    })
    expect(trajectory).toMatchObject({ stopReason: 'max_time', status: 'done' })
    expect(Date.now() - started).toBeLessThan(8000)
    expect(turnsOf(trajectory)[0]?.cells).toHaveLength(1)
  }, 20_000)

  it('output with NUL bytes and lone surrogates comes back as it was', async () => {
    const trajectory = await roll([code('print("a\\x00b \\ud800 \\U0001F600")'), answer('x\u0000y')])
    expect(turnsOf(trajectory)[0]?.cells[0]?.stdout).toBe('a\u0000b \ud800 \u{1F600}\n')
    expect(trajectory.answer).toBe('x\u0000y')
  })
})
