// Against the sample data beside the project, where it is: the official rows, and the golds that came
// with the windows, found again from the labels of the texts they were made of.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkTaskset } from '../../api/check-tasks.ts'
import { findPairs } from '../../src/tasks/generators/pair-conditions.ts'
import type { PairSpec, Requirement } from '../../src/tasks/generators/pair-conditions.ts'
import { openTaskset } from '../../src/tasks/index.ts'
import { sampleData } from './support/sample-data.ts'

const isHere = existsSync(sampleData)
const why = isHere ? '' : ' (skipped: the sample data is not here)'

async function expectSound(taskset: string, options: Record<string, unknown>, tasks: number): Promise<void> {
  const check = await checkTaskset(openTaskset({ taskset, options }, sampleData), {
    examples: 0,
    otherwise: { name: 'auto' },
  })
  expect(check.problems.examples).toEqual([])
  expect(check).toMatchObject({ ok: true, tasks })
}

describe.skipIf(!isHere)(`the sample data${why}`, () => {
  test.each([
    ['spam-1024', 36],
    ['spam-4096', 38],
    ['trec_coarse-1024', 50],
    ['trec_coarse-4096', 50],
  ])('OOLONG-compatible questions %s are sound by both scorers', async (name, tasks) => {
    for (const scorer of ['oolong', 'oolong_training']) {
      const file = (kind: string) => `oolong_compat/${name}.${kind}.jsonl`
      const options = { path: file('questions'), windows: file('windows'), minContextLength: 0, scorer }
      await expectSound('oolong-synth', options, tasks)
    }
  })

  test.each([1024, 4096])('OOLONG-Pairs over %d', async (length) => {
    const file = (kind: string) => `oolong_compat/trec_coarse-${length}.${kind}.jsonl`
    await expectSound('oolong-pairs', { path: file('pairs'), windows: file('windows') }, 40)
  })

  test('CodeQA', async () => {
    await expectSound('longbench-v2', { path: 'longbench_v2/codeqa_small5.jsonl', subset: 'codeqa' }, 5)
  })

  test.each([
    ['trec/train_5500.label', 6],
    ['sms/SMSSpamCollection.tsv', 2],
  ])('labels, timeline and pairs over %s at three lengths', async (file) => {
    for (const characters of [6000, 40_000, 200_000]) {
      const options = { path: file, characters, count: 12 }
      await expectSound('labels', options, 12)
      await expectSound('timeline', options, 12)
      await expectSound('pairs', { ...options, users: 14 }, 12)
    }
  })

  test('the golds of OOLONG-Pairs are those that our conditions give over the TREC labels', async () => {
    const labels = await trecLabels()
    let compared = 0
    for (const length of [1024, 4096]) {
      const windows = await readRows(`oolong_compat/trec_coarse-${length}.windows.jsonl`)
      for (const row of await readRows(`oolong_compat/trec_coarse-${length}.pairs.jsonl`)) {
        const window = windows.find(
          (candidate) => candidate['context_window_id'] === row['context_window_id'],
        )
        const lines = linesOf(String(window?.['context_window_text']), labels)
        if (!lines) continue
        expect([row['id'], findPairs(lines, specOf(row['spec']))]).toEqual([row['id'], row['answer']])
        compared += 1
      }
    }
    expect(compared).toBeGreaterThanOrEqual(20)
  })
})

async function readRows(file: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path.join(sampleData, file), 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

const names: Record<string, string> = {
  ABBR: 'abbreviation',
  DESC: 'description and abstract concept',
  ENTY: 'entity',
  HUM: 'human being',
  LOC: 'location',
  NUM: 'numeric value',
}

async function trecLabels(): Promise<Map<string, Set<string>>> {
  const labels = new Map<string, Set<string>>()
  for (const file of ['trec/train_5500.label', 'trec/TREC_10.label']) {
    const text = new TextDecoder('latin1').decode(await readFile(path.join(sampleData, file)))
    for (const line of text.split(/\r?\n/)) {
      const found = /^([A-Z]+):\w+ (.*)$/.exec(line)
      if (!found) continue
      const question = (found[2] ?? '').trim()
      labels.set(question, (labels.get(question) ?? new Set()).add(names[found[1] ?? ''] ?? ''))
    }
  }
  return labels
}

/** Null for a window with a question whose label is not certain. */
function linesOf(window: string, labels: Map<string, Set<string>>) {
  const lines: { user: number; label: string; day: number }[] = []
  for (const [, date = '', user, text = ''] of window.matchAll(
    /^Date: (.*?) \|\| User: (\d+) \|\| Instance: (.*)$/gm,
  )) {
    const [label, ...others] = labels.get(text.trim()) ?? []
    if (label === undefined || others.length > 0) return null
    lines.push({ user: Number(user), label, day: Date.parse(`${date} UTC`) / 86_400_000 })
  }
  return lines
}

type Side = [string, number | string][]

function specOf(spec: unknown): PairSpec {
  const [kind, first, second] = spec as [string, unknown, unknown]
  if (kind === 'ab')
    return { kind: 'each', first: requirements(first as Side), second: requirements(second as Side) }
  const dated = second as [string, 'before' | 'after', number, number, number] | undefined
  return {
    kind: 'both',
    anyOf: first as string[],
    least: 1,
    dated: dated
      ? { label: dated[0], side: dated[1], day: Date.UTC(dated[2], dated[3] - 1, dated[4]) / 86_400_000 }
      : null,
  }
}

function requirements(side: Side): Requirement[] {
  return side.map(([label, amount]) => ({
    label,
    exactly: typeof amount === 'string',
    count: Number(String(amount).replace('=', '')),
  }))
}
