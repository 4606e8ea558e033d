// Credit over a real store and through the command line: a group with a tree of three levels, judged sub-tasks,
// forks, tokens. The figures are worked out by hand beside them.
import { mkdtemp, readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRewards } from '../../api/rewards.ts'
import { openRewardTools } from '../../api/reward-tools.ts'
import { rao } from '../../rewards/credit/index.ts'
import type { RaoNode } from '../../rewards/credit/index.ts'
import { scoreRun } from '../../rewards/stage.ts'
import { openStore, type JournalEntry, type Store } from '../../src/store/index.ts'
import {
  aCall,
  aCell,
  aMessage,
  anEnd,
  anInvocation,
  aPlannedRun,
  aTurn,
  aTurnsEntries,
} from '../store/fixtures.ts'
import { createWorkplace, descent, type Workplace } from '../support/cli.ts'
import { startOpenAIServer, type OpenAIServer } from '../support/openai-server.ts'

const rounded = (values: (number | null | undefined)[]) =>
  values.map((value) => (typeof value === 'number' ? Number(value.toFixed(4)) : null))

function node(id: string, parent: string | null, depth: number, success: number | null): RaoNode {
  return { id, parent, depth, success }
}

describe('RAO', () => {
  // One rollout with three levels (root → a, b, c; a → d, e; nobody scored c), one with two, one unscored.
  const trees = [
    [
      node('root', null, 0, 1),
      node('a', 'root', 1, 1),
      node('b', 'root', 1, 0),
      node('c', 'root', 1, null),
      node('d', 'a', 2, 1),
      node('e', 'a', 2, 0.5),
    ],
    [node('root2', null, 0, 0), node('f', 'root2', 1, 1)],
    [node('root3', null, 0, null)],
  ]

  test('node rewards, leave-one-out advantages and depth weights, by hand', () => {
    const [first = [], second = [], third = []] = rao(trees, 0.4)
    // root: 1 + 0.4 × (1 + 0) / 2; a: 1 + 0.4 × 0.75; the bonus of a is not passed on to the root.
    expect(rounded(first.map(({ reward }) => reward))).toEqual([1.2, 1.3, 0, null, 1, 0.5])
    expect(rounded(second.map(({ reward }) => reward))).toEqual([0.4, 1])
    // Baselines: 0.4 for the first, 1.2 for the second; the third was never scored and is in neither.
    expect(rounded(first.map(({ advantage }) => advantage))).toEqual([0.8, 0.9, -0.4, null, 0.6, 0.1])
    expect(rounded(second.map(({ advantage }) => advantage))).toEqual([-0.8, -0.2])
    expect(third).toEqual([{ id: 'root3', bonus: 0, reward: null, advantage: null, weight: 0 }])
    // 7 nodes on 3 depths: 2 roots, 3 children, 2 grandchildren. 7/6, 7/9, 7/6.
    const weights = [...first, ...second].map(({ weight }) => weight)
    expect(rounded(weights)).toEqual([1.1667, 0.7778, 0.7778, 0, 1.1667, 1.1667, 1.1667, 0.7778])
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(7)
  })

  test('a lone rollout is its own baseline; children that nobody scored leave the bonus unknown', () => {
    expect(rao([[node('root', null, 0, 1)]], 0.4)[0]?.[0]).toMatchObject({
      reward: 1,
      advantage: 0,
      weight: 1,
    })
    const unscored = [node('root', null, 0, 1), node('a', 'root', 1, null)]
    expect(rao([unscored], 0.4)[0]?.map(({ reward }) => reward)).toEqual([null, null])
    expect(rao([unscored], 0)[0]?.map(({ reward }) => reward)).toEqual([1, null])
  })
})

let workplace: Workplace
let server: OpenAIServer
let store: Store
let asked = 0
let runId = ''
let ids: string[] = []
const tools = openRewardTools({ signal: new AbortController().signal })

/** root (2 turns, tokens) → a (1 turn) → d (1 turn); root → b (1 turn, no answer). */
function treeEntries(trajectoryId: string): JournalEntry[] {
  const place = { runId, trajectoryId }
  const entries: JournalEntry[] = []
  function level(invocation: ReturnType<typeof anInvocation>, turns: number): string[] {
    entries.push(
      { table: 'invocations', row: invocation },
      { table: 'messages', row: aMessage(place, invocation.id) },
    )
    return Array.from({ length: turns }, (_, index) => {
      const tokens = {
        completionTokens: Int32Array.of(5, 6, 7),
        promptTokens: Int32Array.of(1),
        tokenSource: 'engine',
      }
      const call = aCall(place, invocation.id, invocation.depth === 0 ? tokens : {})
      const turn = aTurn(place, invocation.id, call.id, { index })
      const cell = aCell(place, invocation.id, turn.id)
      entries.push(
        { table: 'calls', row: call },
        { table: 'turns', row: turn },
        { table: 'cells', row: cell },
      )
      return cell.id
    })
  }
  function child(parent: string, cellId: string, depth: number, answer: string | null) {
    const invocation = anInvocation(place, { depth, parentCellId: cellId, answer })
    const prompt = `sub-task at depth ${depth}`
    const call = {
      kind: 'rlm',
      cellId,
      prompt,
      childInvocationId: invocation.id,
      attempts: 0,
      depth: depth - 1,
    }
    entries.push({ table: 'calls', row: aCall(place, parent, call) })
    return invocation
  }
  const root = anInvocation(place)
  const [first = '', second = ''] = level(root, 2)
  const a = child(root.id, first, 1, 'done by a')
  const [inside = ''] = level(a, 1)
  level(child(a.id, inside, 2, 'half done by d'), 1)
  level(child(root.id, second, 1, null), 1)
  return entries
}

beforeAll(async () => {
  workplace = await createWorkplace()
  store = await openStore(workplace.store)
  server = await startOpenAIServer(({ messages }) => {
    asked += 1
    const user = messages[1]?.content ?? ''
    const text = JSON.stringify({ reason: 'read', score: user.includes('half done') ? 0.5 : 1 })
    return { text, usage: { prompt_tokens: 100, completion_tokens: 10 } }
  })
  const directory = await mkdtemp(path.join(workplace.directory, 'run-'))
  const planned = await aPlannedRun(store, directory, { tasks: 2, rollouts: 2 })
  runId = planned.runId
  ids = planned.planned.map(({ id }) => id)
  const answers = ['task-0', 'wrong', 'task-1', 'task-1']
  for (const [index, { id }] of planned.planned.entries()) {
    await store.beginTrajectory(id, new Date().toISOString())
    await store.append(index === 0 ? treeEntries(id) : aTurnsEntries({ runId, trajectoryId: id }, 'out'))
    const end = anEnd({ answer: answers[index] ?? '', turns: index === 0 ? 2 : 1 })
    await store.endTrajectory(id, end, new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString())
  }
})
afterAll(async () => {
  await tools.close()
  await store.close()
  await server.close()
  await workplace.dispose()
})

async function score(name: string, options: Record<string, unknown> = {}) {
  const rewards = await openRewards(
    [{ name, options, weight: name === 'exact' ? 1 : 0 }],
    workplace.directory,
  )
  return await scoreRun({ store, runId, rewards, tools: tools.tools, concurrency: 2 })
}

interface Row {
  trajectoryId: string
  depth: number | null
  turn: number | null
  reward: number | null
  advantage: number | null
  weight: number
  tokens?: number[] | null
}

async function advantages(...args: string[]) {
  const result = await descent(['advantages', runId, '--store', workplace.store, '--json', ...args])
  return { ...result, rows: result.code === 0 ? result.json<Row>() : [] }
}

describe('descent advantages', () => {
  test('by trajectory, carried to invocations, turns and tokens', async () => {
    const before = await advantages('--method', 'rloo')
    expect(before.rows.map(({ advantage }) => advantage)).toEqual([null, null, null, null])
    await score('exact')
    const whole = await advantages('--method', 'rloo')
    expect(whole.rows.map(({ advantage }) => advantage)).toEqual([1, -1, 0, 0])
    const invocations = await advantages('--method', 'rloo', '--level', 'invocation')
    // Two children of the root, one of them with a child of its own: 1, 1/2, 1/2, 1/2.
    expect(invocations.rows.slice(0, 4).map(({ depth, weight }) => [depth, weight])).toEqual([
      [0, 1],
      [1, 0.5],
      [1, 0.5],
      [2, 0.5],
    ])
    const file = path.join(workplace.directory, 'tokens.jsonl')
    const tokens = await advantages('--method', 'rloo', '--level', 'token', '--out', file)
    expect(tokens.rows[0]?.tokens).toEqual([1, 1, 1])
    expect(tokens.rows.map(({ tokens: list }) => list?.length ?? null)).toEqual([
      3,
      3,
      null,
      null,
      null,
      null,
      null,
      null,
    ])
    expect(tokens.stderr).toMatch(/6 turns have no stored tokens/)
    expect(await readFile(file, 'utf8')).toBe(tokens.stdout)
  }, 180_000)

  test('RAO wants children to be scored, and takes what the judge says of each', async () => {
    const refused = await advantages('--method', 'rao')
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/no child invocation of task task-0 was scored/),
    ])
    const model = {
      provider: 'openai',
      name: 'judge',
      baseUrl: server.baseUrl,
      prices: { input: 1, output: 10 },
    }
    expect(await score('subtask_judge', { model })).toMatchObject({ errors: 0 })
    // a: 1; b gave no answer and was not judged: 0; d: 0.5.
    const verdicts = await store.listInvocationScores(ids)
    expect(verdicts.map(({ value }) => value).toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual([0, 0.5, 1])
    expect(asked).toBe(2)
    const { items } = await store.listFigures(runId, { limit: 10 })
    expect(items.map(({ scores }) => scores.find(({ reward }) => reward === 'subtask_judge')?.value)).toEqual(
      [0.5, 0, 0, 0],
    )

    const { rows } = await advantages('--method', 'rao', '--reward', 'exact')
    // root 1 + 0.4 × (1 + 0) / 2, a 1 + 0.4 × 0.5, b 0, d 0.5; the other root 0: baselines 0 and 1.2.
    const tree = rows.filter(({ trajectoryId }) => trajectoryId === ids[0])
    expect(tree.map(({ depth, reward, advantage }) => [depth, reward, advantage])).toEqual([
      [0, 1.2, 1.2],
      [1, 1.2, 1.2],
      [1, 0, 0],
      [2, 0.5, 0.5],
    ])
    expect(rows.find(({ trajectoryId }) => trajectoryId === ids[1])?.advantage).toBe(-1.2)
    const stored = await store.readTrajectory(ids[0] ?? '')
    expect(stored.advantages?.filter(({ method }) => method === 'rao')).toHaveLength(4)
    // The same again replaces, and does not add.
    await advantages('--method', 'rao', '--reward', 'exact')
    expect(
      (await store.readTrajectory(ids[0] ?? '')).advantages?.filter(({ method }) => method === 'rao'),
    ).toHaveLength(4)
  }, 180_000)

  test('Monte Carlo values of turns come from forks of any run', async () => {
    const origin = { trajectoryId: ids[0] ?? '', turns: 1 }
    const directory = await mkdtemp(path.join(workplace.directory, 'fork-'))
    const { runId: forkRun } = await aPlannedRun(store, directory, { tasks: 1, rollouts: 2 })
    await store.planForks(forkRun, 'task-0', origin)
    const forks = await store.pendingTrajectories(forkRun)
    for (const [index, { id }] of forks.entries()) {
      await store.beginTrajectory(id, new Date().toISOString())
      await store.append(aTurnsEntries({ runId: forkRun, trajectoryId: id }, 'out'))
      await store.endTrajectory(
        id,
        anEnd({ answer: index === 0 ? 'task-0' : 'no' }),
        new Date().toISOString(),
      )
    }
    const rewards = await openRewards([{ name: 'exact', options: {}, weight: 1 }], workplace.directory)
    await scoreRun({ store, runId: forkRun, rewards, concurrency: 2 })
    const { rows, stderr } = await advantages('--method', 'monte_carlo', '--reward', 'exact')
    // V before the first turn: the group's mean, 0.5; after it: one of two forks, 0.5; at the end: 1.
    expect(rows.slice(0, 2).map(({ turn, advantage }) => [turn, advantage])).toEqual([
      [0, 0],
      [1, 0.5],
    ])
    expect(stderr).toMatch(/5 advantages of 4 trajectories/)
    const coarse = await advantages('--method', 'monte_carlo', '--level', 'trajectory')
    expect(coarse.stderr).toMatch(/monte_carlo speaks of each turn; choose turn, token/)
  }, 180_000)

  test('RAE goes in the order in which rollouts ended; mistakes are one line', async () => {
    const { rows } = await advantages(
      '--method',
      'rae',
      '--reward',
      'exact',
      '--options',
      '{decay: 0.5}',
      '--dry-run',
    )
    // Rewards 1, 0, 1, 1; baselines 0, 0.5, 0.25, 0.625.
    expect(rows.map(({ advantage }) => advantage)).toEqual([1, -0.5, 0.75, 0.375])
    expect(
      (await store.readTrajectory(ids[0] ?? '')).advantages?.some(({ method }) => method === 'rae'),
    ).toBe(false)
    const unknown = await descent(['advantages', runId, '--method', 'gpro', '--store', workplace.store])
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      expect.stringMatching(/unknown method "gpro"; there are grpo,/),
    ])
    const unscored = await advantages('--reward', 'nothing', '--dry-run')
    expect(unscored.stderr).toMatch(/--reward: no trajectory of run \S+ has a score "nothing"/)
    const bad = await advantages('--method', 'rae', '--options', '{decay: 2}')
    expect(bad.stderr).toMatch(/--options: rae: decay: /)
    expect((await descent(['advantages', '--list', '--json'])).json()).toHaveLength(8)
  }, 180_000)
})
