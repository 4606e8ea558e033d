// The recipes for trainers, through an export and back from its files.
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exportDataset, type ExportOptions } from '../../src/datasets/index.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { makeCall, makeCell, makeContent, makeRun, makeTask, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { readRows, temporaryDirectory } from './reading.ts'

type Content = ReturnType<typeof makeContent>

async function exported(recipe: string, content: Content, changes: Partial<ExportOptions> = {}) {
  const directory = changes.directory ?? join(await temporaryDirectory(), 'set')
  const result = await exportDataset({
    store: createMemoryStore(content),
    runIds: content.runs.map(({ id }) => id),
    recipe,
    evalFraction: 0,
    ...changes,
    directory,
  })
  const rows = await readRows(join(directory, 'data/train-00000-of-00001.parquet'))
  return { directory, result, rows }
}

/** One task; each list of replies is a rollout with its reward. */
function rollouts(
  ...list: [reward: number | null, replies: string[], changes?: Partial<Trajectory>][]
): Content {
  const content = makeContent(1, 0)
  content.trajectories = list.map(([reward, replies, changes], rollout) =>
    makeTrajectory('run-1', 'task-0', rollout, { reward, turns: makeTurns('q', replies), ...changes }),
  )
  return content
}

function texts(messages: unknown): string[] {
  return (messages as { content: string }[]).map(({ content }) => content)
}

describe('sft-trajectories', () => {
  test('has one row per invocation, children with their parents, each response trained once', async () => {
    const cell = makeCell({ id: 'cell-7' })
    const content = rollouts([1, []])
    content.trajectories = [
      makeTrajectory('run-1', 'task-0', 0, {
        invocations: [
          {
            id: 'root',
            depth: 0,
            parentCellId: null,
            stopReason: 'answered',
            answer: '',
            turns: makeTurns('q', ['a', 'b', 'c'], [cell]),
          },
          {
            id: 'child',
            depth: 1,
            parentCellId: 'cell-7',
            stopReason: 'max_turns',
            answer: '',
            turns: makeTurns('sub', ['d']),
          },
        ],
      }),
    ]
    const { rows } = await exported('sft-trajectories', content)
    expect(rows).toHaveLength(2)
    const [root, child] = rows
    expect(root).toMatchObject({
      depth: 0,
      parent_invocation_id: null,
      branch: 0,
      trained_messages: 3,
      repeated_messages: 0,
    })
    expect(root?.['messages']).toEqual([
      { role: 'system', content: 'You have a REPL.', train: false },
      { role: 'user', content: 'q', train: false },
      { role: 'assistant', content: 'a', train: true },
      { role: 'user', content: 'result 0', train: false },
      { role: 'assistant', content: 'b', train: true },
      { role: 'user', content: 'result 1', train: false },
      { role: 'assistant', content: 'c', train: true },
    ])
    expect(child).toMatchObject({
      depth: 1,
      invocation_id: 'child',
      parent_invocation_id: 'root',
      parent_cell_id: 'cell-7',
      stop_reason: 'max_turns',
      trained_messages: 1,
    })
    const alone = await exported('sft-trajectories', content, { recipeOptions: { children: false } })
    expect(alone.rows.map((row) => row['invocation_id'])).toEqual(['root'])
  })

  test('begins a branch where a prompt does not extend the one before, and trains nothing twice', async () => {
    const content = rollouts([1, ['a', 'b', 'c']])
    const turns = content.trajectories[0]?.invocations[0]?.turns ?? []
    if (turns[2]) {
      // A compaction: the start and one response stay, the rest is a summary.
      turns[2].call.messages = [...turns[2].call.messages.slice(0, 3), { role: 'user', content: 'summary' }]
    }
    const { rows } = await exported('sft-trajectories', content)
    const trained = rows.map((row) =>
      (row['messages'] as { content: string; train: boolean }[])
        .filter(({ train }) => train)
        .map((one) => one.content),
    )
    expect(trained).toEqual([['a', 'b'], ['c']])
    expect(rows.map((row) => [row['branch'], row['first_turn'], row['repeated_messages']])).toEqual([
      [0, 0, 0],
      [1, 2, 1],
    ])
  })

  test('does not train what a fork took over, nor a turn whose call failed', async () => {
    const content = rollouts(
      [1, ['a', 'b', 'c'], { origin: { trajectoryId: 'x', turns: 2 } }],
      [1, ['a'], { origin: { trajectoryId: 'x', turns: 1 } }],
      [1, ['a', 'lost']],
    )
    const broken = content.trajectories[2]?.invocations[0]?.turns[1]
    if (broken) broken.call = makeCall({ error: { boundary: 'model', code: 'timeout', message: '' } })
    const { rows, result } = await exported('sft-trajectories', content)
    expect(rows.map((row) => [row['trained_messages'], row['repeated_messages']])).toEqual([
      [1, 2],
      [1, 0],
    ])
    expect(result.funnel.slice(-3)).toEqual([
      { step: 'left out: branches in which nothing is trained', trajectories: 1, rows: 1 },
      { step: 'left out: turns whose call failed', trajectories: 1, rows: 1 },
      { step: 'exported', trajectories: 2, rows: 2 },
    ])
  })
})

describe('preference', () => {
  test('pairs at the first turn that differs, with what both were shown as the prompt', async () => {
    const { rows } = await exported(
      'preference',
      rollouts([0.25, ['same', 'bad', 'x']], [1, ['same', 'good']]),
    )
    expect(rows).toHaveLength(1)
    const [row] = rows
    expect(texts(row?.['prompt'])).toEqual(['You have a REPL.', 'q', 'same', 'result 0'])
    expect(row).toMatchObject({
      chosen: [{ role: 'assistant', content: 'good' }],
      rejected: [{ role: 'assistant', content: 'bad' }],
      margin: 0.75,
      turn: 1,
      chosen_trajectory_id: 'run-1/task-0/1',
      rejected_trajectory_id: 'run-1/task-0/0',
    })
  })

  test('says why rollouts make no pair', async () => {
    const shown = makeTurns('q', ['same', 'other'])
    const message = shown[1]?.call.messages[3]
    if (message) shown[1]?.call.messages.splice(3, 1, { ...message, content: 'took 3 ms' })
    const content = rollouts(
      [1, ['same', 'good']],
      [null, ['z']],
      [1, ['w']],
      [0, ['same']],
      [0.5, ['same', 'good']],
    )
    content.trajectories.push(
      makeTrajectory('run-1', 'task-0', 5, { reward: 0.875, turns: shown }),
      makeTrajectory('run-1', 'task-0', 6, { reward: 0, turns: makeTurns('q', ['v'.repeat(500)]) }),
    )
    const { rows, result } = await exported('preference', content, {
      recipeOptions: { minMargin: 0.25, maxLengthRatio: 10, pairsPerTask: 2 },
    })
    expect(rows).toHaveLength(1)
    const steps = Object.fromEntries(result.funnel.map((step) => [step.step, step.rows]))
    // 6 scored rollouts make 15 pairs: each is a row or is counted once.
    expect(steps).toEqual({
      'in the runs': undefined,
      'status done': undefined,
      'left out: trajectories without a reward': 1,
      'left out: pairs of equal reward': 2,
      'left out: pairs with a margin below 0.25': 2,
      'left out: pairs of which one ends where the other goes on': 3,
      'left out: pairs that say the same': 1,
      'left out: pairs that were shown different things before they said different things': 1,
      'left out: pairs with a length ratio above 10': 4,
      'left out: pairs above 2 of a task, or the same as another': 1,
      exported: 1,
    })
  })

  test('takes the same texts once, and spreads a cap over the rollouts', async () => {
    const content = rollouts([1, ['a']], [1, ['a']], [1, ['b']], [0, ['c']], [0, ['d']])
    const all = await exported('preference', content)
    const pairs = all.rows.map((row) => [texts(row['chosen'])[0], texts(row['rejected'])[0]].join(' '))
    expect(pairs.toSorted()).toEqual(['a c', 'a d', 'b c', 'b d'])
    const two = await exported('preference', content, { recipeOptions: { pairsPerTask: 2 } })
    expect(
      new Set(two.rows.flatMap((row) => [...texts(row['chosen']), ...texts(row['rejected'])])).size,
    ).toBe(4)
  })

  test('pairs forks over pooled runs after the turns they share, never two tasks', async () => {
    const content = rollouts([0, ['p', 'q', 'left']])
    content.runs.push(makeRun('run-2'))
    content.tasks.push(makeTask('other'))
    content.trajectories.push(
      makeTrajectory('run-2', 'task-0', 0, {
        reward: 1,
        turns: makeTurns('q', ['p', 'q', 'right']),
        origin: { trajectoryId: 'run-1/task-0/0', turns: 2 },
      }),
      makeTrajectory('run-2', 'other', 0, { reward: 1, turns: makeTurns('q', ['p', 'else']) }),
    )
    const { rows, result } = await exported('preference', content)
    expect(
      rows.map((row) => [row['task_id'], row['turn'], row['chosen_run_id'], row['rejected_run_id']]),
    ).toEqual([['task-0', 2, 'run-2', 'run-1']])
    expect(texts(rows[0]?.['prompt']).slice(2)).toEqual(['p', 'result 0', 'q', 'result 1'])
    expect(result.funnel.at(-1)).toEqual({ step: 'exported', trajectories: 2, rows: 1 })
  })
})

test('kto labels each root turn by the reward of its trajectory, and leaves out what has none', async () => {
  const { rows, result } = await exported('kto', rollouts([0.75, ['a', 'b']], [0.7, ['c']], [null, ['d']]), {
    threshold: 0.75,
  })
  expect(rows.map((row) => [texts(row['completion'])[0], row['label'], row['threshold']])).toEqual([
    ['a', true, 0.75],
    ['b', true, 0.75],
    ['c', false, 0.75],
  ])
  expect(result.funnel).toContainEqual({
    step: 'left out: trajectories without a reward',
    trajectories: 1,
    rows: 1,
  })
})

test('process labels a turn by what its cells did', async () => {
  const failed = { error: { type: 'NameError', message: 'x', traceback: '' } }
  const cells = [
    [makeCell(), makeCell()],
    [makeCell(), makeCell(failed)],
    [makeCell({ death: { reason: 'killed', detail: '' } })],
    [],
    [],
  ]
  const turns = makeTurns('q', ['a', 'b', 'c', 'd', 'e']).map((turn, index) => ({
    ...turn,
    cells: cells[index] ?? [],
  }))
  const content = rollouts([1, []])
  content.trajectories = [
    makeTrajectory('run-1', 'task-0', 0, { turns }),
    makeTrajectory('run-1', 'task-0', 1, { turns, stopReason: 'max_turns' }),
  ]
  const { rows } = await exported('process', content)
  expect(rows.map((row) => row['labels'])).toEqual([
    [true, false, false, false, true],
    [true, false, false, false, false],
  ])
  expect(rows[0]).toMatchObject({
    prompt: 'You have a REPL.\n\nq',
    completions: ['a', 'b', 'c', 'd', 'e'],
    observations: ['result 0', 'result 1', 'result 2', 'result 3', ''],
  })
})

describe('rl-prompts', () => {
  function tasks(): Content {
    const content = makeContent(3, 2)
    content.tasks[1] = makeTask('task-1', {
      answer: { x: [1, null] },
      metadata: { ability: 'search' },
      context: 'é 😀',
    })
    content.tasks[2] = makeTask('task-2', { answer: null })
    for (const [index, trajectory] of content.trajectories.entries())
      trajectory.reward = index % 2 === 0 ? 1 : null
    content.runs = [makeRun('run-1', { config: { tasks: 'data/needles.v2.jsonl' } })]
    return content
  }

  test('has a row per task under the names of each trainer, the context beside it, and reads no tree', async () => {
    const content = tasks()
    const store = createMemoryStore(content)
    const { rows, directory } = await exported('rl-prompts', content, { store })
    expect(store.reads).toEqual([])
    expect(rows).toHaveLength(3)
    expect(rows[1]).toMatchObject({
      prompt: [{ role: 'user', content: 'What is task-1?' }],
      data_source: 'needles.v2',
      ability: 'search',
      reward_model: { style: 'rule', ground_truth: '{"x":[1,null]}' },
      reward_spec: { method: 'rule', ground_truth: '{"x":[1,null]}' },
      answer: '{"x":[1,null]}',
      rollouts: 2,
      mean_reward: 1,
      pass_rate: 1,
      info: { root_prompt: 'What is task-1?', context: null },
      extra_info: { split: 'train', index: 1, task_id: 'task-1', metadata: '{"ability":"search"}' },
    })
    expect(rows[2]).toMatchObject({ answer: null, reward_model: { style: 'rule', ground_truth: null } })
    const path = String((rows[1]?.['info'] as Record<string, unknown> | undefined)?.['context_path'])
    expect(await readFile(join(directory, path), 'utf8')).toBe('é 😀')
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as {
      contexts: { path: string; bytes: number }[]
    }
    expect(manifest.contexts.map((file) => file.path).toSorted()).toEqual(
      (await readdir(join(directory, 'contexts'))).map((name) => `contexts/${name}`).toSorted(),
    )
    // Another export in the same place takes the contexts of this one away.
    await exported('sft-turns', content, { directory })
    expect((await readdir(directory)).toSorted()).toEqual(['README.md', 'card', 'data', 'manifest.json'])
  })

  test('has the context inside when asked, and nothing of it when not wanted', async () => {
    const inline = await exported('rl-prompts', tasks(), { recipeOptions: { contexts: 'inline' } })
    expect(inline.rows[1]?.['info']).toMatchObject({ context: 'é 😀', context_path: null })
    const none = await exported('rl-prompts', tasks(), { recipeOptions: { contexts: 'none' } })
    expect(none.rows[1]?.['info']).toMatchObject({ context: null, context_path: null })
    expect(await readdir(none.directory)).not.toContain('contexts')
  })

  test('has a task of two runs once', async () => {
    const content = tasks()
    content.runs.push(makeRun('run-2'))
    content.trajectories.push(makeTrajectory('run-2', 'task-0', 0, { reward: 0 }))
    const { rows } = await exported('rl-prompts', content)
    expect(rows.map((row) => [row['task_id'], row['rollouts'], row['mean_reward']])).toEqual([
      ['task-0', 3, 0.5],
      ['task-1', 2, 1],
      ['task-2', 2, 1],
    ])
  })
})

test('an option that a recipe does not take is refused with those it takes', async () => {
  const attempt = exported('kto', makeContent(1, 1), { recipeOptions: { minMargin: 1 } })
  await expect(attempt).rejects.toThrow(/Recipe kto has no option minMargin: it takes maxPromptCharacters/)
  const wrong = exported('preference', makeContent(1, 1), { recipeOptions: { maxLengthRatio: 0.5 } })
  await expect(wrong).rejects.toThrow(/Recipe option maxLengthRatio/)
})
