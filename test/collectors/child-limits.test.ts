// Limits of a child of its own, beside those of the tree.
import { expect, it } from 'vitest'
import { runFileSchema } from '../../src/run-file.ts'
import { createTableModel } from '../../src/models/index.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { answer, code, useRolling, type Roll } from './rolling.ts'

const { roll } = useRolling('child-limits')

type Child = NonNullable<NonNullable<Roll['limits']>['child']>

async function withChild(child: Child, responses: string[], setting: Roll = {}): Promise<Trajectory> {
  return await roll([code('r = rlm_query("sub")\nprint(r)'), code('s = llm_query("more")'), answer('end')], {
    ...setting,
    limits: { maxDepth: 2, child },
    child: createTableModel(responses, { name: 'child' }),
    sub: setting.sub ?? (() => 'said'),
  })
}

const childOf = (trajectory: Trajectory) => trajectory.invocations.find((one) => one.depth === 1)
const toldOf = (trajectory: Trajectory) => trajectory.invocations[0]?.turns[0]?.cells[0]?.stdout

it('turns: the child gives its last answer, the root keeps its own number', async () => {
  const trajectory = await withChild({ maxTurns: 1 }, [code('1'), 'forced'])
  expect(childOf(trajectory)).toMatchObject({ stopReason: 'max_turns', answer: 'forced' })
  expect(childOf(trajectory)?.turns[0]?.call.messages.at(-1)?.content).toContain('Turn 1/1:')
  expect(trajectory.invocations[0]?.turns[1]?.call.messages.at(-1)?.content).toBe('Turn 2/5:')
  expect(trajectory).toMatchObject({ answer: 'end', stopReason: 'answered' })
})

it('calls: a child that used its own up ends; the tree goes on', async () => {
  const trajectory = await withChild({ maxCalls: 3 }, [
    code('print(llm_query_batched(["a", "b", "c", "d"]))'),
    answer('never asked'),
  ])
  const child = childOf(trajectory)
  expect(child?.stopReason).toBe('max_calls')
  expect(child?.turns[0]?.cells[0]?.stdout).toBe(
    "['said', 'said', 'Error: llm() call failed - Call limit reached (3 of 3)', 'Error: llm() call failed - Call limit reached (3 of 3)']\n",
  )
  expect(toldOf(trajectory)).toContain('ended without an answer (max_calls)')
  // Three of the child, three turns and a sub-call of the root.
  expect(trajectory).toMatchObject({ answer: 'end', usage: { calls: 7 } })
})

it('time: a child that takes too long ends alone', async () => {
  const trajectory = await withChild({ maxTimeSeconds: 0.5 }, [code('while True: pass')])
  expect(childOf(trajectory)?.stopReason).toBe('max_time')
  expect(toldOf(trajectory)).toContain('ended without an answer (max_time)')
  expect(trajectory).toMatchObject({ answer: 'end', stopReason: 'answered' })
})

it('errors: the child has a number of its own', async () => {
  const trajectory = await withChild({ maxErrors: 1 }, [code('1/0'), answer('no')])
  expect(childOf(trajectory)).toMatchObject({ stopReason: 'max_errors', answer: null })
})

it('dollars and tokens: what a child spends counts for the tree as well', async () => {
  const trajectory = await withChild({ maxTokens: 10 }, [code('print(llm_query("x" * 40))'), answer('no')])
  expect(childOf(trajectory)?.stopReason).toBe('max_tokens')
  expect(trajectory.usage.inputTokens).toBeGreaterThanOrEqual(40)
})

it('names the field of a limit that is none', () => {
  const parsed = runFileSchema.safeParse({
    name: 'n',
    tasks: 't',
    model: { provider: 'scripted', name: 'table' },
    limits: { child: { maxTurns: 0 } },
  })
  expect(parsed.error?.issues[0]?.path).toEqual(['limits', 'child', 'maxTurns'])
})
