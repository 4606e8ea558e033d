// Repaired turns of real rollouts, executed again in the real sandbox against the recorded answers.
import { expect, test } from 'vitest'
import { openCurationTools } from '../../api/curation-tools.ts'
import { applyEdits } from '../../src/datasets/clean/edits.ts'
import { parseRepairs, repairTrajectory } from '../../src/datasets/repairs/index.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { roll, useWorkbench } from '../support/rollouts.ts'

const bench = useWorkbench('reexecute')
const fence = (code: string) => `\`\`\`repl\n${code}\n\`\`\``
const handedIn = (value: string) => fence(`answer["content"] = ${value}\nanswer["ready"] = True`)

async function repair(trajectory: Trajectory, rules: string[]) {
  const curation = openCurationTools(bench.store)
  try {
    const repairs = await repairTrajectory(
      trajectory,
      parseRepairs(rules),
      new Set(),
      curation.tools.openReplayer,
    )
    return { repairs, edited: applyEdits(trajectory, { turns: repairs.map(({ edit }) => edit) }) }
  } finally {
    await curation.close()
  }
}

test('FINAL in place of the dictionary becomes the dictionary, and the trajectory ends there', async () => {
  const trajectory = await roll(bench, [
    fence('candidate = len(context)\nprint(candidate)'),
    'It is done.\n\nFINAL(candidate)',
    handedIn('candidate'),
  ])
  expect(trajectory).toMatchObject({ answer: '8', stopReason: 'answered' })
  const { repairs, edited } = await repair(trajectory, ['all'])
  expect(repairs).toMatchObject([{ turn: 1, rules: ['answer-not-set'], failure: null, cut: 1 }])
  const turns = edited.invocations[0]?.turns ?? []
  expect(turns.map(({ call }) => call.response.text).at(-1)).toBe(`It is done.\n\n${handedIn('candidate')}`)
  expect(turns.at(-1)?.cells).toMatchObject([{ finalAnswer: '8', error: null }])
})

test('sub-calls of a repaired turn get their recorded answers, and no model is asked', async () => {
  let asked = 0
  const blocks = `${fence('one = llm_query("first?")')}\n\n${fence('print(one, llm_query_batched(["a", "b"]))')}`
  const trajectory = await roll(bench, [blocks, handedIn('one')], {
    sub: (request) => `reply ${(asked += 1)} to ${request.messages[0]?.content ?? ''}`,
  })
  expect(asked).toBe(3)
  const { repairs, edited } = await repair(trajectory, ['several-blocks'])
  expect(asked).toBe(3)
  expect(repairs).toMatchObject([{ turn: 0, failure: null, cut: 0 }])
  const [first] = edited.invocations[0]?.turns ?? []
  expect(first?.cells).toHaveLength(1)
  expect(first?.cells[0]?.stdout).toContain('reply 1 to first?')
  expect(first?.cells[0]?.calls).toHaveLength(3)
})

test('a block that stopped at an error is not joined with the one that went on', async () => {
  const blocks = `${fence('print(1 / 0)')}\n\n${fence('print("went on")')}`
  const trajectory = await roll(bench, [blocks, handedIn('"x"')])
  const { repairs } = await repair(trajectory, ['all'])
  expect(repairs).toMatchObject([{ turn: 0, failure: 'its stdout is not the recorded one' }])
})

test('what is not the same each time cannot be proven, so the repaired turn is left out', async () => {
  const trajectory = await roll(bench, [
    fence('import time\nprint(time.perf_counter_ns())'),
    'FINAL(42)',
    handedIn('"42"'),
  ])
  const { repairs } = await repair(trajectory, ['all'])
  expect(repairs).toMatchObject([
    { turn: 1, failure: 'before it: cell 1 of turn 1 differs in its stdout', edit: { drop: {} } },
  ])
})

test('a draft that nobody handed in is the answer that was asked for at the limit', async () => {
  const draft = fence('answer["content"] = "42"')
  const trajectory = await roll(bench, [fence('print(context)'), draft, '42'], { limits: { maxTurns: 2 } })
  expect(trajectory).toMatchObject({ answer: '42', stopReason: 'max_turns' })
  const { repairs, edited } = await repair(trajectory, ['answer-not-set'])
  expect(repairs).toMatchObject([{ turn: 1, failure: null, cut: 1 }])
  expect(edited).toMatchObject({ answer: '42', stopReason: 'answered' })
})
