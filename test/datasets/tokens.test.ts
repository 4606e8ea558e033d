// The token recipes: whose ids, which of them are trained, and that samples extend each other.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { groupMethods } from '../../rewards/credit/group.ts'
import { loadChatTokenizer } from '../../src/datasets/chat-tokenizer.ts'
import { exportDataset, type ExportOptions } from '../../src/datasets/index.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { makeCell, makeContent, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { type ReadRow, readRows, temporaryDirectory } from './reading.ts'
import { closing, idsOf, opening, promptIds, type StoredTokens, withEngineTokens } from './token-fixtures.ts'
import { endOfText, forgetful, writeTokenizer } from './tokenizer.ts'

async function exported(
  recipe: string,
  trajectories: Trajectory[],
  changes: Partial<ExportOptions> & { tokens?: StoredTokens } = {},
) {
  const { tokens, ...options } = changes
  const directory = join(await temporaryDirectory(), 'set')
  const store = createMemoryStore({ ...makeContent(1, 0), trajectories, ...(tokens ? { tokens } : {}) })
  const result = await exportDataset({
    store,
    runIds: ['run-1'],
    recipe,
    evalFraction: 0,
    ...options,
    directory,
  })
  return { result, rows: await readRows(join(directory, 'data/train-00000-of-00001.parquet')), directory }
}

function rollout(number: number, replies: string[], changes: Partial<Trajectory> = {}): Trajectory {
  return makeTrajectory('run-1', 'task-0', number, { turns: makeTurns('q', replies), ...changes })
}

async function tokenizerDirectory(template?: string): Promise<string> {
  const directory = join(await temporaryDirectory(), 'tiny-tokenizer')
  await writeTokenizer(directory, template)
  return directory
}

function numbers(row: ReadRow | undefined, column: string): number[] {
  return Array.from(row?.[column] as ArrayLike<number>)
}

/** The trained ids in one list, whatever lies between. */
function trainedIds(row: ReadRow | undefined, ids = 'input_ids', mask = 'loss_mask'): number[] {
  const bits = numbers(row, mask)
  return numbers(row, ids).filter((_, index) => bits[index] === 1)
}

function texts(turns: Trajectory['invocations'][number]['turns']): string[] {
  return turns.map(({ call }) => call.response.text ?? '')
}

describe('sft-tokens', () => {
  test('takes the ids of the engine, and trains what was sampled and nothing else', async () => {
    const one = rollout(0, ['look 😀', 'done'])
    const { rows } = await exported('sft-tokens', [one], { tokens: withEngineTokens([one]) })
    expect(rows).toHaveLength(1)
    const [row] = rows
    const turns = one.invocations[0]?.turns ?? []
    const whole = [...promptIds(turns[1]?.call.messages ?? []), ...idsOf('done'), closing]
    expect(numbers(row, 'input_ids')).toEqual(whole)
    expect(trainedIds(row)).toEqual([...idsOf('look 😀'), closing, ...idsOf('done'), closing])
    expect(numbers(row, 'labels')).toEqual(
      whole.map((id, index) => (numbers(row, 'loss_mask')[index] === 1 ? id : -100)),
    )
    expect(numbers(row, 'attention_mask')).toEqual(whole.map(() => 1))
    expect(row).toMatchObject({
      token_source: 'engine',
      tokenizer: null,
      tokens: whole.length,
      trained_tokens: 12,
      turn: 1,
    })
  })

  test('says so when the ids are of a tokenizer, which ends each response where the model would', async () => {
    const place = await tokenizerDirectory()
    const replies = ['```repl\nprint(1)\n```', ' then 日本 😀', '']
    const { rows, directory } = await exported('sft-tokens', [rollout(0, replies)], {
      recipeOptions: { tokenizer: place },
    })
    const tokenizer = await loadChatTokenizer(place)
    const [row] = rows
    expect(row).toMatchObject({
      token_source: 'tokenizer',
      tokenizer: 'tiny-tokenizer',
      tokenizer_hash: tokenizer.hash,
    })
    const text = tokenizer.decode(numbers(row, 'input_ids'))
    expect(text).toMatch(
      /^<\|im_start\|>system\nYou have a REPL\.<\|im_end\|>\n<\|im_start\|>user\nq<\|im_end\|>\n/,
    )
    expect(text).toMatch(/<\|im_end\|>\n<\|im_start\|>assistant\n<\|im_end\|>$/)
    expect(tokenizer.decode(trainedIds(row))).toBe(replies.map((reply) => reply + endOfText).join(''))
    // Where the tokenizer lies is nobody's business.
    const manifest = await readFile(join(directory, 'manifest.json'), 'utf8')
    expect(manifest).not.toContain(place)
    expect(JSON.parse(manifest)).toMatchObject({
      options: { recipe: { tokenizer: 'tiny-tokenizer' } },
      tokenizer: { name: 'tiny-tokenizer', hash: tokenizer.hash },
    })
  })

  test('the engine wins over a tokenizer, invocation by invocation', async () => {
    const [first, second] = [rollout(0, ['a']), rollout(1, ['b'])]
    const { rows } = await exported('sft-tokens', [first, second], {
      tokens: withEngineTokens([first]),
      recipeOptions: { tokenizer: await tokenizerDirectory() },
    })
    expect(rows.map((row) => row['token_source'])).toEqual(['engine', 'tokenizer'])
  })

  test.each(['engine', 'tokenizer'])(
    'the prompt of a sample begins with prompt and completion of the one before (%s)',
    async (source) => {
      const replies = ['one', 'two ``` the', 'three\n', 'four 😀']
      const list = [0, 1].map((number) => rollout(number, replies))
      const { rows } = await exported('sft-tokens', list, {
        ...(source === 'engine' ? { tokens: withEngineTokens(list) } : {}),
        recipeOptions: {
          per: 'turn',
          ...(source === 'tokenizer' ? { tokenizer: await tokenizerDirectory() } : {}),
        },
      })
      expect(rows).toHaveLength(8)
      for (const part of [rows.slice(0, 4), rows.slice(4)]) {
        for (const [index, row] of part.entries()) {
          expect(row).toMatchObject({ turn: index, token_source: source })
          const next = part[index + 1]
          if (!next) continue
          const whole = numbers(row, 'input_ids')
          expect(numbers(next, 'input_ids').slice(0, whole.length)).toEqual(whole)
          // What is trained in the next sample lies after all of this one.
          expect(numbers(next, 'loss_mask').slice(0, whole.length).includes(1)).toBe(false)
        }
      }
    },
  )

  test.each(['engine', 'tokenizer'])('begins a branch where history was rewritten (%s)', async (source) => {
    const one = rollout(0, ['<think>x</think>a', '<think>y</think>b', 'c'])
    const turns = one.invocations[0]?.turns ?? []
    if (source === 'engine' && turns[1] && turns[2]) {
      turns[2].call.messages = [...turns[2].call.messages.slice(0, 1), { role: 'user', content: 'summary' }]
    }
    const { rows } = await exported('sft-tokens', [one], {
      ...(source === 'engine' ? { tokens: withEngineTokens([one]) } : {}),
      recipeOptions: source === 'tokenizer' ? { tokenizer: await tokenizerDirectory(forgetful) } : {},
    })
    const branches = source === 'engine' ? [0, 1] : [0, 1, 2]
    expect(rows.map((row) => row['branch'])).toEqual(branches)
    const trained = rows.map((row) => Number(row['trained_tokens']))
    const lengths = texts(turns).map((text) => text.length + 1)
    expect(trained.every((count) => count > 1)).toBe(true)
    // An id a character, and one for the end: each response once.
    const sum = (list: number[]) => list.reduce((total, length) => total + length, 0)
    expect(source === 'engine' ? sum(trained) : sum(lengths)).toBe(sum(lengths))
  })

  test('does not make up the end of a response that a limit cut off', async () => {
    const place = await tokenizerDirectory()
    const one = rollout(0, ['cut off', 'whole'])
    const call = one.invocations[0]?.turns[0]?.call
    if (call) call.response.finishReason = 'length'
    const { rows } = await exported('sft-tokens', [one], { recipeOptions: { tokenizer: place } })
    const tokenizer = await loadChatTokenizer(place)
    expect(tokenizer.decode(trainedIds(rows[0]))).toBe(`cut offwhole${endOfText}`)
  })

  test('leaves out, and counts, what it cannot make or what is too long', async () => {
    const list = [rollout(0, ['a']), rollout(1, ['b'.repeat(500)])]
    const { result } = await exported('sft-tokens', list, {
      tokens: withEngineTokens(list),
      recipeOptions: { maxTokens: 200 },
    })
    expect(result.funnel).toContainEqual({
      step: 'left out: sequences of more than 200 tokens',
      trajectories: 1,
      rows: 1,
    })
    await expect(exported('sft-tokens', list)).rejects.toThrow(/without token ids .* name a tokenizer 2/)
    await expect(
      exported('sft-tokens', list, { recipeOptions: { tokenizer: join(await temporaryDirectory(), 'no') } }),
    ).rejects.toThrow(/is not a directory.*tokenizer\.json.*nothing is downloaded/)
    await expect(
      exported('sft-tokens', list, { recipeOptions: { tokenizer: await temporaryDirectory() } }),
    ).rejects.toThrow(/has no tokenizer\.json/)
    await expect(
      exported('sft-tokens', list, {
        recipeOptions: { tokenizer: await tokenizerDirectory('{% if %}') },
      }),
    ).rejects.toThrow(/the chat template of .* cannot be used/)
  })
})

describe('rl-rollouts', () => {
  test('has what was sampled, how likely it was and what it was worth, group by group', async () => {
    const list = [1, 0, null].map((reward, number) => rollout(number, ['a', 'bc'], { reward }))
    for (const { invocations } of list)
      for (const { call } of invocations[0]?.turns ?? []) call.sampling = { temperature: 0.7 }
    const tokens = withEngineTokens(list, { versions: ['step-9', 'step-10'], logprob: (index) => -1 - index })
    const { rows } = await exported('rl-rollouts', list, { tokens })
    expect(rows.map((row) => [row['rollout'], row['advantage'], row['group_size']])).toEqual([
      [0, 0.5, 3],
      [1, -0.5, 3],
      [2, null, 3],
    ])
    const [first, , third] = rows
    const mask = numbers(first, 'mask')
    expect(trainedIds(first, 'token_ids', 'mask')).toEqual([97, closing, 98, 99, closing])
    expect(numbers(first, 'logprobs').filter((_, index) => mask[index])).toEqual([-1, -2, -1, -2, -3])
    expect(
      numbers(first, 'logprobs')
        .filter((_, index) => !mask[index])
        .every((value) => value === 0),
    ).toBe(true)
    expect(numbers(first, 'advantages')).toEqual(mask.map((bit) => bit * 0.5))
    expect(numbers(first, 'temperatures')).toEqual(mask.map((bit) => Math.fround(bit * 0.7)))
    expect(third?.['advantages'] ?? null).toBeNull()
    expect(first).toMatchObject({
      policy_version: 'step-9',
      policy_versions: ['step-9', 'step-10'],
      group_id: 'run-1/task-0',
      loss_weight: 1,
      depth: 0,
      siblings: 1,
      parent_invocation_id: null,
      truncated: false,
    })
    const length = Number(first?.['prompt_length'])
    expect(numbers(first, 'token_ids').slice(0, length)).toEqual(
      promptIds(list[0]?.invocations[0]?.turns[0]?.call.messages ?? []),
    )
    expect(numbers(first, 'token_ids')[length - 1]).toBe(opening)
  })

  test('children have parent, depth and their share of the loss; shared tokens are trained once', async () => {
    const root = { depth: 0, stopReason: 'answered', answer: '' } as const
    const one = makeTrajectory('run-1', 'task-0', 0, {
      invocations: [
        {
          ...root,
          id: 'root',
          parentCellId: null,
          turns: makeTurns('q', ['a', 'b', 'c'], [makeCell({ id: 'cell-1' })]),
        },
        ...['left', 'right'].map((id) => ({
          ...root,
          id,
          depth: 1,
          parentCellId: 'cell-1',
          turns: makeTurns(id, ['d']),
        })),
      ],
    })
    const turns = one.invocations[0]?.turns ?? []
    if (turns[2])
      turns[2].call.messages = [...turns[2].call.messages.slice(0, 3), { role: 'user', content: 's' }]
    const tokens = withEngineTokens([one, rollout(1, ['x'], { reward: 0 })])
    const { rows } = await exported('rl-rollouts', [one, rollout(1, ['x'], { reward: 0 })], { tokens })
    expect(
      rows
        .slice(0, 4)
        .map((row) => [row['invocation_id'], row['branch'], row['branches'], row['loss_weight']]),
    ).toEqual([
      ['root', 0, 2, 1],
      ['root', 1, 2, 1],
      ['left', 0, 1, 0.5],
      ['right', 0, 1, 0.5],
    ])
    expect(rows[3]).toMatchObject({
      depth: 1,
      parent_invocation_id: 'root',
      parent_cell_id: 'cell-1',
      siblings: 2,
      sibling: 1,
    })
    expect(Math.max(...numbers(rows[3], 'advantages'))).toBe(0.25)
    expect(rows.slice(0, 2).map((row) => trainedIds(row, 'token_ids', 'mask'))).toEqual([
      [97, closing, 98, closing],
      [99, closing],
    ])
    // The response `a` stands in the second branch too, but only as its prompt.
    expect(numbers(rows[1], 'token_ids')).toContain(97)
  })

  test('leaves out stale policies, and tokens without a logprob unless asked', async () => {
    const list = [rollout(0, ['a', 'b'])]
    const tokens = withEngineTokens(list, { versions: ['step-10', 'step-12'] })
    const fresh = { tokens, recipeOptions: { currentPolicy: 18, maxStaleness: 8 } }
    expect((await exported('rl-rollouts', list, fresh)).rows).toHaveLength(1)
    const stale = { tokens, recipeOptions: { currentPolicy: 19, maxStaleness: 8 } }
    await expect(exported('rl-rollouts', list, stale)).rejects.toThrow(/more than 8 versions old 1/)
    const holes = withEngineTokens(list, { logprob: (index) => (index === 1 ? Number.NaN : -1) })
    await expect(exported('rl-rollouts', list, { tokens: holes })).rejects.toThrow(/has no logprob 1/)
    const kept = await exported('rl-rollouts', list, {
      tokens: holes,
      recipeOptions: { missingLogprobs: 'null' },
    })
    expect(kept.rows[0]?.['logprobs'] ?? null).toBeNull()
    await expect(exported('rl-rollouts', list)).rejects.toThrow(/without token ids of the engine 1/)
  })

  test('takes any credit method that it is given, and lists them for a wrong name', async () => {
    const list = [3, 1].map((reward, number) => rollout(number, ['a'], { reward }))
    const options = { tokens: withEngineTokens(list), creditMethods: [...groupMethods] }
    const { rows } = await exported('rl-rollouts', list, { ...options, recipeOptions: { advantage: 'rloo' } })
    expect(rows.map((row) => row['advantage'])).toEqual([2, -2])
    await expect(
      exported('rl-rollouts', list, { ...options, recipeOptions: { advantage: 'ppo' } }),
    ).rejects.toThrow(/no method "ppo".*grpo, grpo_centered/)
  })
})
