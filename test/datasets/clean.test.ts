// Cleaning through the door of the export: what each rule removes, what the funnel, the manifest and the
// audit say of it, and what is left in the rows.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exportDataset, type ExportOptions, previewExport } from '../../src/datasets/index.ts'
import { makeCell, makeContent, makeRun, makeTask, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { type ReadRow, readRows, temporaryDirectory } from './reading.ts'
import { writeTokenizer } from './tokenizer.ts'

const look = '```repl\nprint(context[:10])\n```'
const looked = [makeCell({ code: 'print(context[:10])' })]

/** One task; each list is what the root of one rollout said. */
function said(...replies: string[][]) {
  return {
    runs: [makeRun('run-1')],
    tasks: [makeTask('task-0')],
    trajectories: replies.map((list, rollout) =>
      makeTrajectory('run-1', 'task-0', rollout, { turns: makeTurns('q', list, looked) }),
    ),
  }
}

type Content = ReturnType<typeof said>
type Line = Record<string, unknown>

function textsOf({ prompt, completion }: ReadRow): string {
  return JSON.stringify([prompt, completion])
}

async function clean(content: Content, options: Partial<ExportOptions>) {
  const directory = join(await temporaryDirectory(), 'set')
  const given = { runIds: ['run-1'], recipe: 'sft-turns', evalFraction: 0, ...options }
  const { funnel } = await exportDataset({ store: createMemoryStore(content), ...given, directory })
  const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as {
    files: { path: string }[]
    audit: { path: string; lines: number }[]
    cleaning: Record<string, unknown> | null
  }
  const rows: ReadRow[] = []
  for (const file of manifest.files) rows.push(...(await readRows(join(directory, file.path))))
  const text = manifest.audit.length > 0 ? await readFile(join(directory, 'audit.jsonl'), 'utf8') : ''
  const audit = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line)
  const rollouts = [...new Set(rows.map((row) => Number(row['rollout'])))]
  return { directory, funnel, manifest, rows, audit, rollouts }
}

const many = (line: string, count: number) => Array.from({ length: count }, () => line).join('\n')

describe('a rule drops the trajectory', () => {
  test.each<[string, string[], string, RegExp]>([
    ['a repeated line', [look, many('Let me look at it again.', 30)], 'repetition', /a line 30 times/],
    ['a repeated passage', [look, 'one two three '.repeat(200)], 'repetition', /deflate shrinks it/],
    [
      'the same response again and again',
      [look, look, look],
      'repetition',
      /the same response 3 times in a row/,
    ],
    [
      'broken characters',
      [look, `It is \uFFFD\uFFFD\uFFFD\uFFFD.`],
      'gibberish',
      /4 characters that are no text/,
    ],
    ['an endless word', [look, `It is ${'ab'.repeat(300)}`], 'gibberish', /a word of 600 characters/],
    ['mixed scripts', [look, many('wоrdяλ', 6)], 'gibberish', /6 words of three writing systems/],
    [
      'output of its own',
      [`${look}\n\nREPL output:\n42`, 'a'],
      'hallucinated-output',
      /writes "REPL output:"/,
    ],
    ['a turn of its own', [`${look}\n\nTurn 2/30:`, 'a'], 'hallucinated-output', /Turn 2\/30/],
    ['an output block', [`${look}\n\n\`\`\`output\n42\n\`\`\``, 'a'], 'hallucinated-output', /```output/],
  ])('for %s', async (_, replies, rule, detail) => {
    const content = said(
      [look, 'It is 42, as the code showed: ```repl\nprint("REPL output:")\n```.'],
      replies,
    )
    const { rollouts, funnel, audit, manifest } = await clean(content, { clean: [rule] })
    expect(rollouts).toEqual([0])
    expect(funnel.find(({ turns }) => turns !== undefined)).toMatchObject({ trajectories: 1, turns: 2 })
    expect(audit[0]).toMatchObject({
      trajectory_id: 'run-1/task-0/1',
      task_id: 'task-0',
      rule,
      action: 'trajectory dropped',
      detail: expect.stringMatching(detail),
    })
    expect(manifest.cleaning).toMatchObject({
      rules: [{ name: rule, version: '1' }],
      removed: [{ rule, trajectories: 1, turns: 0 }],
    })
  })

  test('for an answer without a look', async () => {
    const content = said([look, 'a'], ['FINAL(1)'])
    content.trajectories[1] = makeTrajectory('run-1', 'task-0', 1, { turns: makeTurns('q', ['a', 'b']) })
    const { rollouts, audit } = await clean(content, { clean: ['unlooked'] })
    expect(rollouts).toEqual([0])
    expect(audit).toMatchObject([
      { rule: 'unlooked', detail: 'no cell of the root names the context', turn: null },
    ])
  })

  test('for a duplicate, and for what is nearly one', async () => {
    const words = Array.from({ length: 120 }, (_, index) => `word${index}`)
    const text = words.join(' ')
    const near = words.with(60, 'other').join(' ')
    const content = said([look, text], [look, text], [look, near], [look, words.toReversed().join(' ')])
    expect((await clean(content, { clean: ['duplicates'] })).rollouts).toEqual([0, 2, 3])
    const { rollouts, audit } = await clean(content, { clean: ['near-duplicates=0.8'] })
    expect(rollouts).toEqual([0, 3])
    expect(audit.map(({ detail }) => detail)).toEqual([
      'nearly the same as run-1/task-0/0',
      'nearly the same as run-1/task-0/0',
    ])
  })

  test('rules go in their order, and a trajectory is counted where it goes first', async () => {
    const content = said([look, 'a'], [look, 'a'], [look, '\uFFFD\uFFFD\uFFFD\uFFFD'])
    const { funnel } = await clean(content, { clean: ['duplicates', 'gibberish'] })
    expect(funnel.slice(2)).toEqual([
      { step: 'no gibberish', trajectories: 2, turns: 4 },
      { step: 'no duplicates', trajectories: 1, turns: 2 },
      { step: 'exported', trajectories: 1, rows: 2 },
    ])
  })
})

describe('a rule drops turns only', () => {
  test('and they stay in the prompts after them', async () => {
    const content = said([look, '\uFFFD\uFFFD\uFFFD\uFFFD', 'It is 42.'])
    const { rows, audit, funnel } = await clean(content, { clean: ['gibberish=turn'] })
    expect(rows.map((row) => row['turn'])).toEqual([0, 2])
    expect(JSON.stringify(rows[1]?.['prompt'])).toContain('\uFFFD')
    expect(audit).toMatchObject([{ turn: 1, rule: 'gibberish', action: 'turn dropped' }])
    expect(funnel.at(-2)).toEqual({ step: 'no gibberish', trajectories: 1, turns: 2 })
  })

  test('by characters: a trajectory without a turn left is gone', async () => {
    const content = said([look, 'b'])
    content.trajectories.push(
      makeTrajectory('run-1', 'task-0', 1, { turns: makeTurns('long '.repeat(20), ['a', 'b'], looked) }),
    )
    const { rollouts, rows, audit } = await clean(content, { clean: ['prompt-characters=60'] })
    expect([rollouts, rows.length]).toEqual([[0], 2])
    expect(audit.map(({ detail }) => detail)).toEqual([
      'a prompt of 116 characters',
      'a prompt of 125 characters',
    ])
  })

  test('by the tokens of a tokenizer', async () => {
    const directory = await temporaryDirectory()
    await writeTokenizer(directory)
    const content = said([look, 'b'])
    const options = { cleanTokenizer: directory }
    const loose = await clean(content, { ...options, clean: ['prompt-tokens=100000'] })
    expect(loose.rows).toHaveLength(2)
    const counts = loose.audit.length
    expect(counts).toBe(0)
    const preview = await previewExport({
      store: createMemoryStore(content),
      runIds: ['run-1'],
      recipe: 'sft-turns',
      ...options,
      clean: ['prompt-tokens=1'],
    })
    expect(preview.funnel.at(-1)).toEqual({ step: 'prompts of at most 1 tokens', trajectories: 0, turns: 0 })
    await expect(clean(content, { clean: ['prompt-tokens=5'] })).rejects.toThrow(/--clean-tokenizer DIR/)
  })
})

describe('secrets and e-mail addresses', () => {
  const key = `sk-ant-${'a1B2'.repeat(8)}`
  const content = () => {
    const made = said([
      look,
      `The key is ${key}, ask ann.lee@example.com or ann.lee@example.com.`,
      'It is 42.',
    ])
    const [first] = made.trajectories
    const cell = makeCell({ code: 'print(context)', stdout: 'postgres://bob:hunter2@db/x\n' })
    const turn = first?.invocations[0]?.turns[0]
    if (turn) turn.cells = [cell]
    return made
  }

  test('are redacted everywhere, and nowhere repeated', async () => {
    const made = content()
    const { rows, audit, directory, manifest } = await clean(made, { clean: ['secrets', 'emails'] })
    const all = rows.map(textsOf).join() + (await readFile(join(directory, 'audit.jsonl'), 'utf8'))
    for (const secret of [key, 'hunter2', 'ann.lee']) expect(all).not.toContain(secret)
    const mended = 'The key is [REDACTED:anthropic-key], ask [REDACTED:e-mail] or [REDACTED:e-mail].'
    expect(JSON.stringify(rows[1]?.['completion'])).toContain(mended)
    // The prompt of the next turn holds the same redacted text: it still extends the one before.
    expect(JSON.stringify(rows[2]?.['prompt'])).toContain(mended)
    expect(audit.map(({ turn, rule, action, detail }) => [turn, rule, action, detail])).toEqual([
      [0, 'secrets', 'redacted', 'a password-in-address'],
      [1, 'secrets', 'redacted', 'a anthropic-key'],
      [1, 'emails', 'redacted', 'e-mail, 2 times'],
    ])
    expect(manifest.cleaning).toMatchObject({
      redacted: [{ rule: 'secrets', trajectories: 1, turns: 2 }, {}],
    })
  })

  test('drop the trajectory when asked to', async () => {
    const made = content()
    made.trajectories.push(makeTrajectory('run-1', 'task-0', 1))
    const { rollouts } = await clean(made, { clean: ['secrets=drop'] })
    expect(rollouts).toEqual([1])
  })

  test('are not redacted in what a policy is trained on token by token', async () => {
    await expect(clean(content(), { recipe: 'rl-rollouts', clean: ['secrets'] })).rejects.toThrow(
      /its logprobs are of what it said/,
    )
  })

  test('are found by the forms of their issuers', async () => {
    const secrets = [
      'AKIAIOSFODNN7EXAMPLE',
      `ghp_${'a'.repeat(36)}`,
      `hf_${'b'.repeat(34)}`,
      `sk-proj-${'c'.repeat(40)}`,
      `AIza${'d'.repeat(35)}`,
      'xoxb-1234567890-abcdef',
      'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijkl',
      `aws_secret_access_key = "${'e'.repeat(40)}"`,
      '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----',
    ]
    const { rows } = await clean(said([look, ...secrets.map((secret) => `Here: ${secret} end`)]), {
      clean: ['secrets'],
    })
    for (const row of rows.slice(1)) {
      const [message] = row['completion'] as { content: string }[]
      expect(message?.content).toMatch(/^Here: (?:aws_secret_access_key = ")?\[REDACTED:[a-z-]+\]"? end$/)
    }
    expect(rows).toHaveLength(10)
  })

  test('are not seen where there are none', async () => {
    const harmless = 'sk-learn task-1234567890123456 @property a@b http://a:80/x@y user:x@ hf_token sk_live'
    const { audit } = await clean(said([look, harmless]), { clean: ['secrets', 'emails'] })
    expect(audit).toEqual([])
  })
})

describe('contamination', () => {
  const question =
    'In which of the seven northern harbour towns did the old lighthouse keeper hide the brass key before the winter storm?'
  const words = (count: number, name: string) =>
    Array.from({ length: count }, (_, index) => `${name}${index}`).join(' ')

  async function against(tasks: object[], made: Content) {
    const file = join(await temporaryDirectory(), 'evaluation.jsonl')
    await writeFile(file, tasks.map((task) => `${JSON.stringify(task)}\n`).join(''))
    return await clean(made, { clean: ['contamination'], evaluation: [file] })
  }

  function twoTasks(changes: Parameters<typeof makeTask>[1]) {
    const made = makeContent(2, 1)
    made.tasks[1] = makeTask('task-1', changes)
    return made
  }

  test.each<[string, object, Parameters<typeof makeTask>[1], RegExp]>([
    [
      'prompt',
      { prompt: `${question} Say it.` },
      { prompt: question.toUpperCase() },
      /100% of the prompt is in/,
    ],
    ['context', { context: words(500, 'w') }, { context: words(400, 'w') }, /% of the context is in/],
    ['answer', { answer: words(20, 'a') }, { answer: words(20, 'a') }, /100% of the answer is in/],
  ])('by the %s of a task', async (_, evaluation, changes, detail) => {
    const base = { id: 'e', prompt: 'Something else?', context: 'Other.', answer: 'x' }
    const { audit, rows, manifest } = await against([{ ...base, ...evaluation }], twoTasks(changes))
    expect(audit).toMatchObject([
      { task_id: 'task-1', rule: 'contamination', detail: expect.stringMatching(detail) },
    ])
    expect(new Set(rows.map((row) => row['task_id']))).toEqual(new Set(['task-0']))
    expect(manifest.cleaning).toMatchObject({ evaluation: [{ tasks: 1 }] })
  })

  test('is not a short answer, nor a question of the same kind', async () => {
    const other = question.replace('brass key', 'silver coin').replace('seven northern', 'nine southern')
    const { audit } = await against(
      [{ id: 'e', prompt: question, context: 'Other.', answer: 'task-1' }],
      twoTasks({ prompt: `${other} ${words(30, 'p')}` }),
    )
    expect(audit).toEqual([])
  })

  test('needs tasks to compare with', async () => {
    await expect(clean(said([look]), { clean: ['contamination'] })).rejects.toThrow(
      /--evaluation TASKSET-OR-FILE/,
    )
  })
})

test('a dry run counts what cleaning leaves, and what is left is nothing is said in one line', async () => {
  const content = said([look, '\uFFFD\uFFFD\uFFFD\uFFFD'])
  const options = {
    store: createMemoryStore(content),
    runIds: ['run-1'],
    recipe: 'sft-turns',
    clean: ['gibberish'],
  }
  expect((await previewExport(options)).funnel.at(-1)).toMatchObject({ trajectories: 0 })
  await expect(clean(content, { clean: ['gibberish'] })).rejects.toThrow(/Nothing to export.*no gibberish 0/)
})

test('an export without cleaning has no audit, and takes the place of one that had', async () => {
  const content = said([look, 'a'], [look, 'a'])
  const { directory } = await clean(content, { clean: ['duplicates'] })
  await exportDataset({
    store: createMemoryStore(content),
    runIds: ['run-1'],
    recipe: 'sft-turns',
    directory,
  })
  await expect(readFile(join(directory, 'audit.jsonl'))).rejects.toThrow(/ENOENT/)
})

test.each([
  [['nothing'], /clean: "nothing" is not known; the rules are unlooked/],
  [['repetition=line'], /repetition=line: allowed are trajectory, turn/],
  [['near-duplicates=0.2'], /a number from 0\.5 to 1/],
  [['unlooked=1'], /unlooked takes no value/],
  [['prompt-tokens'], /prompt-tokens needs a whole number/],
  [['duplicates', 'duplicates'], /given twice/],
])('%j is refused', async (rules, message) => {
  await expect(clean(said([look]), { clean: rules })).rejects.toThrow(message)
})

test('repairs need a sandbox', async () => {
  await expect(clean(said([look]), { repair: ['all'] })).rejects.toThrow(/there is no sandbox here/)
})
