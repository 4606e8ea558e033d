// Trees of invocations: children that call children, in batches, stored node by node as prescribed.
import { expect, it } from 'vitest'
import { createModel, createTableModel } from '../../src/models/index.ts'
import type { Call, Invocation, Trajectory } from '../../src/trajectory.ts'
import { startOpenAIServer } from '../support/openai-server.ts'
import { roll, useWorkbench } from '../support/rollouts.ts'

const bench = useWorkbench('recursion')

const code = (text: string) => `\`\`\`repl\n${text}\n\`\`\``

/** What a node of the tree says: its context, its answer, and the nodes and leaves below it. */
interface Node {
  context: string
  answer: string
  children: Node[]
  leaves: string[]
}

function asPrescribed(context: string, depth: number): Node {
  if (depth === 2) return { context, answer: `leaf(${context}!)`, children: [], leaves: [`${context}!`] }
  const children = ['x', 'y'].map((name) => asPrescribed(`${context}${name}`, depth + 1))
  return { context, answer: `(${children.map((child) => child.answer).join(' ')})`, children, leaves: [] }
}

function asStored(trajectory: Trajectory, invocation: Invocation, context: string): Node {
  const byId = new Map(trajectory.invocations.map((one) => [one.id, one]))
  const calls = invocation.turns.flatMap((turn) =>
    turn.cells.flatMap((cell) => cell.calls.map((call) => ({ cell, call }))),
  )
  const children = calls.flatMap(({ cell, call }) => {
    const child = call.invocationId ? byId.get(call.invocationId) : undefined
    if (!child) return []
    expect(child).toMatchObject({
      depth: invocation.depth + 1,
      parentCellId: cell.id,
      answer: call.response.text,
    })
    return [asStored(trajectory, child, call.messages[0]?.content ?? '')]
  })
  const leaves = calls
    .filter(({ call }) => call.kind === 'llm')
    .map(({ call }) => call.messages[0]?.content ?? '')
  return { context, answer: invocation.answer ?? '', children, leaves }
}

it('children call children in batches, three levels deep', async () => {
  const split = code('parts = rlm_query_batched([context + "x", context + "y"])\nprint(parts)')
  const join = code('answer["content"] = "(" + " ".join(parts) + ")"\nanswer["ready"] = True')
  // A child knows by its context how deep it is.
  const childSplit = code(
    'parts = rlm_query_batched([context + "x", context + "y"]) if len(context) < 3 else [llm_query(context + "!")]\nprint(parts)',
  )
  const childJoin = code(
    'answer["content"] = "(" + " ".join(parts) + ")" if len(parts) > 1 else parts[0]\nanswer["ready"] = True',
  )
  const trajectory = await roll(bench, [split, join], {
    context: 'r',
    limits: { maxDepth: 3 },
    child: createTableModel([childSplit, childJoin], { name: 'child' }),
    sub: async (request) => {
      const prompt = request.messages[0]?.content ?? ''
      await new Promise((resolve) => setTimeout(resolve, prompt === 'rxx!' ? 80 : 5))
      return `leaf(${prompt})`
    },
  })
  const root = trajectory.invocations.find((invocation) => invocation.depth === 0)
  expect(root && asStored(trajectory, root, 'r')).toEqual(asPrescribed('r', 0))
  expect(trajectory.invocations.map((invocation) => invocation.depth).toSorted((a, b) => a - b)).toEqual([
    0, 1, 1, 2, 2, 2, 2,
  ])

  const turns = trajectory.invocations.flatMap((invocation) => invocation.turns)
  const calls: Call[] = turns.flatMap((turn) => [turn.call, ...turn.cells.flatMap((cell) => cell.calls)])
  // Rows of children make no request of their own: seven invocations of two turns, four leaves.
  const requests = calls.filter((call) => call.attempts > 0)
  expect(requests).toHaveLength(7 * 2 + 4)
  const sum = (field: 'inputTokens' | 'outputTokens') =>
    requests.reduce((total, call) => total + (call.usage?.[field] ?? 0), 0)
  expect(trajectory.usage).toMatchObject({
    calls: 18,
    inputTokens: sum('inputTokens'),
    outputTokens: sum('outputTokens'),
  })
})

it('a child that is at the limit of its depth asks plainly, whatever its cell does', async () => {
  const trajectory = await roll(
    bench,
    [code('print(rlm_query("one"))'), code('answer["content"] = "ok"\nanswer["ready"] = True')],
    {
      limits: { maxDepth: 2 },
      child: createTableModel([
        code(
          'maxDepth = 99\ndepth = -5\nr = rlm_query(context + " deeper")\nanswer["content"] = r\nanswer["ready"] = True',
        ),
      ]),
      sub: (request) => `plain ${request.messages[0]?.content}`,
    },
  )
  expect(trajectory.invocations).toHaveLength(2)
  expect(trajectory.invocations[1]).toMatchObject({ depth: 1, answer: 'plain one deeper' })
})

it('a batch of twenty is booked call by call', async () => {
  const server = await startOpenAIServer((request) => {
    const number = Number(request.messages[0]?.content)
    return {
      text: `n${number}`,
      usage: { prompt_tokens: 100 + number, completion_tokens: 1000 + number },
      delayMs: (number * 7) % 40,
    }
  })
  try {
    const trajectory = await roll(
      bench,
      [
        code(
          'r = llm_query_batched([str(i) for i in range(20)])\nprint(r == ["n%d" % i for i in range(20)])',
        ),
        code('answer["ready"] = True'),
      ],
      { subModel: createModel({ provider: 'openai', name: 'm', baseUrl: server.baseUrl }) },
    )
    const cell = trajectory.invocations[0]?.turns[0]?.cells[0]
    expect(cell?.stdout).toBe('True\n')
    expect(
      cell?.calls.map((call) => [
        call.batchIndex,
        call.messages[0]?.content,
        call.response.text,
        call.usage?.inputTokens,
        call.usage?.outputTokens,
      ]),
    ).toEqual(
      Array.from({ length: 20 }, (_, index) => [
        index,
        String(index),
        `n${index}`,
        100 + index,
        1000 + index,
      ]),
    )
  } finally {
    await server.close()
  }
})
