// An answer that a repair changed: scored again by the rewards of the run, or left out.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createRescore } from '../../api/rescore.ts'
import { findReward } from '../../rewards/index.ts'
import { exportDataset, type Rescore } from '../../src/datasets/index.ts'
import type { Json } from '../../src/json.ts'
import type { Score } from '../../src/trajectory.ts'
import { makeContent, makeRun, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { readRows, temporaryDirectory } from './reading.ts'

const exact: Score = {
  reward: 'exact',
  version: findReward('exact').version,
  value: 0,
  weight: 2,
  error: null,
  details: null,
}

/** One task whose gold answer is `task-0`; the root says FINAL(x) and the REPL holds the answer in `x`. */
function content({
  scores = [exact],
  rewards = [{ name: 'exact', weight: 2 }] as Json,
  reward = 0 as number | null,
}) {
  const made = makeContent(1, 0)
  made.runs = [makeRun('run-1', { config: { rewards } })]
  const turns = makeTurns('q', ['I look.', 'FINAL(x)', 'I go on.'])
  const variables = [{ name: 'x', type: 'str', basic: true }]
  for (const turn of turns) turn.cells = turn.cells.map((cell) => ({ ...cell, variables }))
  const protocol = { id: 'rlm-final', hash: 'h' }
  made.trajectories = [makeTrajectory('run-1', 'task-0', 0, { answer: 'x', reward, scores, protocol, turns })]
  return made
}

type Content = ReturnType<typeof content>

/** The REPL is played by what it would do: FINAL_VAR(x) answers with `value`. */
async function repaired(made: Content, rescore: Rescore | undefined, value = 'task-0') {
  const directory = join(await temporaryDirectory(), 'set')
  const { funnel } = await exportDataset({
    store: createMemoryStore(made),
    runIds: ['run-1'],
    recipe: ['sft-turns', 'rl-prompts'],
    evalFraction: 0,
    repair: ['final-for-variable'],
    directory,
    tools: {
      rescore,
      openReplayer: () =>
        Promise.resolve({
          turn: ({ cells }, text) => {
            const answer = text.includes('FINAL_VAR(x)') ? value : null
            return Promise.resolve({ cells, answer, feedback: null, difference: null })
          },
          close: () => Promise.resolve(),
        }),
    },
  })
  const read = async (path: string) => await readFile(join(directory, path), 'utf8')
  const rows = await readRows(join(directory, 'data/sft-turns/train-00000-of-00001.parquet'))
  const [task] = await readRows(join(directory, 'data/rl-prompts/train-00000-of-00001.parquet'))
  const manifest = JSON.parse(await read('manifest.json')) as { cleaning: Record<string, unknown> }
  const [line = '{}'] = (await read('audit.jsonl')).split('\n')
  return { rows, task, funnel, audit: JSON.parse(line) as Record<string, unknown>, manifest, read }
}

const rescoreOf = (made: Content) => createRescore(createMemoryStore(made))

test('a better answer ends the trajectory and has its own reward, everywhere', async () => {
  const made = content({})
  const { rows, task, funnel, audit, manifest, read } = await repaired(made, rescoreOf(made))
  expect(rows.map((row) => [row['turn'], row['reward'], row['stop_reason']])).toEqual([
    [0, 2, 'answered'],
    [1, 2, 'answered'],
  ])
  expect(JSON.stringify(rows[1]?.['completion'])).toContain('FINAL_VAR(x)')
  // The other recipes see the new reward too, and so does the card.
  expect(task).toMatchObject({ mean_reward: 2, pass_rate: 1 })
  expect(await read('README.md')).toContain('| reward | 1 | 0 | 2 |')
  expect(audit).toMatchObject({
    action: 'repaired',
    detail: 'executed again: it answers "task-0", recorded is "x"; its reward is 2, recorded is 0',
  })
  expect(manifest.cleaning).toMatchObject({ rescored: 1, repairedTurns: 1, cutTurns: 1 })
  expect(funnel.map(({ step }) => step)).toContain(
    'repairs (1 made, 1 with another answer scored again, 0 without the recorded result, 1 turns after an answer cut)',
  )
})

test.each<[string, Content, string, string]>([
  ['is no better', content({}), 'task-1', 'its reward is 0, recorded is 0'],
  [
    'was not scored',
    content({ reward: null }),
    'task-0',
    'the recorded answer has no reward to compare with',
  ],
  [
    'was scored by a reward that asks a model',
    content({
      scores: [{ ...exact, reward: 'judge' }],
      rewards: [{ name: 'judge', weight: 2, options: { model: { provider: 'scripted', name: 'm' } } }],
    }),
    'task-0',
    'its rewards cannot be computed again',
  ],
  [
    'was scored by another version',
    content({ scores: [{ ...exact, version: '0' }] }),
    'task-0',
    'its rewards cannot be computed again',
  ],
  [
    'was scored by a reward of one’s own',
    content({ rewards: [{ name: './mine.ts', weight: 2 }] }),
    'task-0',
    'its rewards cannot be computed again',
  ],
  [
    'has more scores than the run file says',
    content({ scores: [exact, { ...exact, reward: 'format' }] }),
    'task-0',
    'its rewards cannot be computed again',
  ],
])('a turn whose answer %s is left out, and the recorded reward stays', async (_, made, value, reason) => {
  const { rows, audit, manifest } = await repaired(made, rescoreOf(made), value)
  expect(rows.map((row) => row['turn'])).toEqual([0, 2])
  expect(rows.map((row) => row['reward'])).toEqual([
    made.trajectories[0]?.reward,
    made.trajectories[0]?.reward,
  ])
  expect(audit).toMatchObject({ action: 'turn dropped' })
  expect(audit['detail']).toContain(reason)
  expect(manifest.cleaning).toMatchObject({ rescored: 0, notRepairedTurns: 1 })
})

test('without a way to score, another answer is left out as before', async () => {
  const { audit } = await repaired(content({}), undefined)
  expect(audit).toMatchObject({ action: 'turn dropped', detail: 'it answers "task-0", recorded is "x"' })
})
