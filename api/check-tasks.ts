// The proof of a taskset without a model: each task's gold answer scores 1 under its reward, an empty
// and a wrong answer score below 1, ids are unique, contexts are not empty.
import { readFile, stat } from 'node:fs/promises'
import { bindReward } from '../rewards/index.ts'
import { scoreTrajectory } from '../rewards/score.ts'
import type { BoundReward, RewardEntry } from '../src/reward.ts'
import { contextFacts } from '../src/tasks/context.ts'
import { sampleAnswers } from '../src/tasks/gold.ts'
import type { SkippedRows, Task, Taskset } from '../src/tasks/task.ts'
import type { Trajectory } from '../src/trajectory.ts'

export interface TaskExample {
  id: string
  prompt: string
  context: string
  contextType: string
  characters: number
  answer: unknown
  reward: string
  goldText: string
}

export interface TaskCheck {
  taskset: string
  ok: boolean
  tasks: number
  /** Tasks with a gold answer, which could be scored. */
  scored: number
  /** Tasks whose gold is the empty set: an empty answer is right there, and is not held against them. */
  emptyGolds: number
  characters: { least: number; median: number; most: number; total: number }
  rewards: Record<string, number>
  difficulties: Record<string, number>
  contextTypes: Record<string, number>
  skipped: SkippedRows
  problems: { count: number; examples: string[] }
  examples: TaskExample[]
}

export interface CheckOptions {
  /** No more tasks than this. */
  limit?: number
  /** How many tasks to show. */
  examples: number
  /** For tasks that name no reward in their metadata. */
  otherwise: RewardEntry
}

const shownProblems = 20
const shownCharacters = 600

/** Errors raised: as the taskset's; UsageError for a reward that does not exist. */
export async function checkTaskset(taskset: Taskset, options: CheckOptions): Promise<TaskCheck> {
  const ids = new Set<string>()
  const sizes: number[] = []
  const rewards: Record<string, number> = {}
  const difficulties: Record<string, number> = {}
  const contextTypes: Record<string, number> = {}
  const examples: TaskExample[] = []
  const problems: TaskCheck['problems'] = { count: 0, examples: [] }
  const bound = new Map<string, BoundReward>()
  let scored = 0
  let emptyGolds = 0
  function complain(task: Task, what: string): void {
    problems.count += 1
    if (problems.examples.length < shownProblems) problems.examples.push(`${task.id}: ${what}`)
  }
  for await (const task of taskset.tasks()) {
    if (ids.has(task.id)) complain(task, 'its id is not unique')
    ids.add(task.id)
    const { characters, type, opening } = await readContext(task)
    if (characters === 0) complain(task, 'its context is empty')
    sizes.push(characters)
    count(contextTypes, type)
    if (typeof task.metadata['difficulty'] === 'string') count(difficulties, task.metadata['difficulty'])
    const entry = rewardOf(task, options.otherwise)
    count(rewards, entry.name)
    if (task.answer === null) complain(task, 'it has no gold answer')
    else {
      scored += 1
      if (isEmptySet(task)) emptyGolds += 1
      const key = JSON.stringify(entry)
      const reward = bound.get(key) ?? bindReward(entry)
      bound.set(key, reward)
      for (const problem of await checkScores(task, entry, reward)) complain(task, problem)
    }
    if (examples.length < options.examples) {
      const goldText = task.answer === null ? '' : sampleAnswers(task, entry.name).gold
      examples.push({
        id: task.id,
        prompt: task.prompt,
        context: opening,
        contextType: type,
        characters,
        answer: task.answer,
        reward: entry.name,
        goldText,
      })
    }
    if (ids.size === options.limit) break
  }
  const sorted = sizes.toSorted((a, b) => a - b)
  return {
    taskset: taskset.name,
    ok: problems.count === 0,
    tasks: sizes.length,
    scored,
    emptyGolds,
    characters: {
      least: sorted[0] ?? 0,
      median: sorted[Math.floor(sorted.length / 2)] ?? 0,
      most: sorted.at(-1) ?? 0,
      total: sizes.reduce((sum, size) => sum + size, 0),
    },
    rewards,
    difficulties,
    contextTypes,
    skipped: taskset.skipped?.() ?? { count: 0, examples: [] },
    problems,
    examples,
  }
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

function rewardOf(task: Task, otherwise: RewardEntry): RewardEntry {
  const named = task.metadata['reward']
  if (typeof named === 'string') return { name: named }
  if (typeof named === 'object' && named !== null && !Array.isArray(named)) {
    const { name, options } = named
    if (typeof name === 'string') return { name, options }
  }
  return otherwise
}

async function checkScores(task: Task, entry: RewardEntry, reward: BoundReward): Promise<string[]> {
  const { gold, wrong } = sampleAnswers(task, entry.name)
  const problems: string[] = []
  const cases = [
    ['the gold answer', gold],
    ['an empty answer', ''],
    ['a wrong answer', wrong],
  ] as const
  for (const [what, text] of cases) {
    if (text === '' && isEmptySet(task)) continue
    const [row] = await scoreTrajectory([{ bound: reward, weight: 1 }], task, answered(text))
    const value = row?.value ?? null
    const wantsOne = text === gold
    if (value !== null && (wantsOne ? Math.abs(value - 1) < 1e-9 : value < 1)) continue
    const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text
    const got = value === null ? `the error "${row?.error?.message}"` : String(value)
    problems.push(
      `${what} ${JSON.stringify(shown)} gets ${got} from ${entry.name}, not ${wantsOne ? '1' : 'less than 1'}`,
    )
  }
  return problems
}

function isEmptySet({ answer }: Task): boolean {
  return Array.isArray(answer) && answer.length === 0
}

/** A trajectory of nothing but an answer: what a reward that looks at answers needs. */
function answered(answer: string): Trajectory {
  return {
    id: 'check',
    runId: 'check',
    taskId: 'check',
    rollout: 0,
    status: 'done',
    stopReason: 'answered',
    answer,
    usage: { inputTokens: 0, outputTokens: 0, calls: 0, costUsd: null },
    scores: [],
    reward: null,
    scripted: true,
    error: null,
    startedAt: null,
    endedAt: null,
    schemaVersion: 1,
    sandbox: null,
    protocol: { id: 'direct', hash: '' },
    seed: 0,
    attempt: 1,
    divergence: null,
    origin: null,
    invocations: [],
    lostCalls: [],
  }
}

async function readContext(task: Task): Promise<{ characters: number; type: string; opening: string }> {
  const { context } = task
  if (context.kind === 'text') {
    return { ...contextFacts(context.text), opening: context.text.slice(0, shownCharacters) }
  }
  if (context.kind === 'json') {
    return { ...contextFacts(context.value), opening: beginning(context.value) }
  }
  if (context.kind === 'several') {
    const parts = await Promise.all(
      context.contexts.map(async (part) => await readContext({ ...task, context: part })),
    )
    const characters = parts.reduce((sum, part) => sum + part.characters, 0)
    return { characters, type: parts.map(({ type }) => type).join(', '), opening: parts[0]?.opening ?? '' }
  }
  if (context.format === 'json') {
    const value = JSON.parse(await readFile(context.path, 'utf8')) as unknown
    return { ...contextFacts(value), opening: beginning(value) }
  }
  // Of a text the bytes say enough, and it may be too long to be read for that.
  const { size } = await stat(context.path)
  return { characters: size, type: 'str', opening: `(the file ${context.path})` }
}

/** The first part of a list or an object, without writing all of it. */
function beginning(value: unknown): string {
  const isList = Array.isArray(value)
  const parts: string[] = []
  for (const [key, item] of Object.entries(value as Record<string, unknown>).slice(0, 5)) {
    const text = typeof item === 'string' ? item : JSON.stringify(item)
    const short = text.length > 200 ? `${text.slice(0, 200)}…` : text
    parts.push(isList ? JSON.stringify(short) : `${JSON.stringify(key)}: ${JSON.stringify(short)}`)
  }
  return parts.join(', ').slice(0, shownCharacters)
}
