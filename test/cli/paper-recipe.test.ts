// The paper's recipe from rollouts to rows: the example as its reader runs it, and a run whose every
// defect was put there by hand, so that the funnel can be counted by hand too.
import { cp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorkplace, descent, type Workplace } from '../support/cli.ts'
import { type OpenAIServer, startOpenAIServer } from '../support/openai-server.ts'

const look = '```repl\nprint(context[:20])\n```'
const compute = 'I compute it.\n\n```repl\ncandidate = str(6 * 7)\nprint(candidate)\n```'
const long = "```repl\nprint('x' * 18000)\n```"

/** The responses of each rollout, turn by turn. The gold answer is 42 everywhere. */
const scripts = {
  'good-1': [look, compute, 'FINAL_VAR(candidate)'],
  'good-2': [look, compute, 'FINAL(42)'],
  'good-3': [look, 'FINAL(42)'],
  // Score 0.
  'wrong-1': [look, 'FINAL(41)'],
  'wrong-2': [look, compute, 'FINAL(candidate)'],
  // A single turn.
  'hasty-1': ['FINAL(42)'],
  'hasty-2': ['I know this.\n\nFINAL(42)'],
  // The last of eight prompts holds six outputs of 18,000 characters.
  'long-1': [look, long, long, long, long, long, long, 'FINAL(42)'],
  // FINAL misused in three ways, each put right by the model itself one turn later.
  'fence-1': [look, compute, 'Done.\n\n```repl\nFINAL("42")\n```', 'FINAL(42)'],
  'name-1': [look, compute, 'Done.\n\n```repl\nFINAL(candidate)\n```', 'FINAL_VAR(candidate)'],
  'text-1': [look, compute, 'Done.\n\nFINAL_VAR(42)', 'FINAL(42)'],
  // A misuse whose repair gives another answer than the recorded one.
  'lost-1': [look, compute, 'FINAL_VAR(final_answer)', 'FINAL_VAR(candidate)'],
  // Other mistakes of form.
  'prose-1': [look, 'FINAL(42)\n\nI hope that this helps.'],
  'blocks-1': ['```repl\nprint(len(context))\n```\n\nAnd:\n\n```repl\nprint(context[:5])\n```', 'FINAL(42)'],
} satisfies Record<string, string[]>

let workplace: Workplace
let server: OpenAIServer
const run = async (...args: string[]) =>
  await descent([...args, '--store', workplace.store], { cwd: workplace.directory })

beforeAll(async () => {
  workplace = await createWorkplace()
  server = await startOpenAIServer(({ messages }) => {
    const name = messages.map(({ content }) => /Case ([a-z]+-\d)/.exec(content)?.[1]).find(Boolean) ?? ''
    const said = messages.filter(({ role }) => role === 'assistant').length
    return { text: (scripts as Record<string, string[]>)[name]?.[said] ?? 'nothing' }
  })
  const context = 'The answer to everything is hidden here.'
  const tasks = Object.keys(scripts).map((id) => ({
    id,
    prompt: `Case ${id}: what is it?`,
    context,
    answer: '42',
  }))
  await writeFile(
    path.join(workplace.directory, 'tasks.jsonl'),
    tasks.map((task) => `${JSON.stringify(task)}\n`).join(''),
  )
  await writeFile(
    path.join(workplace.directory, 'run.yaml'),
    `name: defects
tasks: tasks.jsonl
model: {provider: openai, name: teacher, baseUrl: "${server.baseUrl}"}
protocol: rlm-final
concurrency: 4
limits: {maxTurns: 12}
rewards: [exact]
dataset:
  recipe: sft-turns
  where: reward != 0 and root_turns > 1
  clean: [prompt-characters]
  repair: [all]
  evalFraction: 0
`,
  )
  const collected = await run('collect', 'run.yaml', '--json')
  if (collected.code !== 0) throw new Error(collected.stderr)
})
afterAll(async () => {
  await server.close()
  await workplace.dispose()
})

interface Row {
  task_id: string
  turn: number
  prompt: { role: string; content: string }[]
  completion: { role: string; content: string }[]
}

async function rowsOf(directory: string): Promise<Row[]> {
  const manifest = JSON.parse(
    await readFile(path.join(workplace.directory, directory, 'manifest.json'), 'utf8'),
  ) as { files: { path: string }[] }
  const texts = await Promise.all(
    manifest.files.map((file) => readFile(path.join(workplace.directory, directory, file.path), 'utf8')),
  )
  return texts.flatMap((text) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row),
  )
}

const completions = (rows: Row[], id: string) =>
  rows.filter((row) => row.task_id === id).map(({ completion }) => completion[0]?.content)

test('the funnel is the one counted by hand', async () => {
  const exported = await run('export', '--run', 'latest', '--out', 'set', '--format', 'jsonl', '--json')
  expect(exported.stderr).toBe('')
  const [{ funnel } = { funnel: [] }] = exported.json<{ funnel: object[] }>()
  // 14 rollouts; 2 with score 0 leave 12; 2 with one turn leave 10. Turns of the ten:
  // 3 + 3 + 2 good, 8 long, 4 + 4 + 4 misused, 4 lost, 2 prose, 2 blocks = 36; one prompt is too long: 35.
  // Repaired are fence, name, text, prose and blocks; lost is not. The first three cut one turn each:
  // 35 - 1 - 3 = 31.
  expect(funnel).toEqual([
    { step: 'in the runs', trajectories: 14 },
    { step: 'status done', trajectories: 14 },
    { step: 'reward != 0', trajectories: 12 },
    { step: 'root_turns > 1', trajectories: 10 },
    { step: 'prompts of at most 100000 characters', trajectories: 10, turns: 35 },
    {
      step: 'repairs (5 made, 1 without the recorded result, 3 turns after an answer cut)',
      trajectories: 10,
      turns: 31,
    },
    { step: 'exported', trajectories: 10, rows: 31 },
  ])
  const rows = await rowsOf('set')
  expect(completions(rows, 'fence-1')).toEqual([look, compute, 'Done.\n\nFINAL(42)'])
  expect(completions(rows, 'name-1')).toEqual([look, compute, 'Done.\n\nFINAL_VAR(candidate)'])
  expect(completions(rows, 'text-1')).toEqual([look, compute, 'Done.\n\nFINAL(42)'])
  expect(completions(rows, 'lost-1')).toEqual([look, compute, 'FINAL_VAR(candidate)'])
  expect(completions(rows, 'prose-1')).toEqual([look, 'FINAL(42)'])
  expect(completions(rows, 'long-1')).toHaveLength(7)
  const joined = 'And:\n\n```repl\nprint(len(context))\nprint(context[:5])\n```'
  expect(completions(rows, 'blocks-1')).toEqual([joined, 'FINAL(42)'])
  // What the model was told of the one block is what that block printed when it was executed again.
  const told = rows.find((row) => row.task_id === 'blocks-1' && row.turn === 1)?.prompt.slice(-3)
  expect(told?.map(({ content }) => content)).toEqual([
    joined,
    "REPL output:\n\n40\nThe a\n\n\nREPL variables: ['context_0', 'context']\n",
    expect.stringMatching(/^Turn 2\/12:/),
  ])
})

test('every removal and repair is in the audit', async () => {
  const lines = (await readFile(path.join(workplace.directory, 'set/audit.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines.map(({ task_id, turn, rule, action }) => [task_id, turn, rule, action])).toEqual([
    ['long-1', 7, 'prompt-characters', 'turn dropped'],
    ['fence-1', 2, 'final-in-fence', 'repaired'],
    ['fence-1', 2, 'final-in-fence', 'turns cut'],
    ['name-1', 2, 'final-in-fence, final-for-variable', 'repaired'],
    ['name-1', 2, 'final-in-fence, final-for-variable', 'turns cut'],
    ['text-1', 2, 'final-var-for-text', 'repaired'],
    ['text-1', 2, 'final-var-for-text', 'turns cut'],
    ['lost-1', 2, 'final-var-for-text', 'turn dropped'],
    ['prose-1', 1, 'prose-after-final', 'repaired'],
    ['blocks-1', 0, 'several-blocks', 'repaired'],
  ])
  expect(lines.find(({ task_id }) => task_id === 'lost-1')).toMatchObject({
    detail: 'it answers "final_answer", recorded is "42"; its reward is 0, recorded is 1',
    before: 'FINAL_VAR(final_answer)',
    after: 'FINAL(final_answer)',
  })
})

test('a rule that is switched off leaves the bytes as they were recorded', async () => {
  const rules = ['final-in-fence', 'several-blocks']
  const off = await run(
    'export',
    '--run',
    'latest',
    '--out',
    'off',
    '--format',
    'jsonl',
    '--repair-off',
    ...rules,
  )
  expect(off.code).toBe(0)
  const rows = await rowsOf('off')
  expect(completions(rows, 'fence-1')).toEqual(scripts['fence-1'])
  expect(completions(rows, 'name-1')).toEqual(scripts['name-1'])
  expect(completions(rows, 'blocks-1')).toEqual(scripts['blocks-1'])
  expect(completions(rows, 'prose-1')).toEqual([look, 'FINAL(42)'])
})

test('a dry run prints the funnel, and what was asked for can be saved under a name', async () => {
  const plan = ['export', '--run', 'latest', '--dry-run', '--json']
  const dry = await run(...plan, '--select', 'best', '--save-selection', 'mine')
  const [{ funnel } = { funnel: [] }] = dry.json<{ funnel: { step: string; trajectories: number }[] }>()
  expect(funnel.at(-1)).toMatchObject({ trajectories: 10, turns: 31 })
  expect(funnel.map(({ step }) => step)).toContain('best of each task')
}, 120_000)

test('what was saved is followed, listed, and named where it is not found', async () => {
  const plan = ['export', '--run', 'latest', '--dry-run', '--json']
  const again = await run(...plan, '--selection', 'mine', '--min-reward', '0.5')
  expect(again.json()[0]).toMatchObject({ trajectories: 10 })
  const listed = (await run('export', '--list-selections', '--json')).json()
  expect(listed).toEqual([
    expect.objectContaining({
      name: 'mine',
      plan: expect.objectContaining({
        select: 'best',
        repair: ['all'],
        where: 'reward != 0 and root_turns > 1',
      }),
    }),
  ])
  const unknown = await run(...plan, '--selection', 'yours')
  expect(unknown).toMatchObject({
    code: 2,
    stderr: 'descent: there is no saved selection "yours"; there are mine\n',
  })
}, 120_000)

test('the example, as its README says', async () => {
  await cp(path.resolve(import.meta.dirname, '../../examples'), path.join(workplace.directory, 'examples'), {
    recursive: true,
  })
  const text = await readFile(path.join(workplace.directory, 'examples/paper-recipe/README.md'), 'utf8')
  const commands = text.match(/^descent .+$/gm) ?? []
  expect(commands).toHaveLength(2)
  const results = []
  for (const command of commands) results.push(await run(...command.split(' ').slice(1)))
  expect(results.map(({ code }) => code)).toEqual([0, 0])
  // The README shows the funnel that is printed.
  const printed = results[1]?.stderr.match(/^in the runs.*$/m)?.[0]
  expect(text).toContain(printed)
  const audit = await readFile(path.join(workplace.directory, 'paper-set/audit.jsonl'), 'utf8')
  expect(audit).toContain('"action":"repaired"')
}, 120_000)
