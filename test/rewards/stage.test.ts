// Scoring as a stage, over a real store: what is missing is scored and nothing else; judges answer over HTTP,
// checkers run in the real sandbox; people's scores, comparisons and statistics through the command line.
import { mkdtemp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRewards } from '../../api/rewards.ts'
import { openRewardTools } from '../../api/reward-tools.ts'
import { scoreRun, type StageOptions } from '../../rewards/stage.ts'
import type { RewardConfig } from '../../src/run-file.ts'
import { openStore, type Store, type StoredScore } from '../../src/store/index.ts'
import { aPlannedRun, aTurnsEntries, anEnd } from '../store/fixtures.ts'
import { createWorkplace, descent, type Workplace } from '../support/cli.ts'
import { startOpenAIServer, type OpenAIServer } from '../support/openai-server.ts'

let workplace: Workplace
let server: OpenAIServer
let store: Store
let judgeReply: (system: string, user: string, count: number) => string = () => ''
let isDown = false
const tools = openRewardTools({ signal: new AbortController().signal })

beforeAll(async () => {
  workplace = await createWorkplace()
  store = await openStore(workplace.store)
  server = await startOpenAIServer(({ messages }, count) => {
    if (isDown) return { status: 400, body: { error: { message: 'no such model' } } }
    const [system, user] = messages.map(({ content }) => content)
    const text = judgeReply(system ?? '', user ?? '', count)
    return { text, usage: { prompt_tokens: 1000, completion_tokens: 100 } }
  })
})
afterAll(async () => {
  await tools.close()
  await store.close()
  await server.close()
  await workplace.dispose()
})

/** `tasks` × `rollouts` ended trajectories; even rollouts answer with the gold, which is the task's id. */
async function aRun(tasks: number, rollouts: number): Promise<string> {
  const directory = await mkdtemp(path.join(workplace.directory, 'run-'))
  const { runId, planned } = await aPlannedRun(store, directory, { tasks, rollouts })
  for (const one of planned) {
    await store.beginTrajectory(one.id, new Date().toISOString())
    await store.append(aTurnsEntries({ runId, trajectoryId: one.id }, 'out'))
    const answer = one.rollout % 2 === 0 ? one.taskId : 'something else'
    await store.endTrajectory(one.id, anEnd({ answer }), new Date().toISOString())
  }
  return runId
}

async function score(
  runId: string,
  configs: (string | Partial<RewardConfig>)[],
  more: Partial<StageOptions> = {},
) {
  const whole = configs.map((config) => ({
    weight: 1,
    options: {},
    name: '',
    ...(typeof config === 'string' ? { name: config } : config),
  }))
  const rewards = await openRewards(whole, workplace.directory)
  return await scoreRun({ store, runId, rewards, tools: tools.tools, concurrency: 4, ...more })
}

async function scoresOf(runId: string, reward: string): Promise<StoredScore[]> {
  const { items } = await store.listFigures(runId, { limit: 100 })
  return items
    .map(({ scores }) => scores.findLast((one) => one.reward === reward))
    .filter((one) => one !== undefined)
}

const judgeOptions = () => ({
  model: {
    provider: 'openai',
    name: 'judge-model',
    baseUrl: server.baseUrl,
    maxAttempts: 1,
    prices: { input: 1, output: 10 },
  },
})

describe('the stage', () => {
  test('scores what is missing, and nothing twice', async () => {
    const runId = await aRun(3, 2)
    expect(await score(runId, ['exact'])).toMatchObject({ trajectories: 6, scored: 6, scores: 6, skipped: 0 })
    expect(await score(runId, ['exact', 'format'])).toMatchObject({ scores: 6, skipped: 6 })
    expect(await score(runId, [{ name: 'exact', weight: 0.5 }])).toMatchObject({ scores: 6, skipped: 0 })
    expect(await score(runId, [{ name: 'exact', weight: 0.5 }], { again: true })).toMatchObject({ scores: 6 })
    expect((await scoresOf(runId, 'exact')).map(({ value }) => value)).toEqual([1, 0, 1, 0, 1, 0])
  })

  test('a dry run computes so many and stores none', async () => {
    const runId = await aRun(3, 2)
    const seen: unknown[] = []
    const shown = {
      dryRun: true,
      limit: 3,
      onScores: (_: unknown, rows: { value: number | null }[]) => seen.push(rows[0]?.value),
    }
    expect(await score(runId, ['exact'], shown)).toMatchObject({ scores: 3 })
    expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual([0, 1, 1])
    expect(await scoresOf(runId, 'exact')).toEqual([])
  })

  test('stopped in the middle it keeps what it has, and goes on to the same values', async () => {
    const [stopped, whole] = [await aRun(12, 2), await aRun(12, 2)]
    const controller = new AbortController()
    let count = 0
    const stopping = {
      signal: controller.signal,
      onScores: () => (count += 1) === 9 && controller.abort(new Error('stop')),
    }
    await expect(score(stopped, ['exact'], stopping)).rejects.toThrow('stop')
    const kept = (await scoresOf(stopped, 'exact')).length
    expect(kept).toBeGreaterThanOrEqual(9)
    expect(kept).toBeLessThan(24)
    expect(await score(stopped, ['exact'])).toMatchObject({ scores: 24 - kept, skipped: kept })
    await score(whole, ['exact'])
    const values = async (runId: string) => (await scoresOf(runId, 'exact')).map(({ value }) => value)
    expect(await values(stopped)).toEqual(await values(whole))
  })

  test('an error is stored, is no 0, and is tried again', async () => {
    const runId = await aRun(1, 2)
    expect(await score(runId, ['numeric'])).toMatchObject({ scores: 2, errors: 2 })
    expect((await scoresOf(runId, 'numeric')).map(({ value }) => value)).toEqual([null, null])
    expect(await score(runId, ['numeric'])).toMatchObject({ scores: 2, skipped: 0 })
  })

  test('group rewards see the scores of the same pass, and a group that has grown is scored again', async () => {
    const runId = await aRun(2, 2)
    const rewards = ['exact', { name: 'length_penalty', options: { of: ['exact'] } }]
    expect(await score(runId, rewards)).toMatchObject({ scored: 4, scores: 8 })
    const [first] = await scoresOf(runId, 'length_penalty')
    // Pass rate 1/2, and everyone used as much: −(0.25 + 0.1 + 0.1) / 2.
    expect(first).toMatchObject({ value: expect.closeTo(-0.225), details: { rollouts: 2 } })
    expect(await score(runId, rewards)).toMatchObject({ scores: 0, skipped: 8 })
  })
})

describe('judges', () => {
  test('votes are combined, recorded with what they cost, and cached', async () => {
    const runId = await aRun(1, 2)
    judgeReply = (_, user) =>
      `Thinking {aloud}. {"reason": "r", "score": ${user.includes('something else') ? 0 : 0.8}}`
    const before = server.seen.length
    const options = { ...judgeOptions(), votes: 3 }
    expect(await score(runId, [{ name: 'judge', options }])).toMatchObject({ scores: 2, errors: 0 })
    expect(server.seen.length - before).toBe(6)
    const [good, bad] = await scoresOf(runId, 'judge')
    expect(good).toMatchObject({ value: expect.closeTo(0.8), details: { votes: [0.8, 0.8, 0.8] } })
    expect(bad?.value).toBe(0)
    // 3 × (1000 × $1 + 100 × $10) per million.
    expect(good?.details?.['costUsd']).toBeCloseTo(0.006)
    expect(good?.details?.['calls']).toHaveLength(3)
    await score(runId, [{ name: 'judge', options }], { again: true })
    expect(server.seen.length - before).toBe(6)
    expect((await scoresOf(runId, 'judge'))[0]?.details?.['costUsd']).toBe(0)
  })

  test('a reply that is no verdict, and a server that fails, are errors', async () => {
    const runId = await aRun(1, 1)
    judgeReply = () => '{"score": 7}'
    const options = { ...judgeOptions(), rubric: 'Is it short?' }
    expect(await score(runId, [{ name: 'judge', options }])).toMatchObject({ errors: 1 })
    expect((await scoresOf(runId, 'judge'))[0]).toMatchObject({ value: null, error: { code: 'judge_reply' } })
    isDown = true
    const other = { ...options, rubric: 'Is it long?' }
    expect(await score(runId, [{ name: 'judge', options: other }])).toMatchObject({ errors: 1 })
    isDown = false
    expect((await scoresOf(runId, 'judge')).map(({ value }) => value)).toEqual([null])
  })

  test('an answer cannot close its own fence', async () => {
    const runId = await aRun(1, 1)
    let asked = ''
    judgeReply = (_, user) => {
      asked = user
      return '{"score": 1}'
    }
    await score(runId, [{ name: 'judge', options: { ...judgeOptions(), rubric: 'quality' } }])
    const [, mark = ''] = /<(answer-[0-9a-f]{12})>/.exec(asked) ?? []
    expect(asked).toContain(`<${mark}>\ntask-0\n</${mark}>`)
  })

  test('group_judge grades all attempts in one request', async () => {
    const runId = await aRun(1, 3)
    judgeReply = () =>
      '{"scores": [{"attempt": 2, "score": 0.2}, {"attempt": 1, "score": 0.9}, {"attempt": 3, "score": 0.5}]}'
    const before = server.seen.length
    await score(runId, [{ name: 'group_judge', options: judgeOptions() }])
    expect(server.seen.length - before).toBe(1)
    expect((await scoresOf(runId, 'group_judge')).map(({ value }) => value)).toEqual([0.9, 0.2, 0.5])
    judgeReply = () => '{"scores": [{"attempt": 1, "score": 0.9}]}'
    const options = { ...judgeOptions(), rubric: 'other' }
    expect(await score(runId, [{ name: 'group_judge', options }])).toMatchObject({ errors: 3 })
  })
})

describe('python_check', () => {
  test('runs a checker in the sandbox, and tells what it raised', async () => {
    const runId = await aRun(1, 2)
    const code =
      'def check(answer, gold, task):\n    print("looked")\n    return answer == gold, {"id": task["id"]}'
    expect(await score(runId, [{ name: 'python_check', options: { code } }])).toMatchObject({ errors: 0 })
    const [right, wrong] = await scoresOf(runId, 'python_check')
    expect(right).toMatchObject({ value: 1, details: { stdout: 'looked\n', check: { id: 'task-0' } } })
    expect(wrong?.value).toBe(0)
    await writeFile(
      path.join(workplace.directory, 'bad.py'),
      'def check(answer, gold, task):\n    return answer.nothing',
    )
    const broken = { name: 'python_check', options: { file: 'bad.py' } }
    expect(await score(runId, [broken])).toMatchObject({ errors: 2 })
    expect((await scoresOf(runId, 'python_check'))[0]?.error?.message).toMatch(
      /raised AttributeError[\s\S]*line 2/,
    )
    const endless = {
      name: 'python_check',
      options: { code: 'def check(*a):\n    while True: pass', seconds: 1 },
    }
    expect(await score(runId, [endless], { limit: 1 })).toMatchObject({ errors: 1 })
    expect((await scoresOf(runId, 'python_check'))[0]?.error?.message).toMatch(/took longer than 1 s/)
  }, 60_000)
})

describe('the command line', () => {
  test('people, comparison, calibration and statistics', async () => {
    const runId = await aRun(4, 2)
    async function run(...args: string[]) {
      const result = await descent([...args, '--store', workplace.store, '--json'])
      return { ...result, first: result.code === 0 ? result.json<Record<string, unknown>>()[0] : undefined }
    }
    expect((await run('score', runId, '--reward', 'exact', 'contains')).first).toMatchObject({
      scores: 16,
      errors: 0,
    })
    const { items } = await store.listFigures(runId, { limit: 10 })
    const [first = '', second = ''] = items.map(({ id }) => id)
    const by = (id: string, value: string) =>
      run('score', '--human', id, '--value', value, '--reason', 'read it', '--author', 'ada')
    expect(
      (await Promise.all([by(first, '0'), by(second, '0')])).map(({ first: row }) => row?.['author']),
    ).toEqual(['human:ada', 'human:ada'])
    const [compared, absent, calibrated, unreasoned] = await Promise.all([
      run('score', runId, '--compare', 'human', 'contains@1'),
      run('score', runId, '--compare', 'one', 'two'),
      run('score', runId, '--calibrate', 'exact'),
      run('score', '--human', first, '--value', '0.5'),
    ])
    expect(compared.first).toMatchObject({ both: 2, rose: 1, fell: 0, onlyB: 6, changes: [{ a: 0, b: 1 }] })
    expect(absent.stderr).toMatch(/no trajectory has either score; this run has contains@1, exact@1, human@1/)
    expect(calibrated.first).toMatchObject({ pairs: 2, agreement: 0.5, judgeOnly: 1 })
    expect([unreasoned.code, unreasoned.stderr]).toEqual([2, expect.stringMatching(/say why with --reason/)])
    const [{ first: stats }, csv] = await Promise.all([
      run('stats', runId, runId, '--reward', 'exact'),
      descent(['stats', runId, '--csv', '--store', workplace.store]),
    ])
    expect(stats).toMatchObject({
      runs: [
        { runId, tasks: 4, rollouts: 8, mean: 0.5, passAt: { 1: 0.5, 2: 1 }, passHat: { 2: 0 } },
        { runId },
      ],
      paired: { pairs: 4, difference: 0, pValue: 1 },
    })
    const parts = (await run('stats', runId, '--by', 'id', 'model')).first?.['by']
    expect(parts).toMatchObject([
      ...['task-0', 'task-1', 'task-2', 'task-3'].map((value) => ({
        field: 'id',
        value,
        tasks: 1,
        rollouts: 2,
      })),
      { field: 'model', value: 'a-model', tasks: 4, rollouts: 8, runId: null },
    ])
    const noField = await run('stats', runId, '--by', 'nothing')
    expect([noField.code, noField.stderr]).toEqual([
      2,
      expect.stringMatching(
        /--by: no task has the metadata field "nothing"; there are run, .*contextCharacters, id/,
      ),
    ])
    const [head = '', line = ''] = csv.stdout.split('\n')
    expect(head.split(',')).toContain('passAt.2')
    expect(line.split(',')).toHaveLength(head.split(',').length)
  }, 120_000)
})
