// A person's own reward, as the docs tell to write it, right and with each of the usual mistakes in it.
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRewards } from '../../api/rewards.ts'
import { scoreGroup, scoreTrajectory } from '../../rewards/score.ts'
import { trajectory } from './sample.ts'

let directory = ''
beforeAll(async () => {
  // Inside the checkout, so that the modules find zod as a project of one's own would.
  directory = await mkdtemp(path.join(import.meta.dirname, 'custom-'))
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

const right = `import { z } from 'zod'
import { defineReward } from '../../../src/reward.ts'

export default defineReward({
  name: 'mentions',
  version: '1',
  description: 'The answer mentions a word.',
  options: z.strictObject({ word: z.string().default('yes') }),
  score({ trajectory, options }) {
    const answer = trajectory.answer ?? ''
    return { value: answer.includes(options.word) ? 1 : 0 }
  },
})
`

async function open(name: string, source: string, options: Record<string, unknown> = {}) {
  await writeFile(path.join(directory, name), source)
  const [reward] = await openRewards([{ name: `./${name}`, weight: 1, options }], directory)
  if (!reward) throw new Error('no reward')
  return reward
}

const task = { id: 'task', prompt: 'p', answer: 'gold', metadata: {} }

describe('a reward of fourteen lines', () => {
  test('scores, alone and as a part of another', async () => {
    const reward = await open('right.ts', right)
    expect((await scoreTrajectory([reward], task, trajectory()))[0]).toMatchObject({
      reward: 'mentions',
      value: 1,
    })
    const [inner] = await openRewards(
      [{ name: 'product', weight: 1, options: { rewards: ['./right.ts', 'format'] } }],
      directory,
    )
    expect(inner?.bound.version).toBe('1(mentions@1,format@1)')
    expect((await scoreTrajectory(inner ? [inner] : [], task, trajectory()))[0]?.value).toBe(1)
  })

  test.each<[file: string, from: string | RegExp, to: string, message: RegExp]>([
    [
      'field',
      'version:',
      'verison:',
      /field\.ts:4: .*"version" is missing; expected a text such as '1' \(there is an unknown field "verison"\)/,
    ],
    [
      'score',
      'score({',
      'scored({',
      /score\.ts:4: .*"score" is missing; expected a function that gives \{value, details\?\}/,
    ],
    [
      'schema',
      /options: z.*$/m,
      'options: {},',
      /schema\.ts:4: .*"options" is a object; expected a zod schema/,
    ],
    ['number', "'1'", '1', /number\.ts:4: .*"version" is 1; expected a text/],
    [
      'export',
      'export default',
      'export const reward =',
      /export\.ts:4: the default export is not a reward \(it exports reward\); expected export default defineReward/,
    ],
    [
      'loading',
      'export default',
      'nothing.there\nexport default',
      /loading\.ts:4: cannot be loaded: nothing is not defined/,
    ],
  ])('with a mistake (%s) says file, line and what was expected', async (file, from, to, message) => {
    await expect(open(`${file}.ts`, right.replace(from, to))).rejects.toThrow(message)
  })

  // As Node loads them: the test runner has a loader of its own.
  test.each<[file: string, from: string, to: string, message: RegExp]>([
    [
      'syntax',
      'const answer =',
      'const answer = =',
      /syntax\.ts:10: is not valid TypeScript: Expression expected/,
    ],
    ['import', "'../../../src/reward.ts'", "'./nowhere.ts'", /import\.ts: cannot be loaded: .*nowhere\.ts/],
    ['absent', right, '', /absent\.ts:1: the default export is not a reward \(it exports nothing\)/],
  ])('with a mistake (%s) that Node finds', async (file, from, to, message) => {
    await writeFile(path.join(directory, `${file}.ts`), right.replace(from, to))
    const door = pathToFileURL(path.join(import.meta.dirname, '../../api/rewards.ts')).href
    const code = `import(${JSON.stringify(door)}).then((door) => door.openRewards([{name: './${file}.ts', weight: 1, options: {}}], ${JSON.stringify(directory)})).catch((error) => console.log(error.name, error.message))`
    const { stdout } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' })
    expect(stdout).toMatch(/^UsageError /)
    expect(stdout).toMatch(message)
  })

  test('is a module also in a project that npm init has made, which says that it is not', async () => {
    const project = path.join(directory, 'project')
    await mkdir(project)
    await writeFile(path.join(project, 'package.json'), '{"type": "commonjs"}')
    await writeFile(path.join(project, 'helper.ts'), 'export const right: number = 0.25\n')
    await writeFile(
      path.join(project, 'mine.ts'),
      `import { right as value } from './helper.ts'\n${right.replaceAll('../../../', '../../../../')}`.replace(
        'answer.includes(options.word) ? 1 : 0',
        'answer.includes(options.word) ? 1 : value',
      ),
    )
    const door = pathToFileURL(path.join(import.meta.dirname, '../../api/rewards.ts')).href
    const code = `import(${JSON.stringify(door)}).then((door) => door.openRewards([{name: './mine.ts', weight: 1, options: {}}], ${JSON.stringify(project)})).then(([one]) => console.log(one.bound.name))`
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(stdout).toBe('mentions\n')
  })

  test('a bad option is named', async () => {
    await expect(open('option.ts', right, { wrod: 'x' })).rejects.toThrow(/option\.ts: .*wrod/)
  })

  test('a missing file is told', async () => {
    await expect(openRewards([{ name: './none.ts', weight: 1, options: {} }], directory)).rejects.toThrow(
      /none\.ts: (?:there is no such file|cannot be loaded)/,
    )
  })

  test('what goes wrong while it scores names the line, and is an error row', async () => {
    const throws = await open(
      'throws.ts',
      right.replace("trajectory.answer ?? ''", 'trajectory.answr.length'),
    )
    const [row] = await scoreTrajectory([throws], task, trajectory())
    expect(row).toMatchObject({ value: null, error: { boundary: 'reward' } })
    expect(row?.error?.message).toMatch(/throws\.ts:10: TypeError/)
    const bare = await open('bare.ts', right.replace(/return .*$/m, 'return 1'))
    expect((await scoreTrajectory([bare], task, trajectory()))[0]?.error?.message).toMatch(
      /bare\.ts:4: reward mentions gave 1, not \{value: a number/,
    )
    const text = await open('text.ts', right.replace(/return .*$/m, "return { value: '1' }"))
    expect((await scoreTrajectory([text], task, trajectory()))[0]?.error?.message).toMatch(
      /not a finite number/,
    )
  })

  test('a reward that sees the answer only is held to it', async () => {
    const seeing = right.replace("version: '1',", "version: '1',\n  sees: 'answer',")
    const reward = await open('answer.ts', seeing)
    expect(reward.bound.seesTurns).toBe(false)
    expect((await scoreTrajectory([reward], task, trajectory()))[0]?.value).toBe(1)
    const looking = await open(
      'looking.ts',
      seeing.replace("trajectory.answer ?? ''", 'String(trajectory.invocations.length)'),
    )
    const [row] = await scoreTrajectory([looking], task, trajectory())
    expect(row?.error?.message).toMatch(/looking\.ts:\d+: .*reward mentions says sees: 'answer' but looks/)
    const [whole] = await openRewards(
      [{ name: 'product', weight: 1, options: { rewards: ['./answer.ts', 'format'] } }],
      directory,
    )
    expect(whole?.bound.seesTurns).toBe(true)
    await expect(open('eyes.ts', seeing.replace("sees: 'answer'", "sees: 'turns'"))).rejects.toThrow(
      /eyes\.ts:4: .*"sees" is "turns"; expected 'answer', or nothing/,
    )
  })

  test('a group reward gives one result for each trajectory', async () => {
    const source = right
      .replaceAll('defineReward', 'defineGroupReward')
      .replace(
        /score\([\s\S]*$/,
        'scoreGroup({ trajectories }) { return trajectories.slice(1).map(() => null) },\n})\n',
      )
    const reward = await open('group.ts', source)
    const rows = await scoreGroup(reward, task, [trajectory(), trajectory()])
    expect(rows.map((row) => row?.error?.message)).toEqual([
      expect.stringMatching(/group\.ts:4: .* not a list of 2 results/),
      expect.stringMatching(/group\.ts:4: /),
    ])
  })
})
