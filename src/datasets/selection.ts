// Which trajectories go in, in which order, and how many each condition left: the funnel. Goes through
// the runs group by group and holds a few words per selected trajectory; the trees stay in the store, but
// for conditions that only a tree can answer.
import type { Store, StoredRun } from '../store/contract.ts'
import type { StopReason, TrajectoryStatus } from '../trajectory.ts'
import { capTasksets } from './balance.ts'
import { type Choice, choose, chooseDiverse } from './choice.ts'
import { responsesOf } from './recipes/shapes.ts'
import {
  factsOf,
  groupFacts,
  type SelectionRow,
  type StoredTask,
  taskFacts,
  tasksetOf,
  treeFacts,
} from './selection-facts.ts'
import type { GroupFacts } from './where/facts.ts'
import type { Condition } from './where/parse.ts'

export interface FunnelStep {
  step: string
  trajectories: number
  rows?: number
  /** Of cleaning: root turns that are left. */
  turns?: number
}

export interface Criteria {
  statuses: TrajectoryStatus[]
  /** Trajectories without a reward do not reach any minimum. */
  minReward?: number | undefined
  onlyAnswered?: boolean | undefined
  /** Leaves out those with one turn in the whole tree; those with one turn of the root need the tree. */
  dropSingleTurn?: boolean | undefined
  /** The reward from which a trajectory counts as correct. */
  threshold: number
  where: Condition[]
  /** What is kept of each task. */
  choice: Choice
  maxPerTask?: number | undefined
  /** The most of each taskset; `balance` takes as many of each as the smallest has. */
  maxPerTaskset?: number | undefined
  balance?: boolean | undefined
  seed?: number | undefined
  /** Leaves out tasks whose metadata says `sensitive: true`. */
  withoutSensitive?: boolean | undefined
}

export interface Selected {
  id: string
  run: StoredRun
  taskId: string
  taskHash: string
  /** Hash of the task's context: what tasks about one document share. */
  document: string
  rollout: number
  reward: number | null
  turns: number
  /** Sent and received, over the whole tree. */
  tokens: number
  costUsd: number | null
  stopReason: StopReason | null
  scripted: boolean
}

/** In the order of the runs given, then of each run's tasks, then of rollouts. */
export async function selectTrajectories(
  store: Store,
  runs: StoredRun[],
  criteria: Criteria,
  signal?: AbortSignal,
): Promise<{ selected: Selected[]; funnel: FunnelStep[] }> {
  const conditions = conditionsOf(criteria)
  const needsTask = conditions.some(({ needs }) => needs?.has('task'))
  const counts = conditions.map(() => 0)
  const tasksets = new Map<string, string>()
  let all = 0
  let sensitive = 0
  const selected: Selected[] = []
  for (const run of runs) {
    for await (const group of groupsOf(store, run, signal)) {
      all += group.length
      const [{ taskId } = { taskId: '' }] = group
      let task = needsTask ? await store.readTask(run.id, taskId) : null
      const together = groupFacts(group, criteria.threshold)
      const left: SelectionRow[] = []
      for (const row of group) {
        signal?.throwIfAborted()
        if (await passes(store, row, run, { group: together, task }, conditions, counts)) left.push(row)
      }
      if (left.length === 0) continue
      task ??= await store.readTask(run.id, taskId)
      if (criteria.withoutSensitive && task.metadata['sensitive'] === true) {
        sensitive += left.length
        continue
      }
      tasksets.set(task.hash, tasksetOf(task, run) ?? '')
      for (const row of left.toSorted((a, b) => a.rollout - b.rollout))
        selected.push(selectedOf(row, run, task.hash, task.contextHash))
    }
  }
  const funnel: FunnelStep[] = [
    { step: 'in the runs', trajectories: all },
    ...conditions.map(({ text }, index) => ({ step: text, trajectories: counts[index] ?? 0 })),
  ]
  if (sensitive > 0) funnel.push({ step: 'task not marked sensitive', trajectories: selected.length })
  const chosen = await choosePerTask(store, selected, criteria, funnel, signal)
  return { selected: capPerTaskset(chosen, criteria, tasksets, funnel), funnel }
}

function conditionsOf(criteria: Criteria): Condition[] {
  const { statuses, minReward, onlyAnswered, dropSingleTurn, where } = criteria
  const conditions: Condition[] = [
    { text: `status ${statuses.join(' or ')}`, matches: ({ status }) => statuses.includes(status) },
  ]
  if (onlyAnswered) {
    conditions.push({ text: 'stop reason answered', matches: ({ stopReason }) => stopReason === 'answered' })
  }
  if (minReward !== undefined) {
    conditions.push({
      text: `reward of ${minReward} or more`,
      matches: ({ reward }) => reward !== null && reward >= minReward,
    })
  }
  if (dropSingleTurn) conditions.push({ text: 'more than one turn', matches: ({ turns }) => turns > 1 })
  return [...conditions, ...where]
}

async function passes(
  store: Store,
  row: SelectionRow,
  run: StoredRun,
  { group, task }: { group: GroupFacts; task: StoredTask | null },
  conditions: Condition[],
  counts: number[],
): Promise<boolean> {
  const facts = factsOf(row, run, group)
  if (task) facts.taskFacts = taskFacts(task, run)
  for (const [index, condition] of conditions.entries()) {
    if (condition.needs?.has('tree')) facts.tree ??= treeFacts(await store.readTrajectory(row.id))
    if (!condition.matches(facts)) return false
    counts[index] = (counts[index] ?? 0) + 1
  }
  return true
}

/** The rollouts of one task after the other: the store lists a run in the order of its tasks. */
async function* groupsOf(store: Store, run: StoredRun, signal?: AbortSignal): AsyncGenerator<SelectionRow[]> {
  let group: SelectionRow[] = []
  for await (const row of rowsOf(store, run.id, signal)) {
    if (group.length > 0 && group[0]?.taskId !== row.taskId) {
      yield group
      group = []
    }
    group.push(row)
  }
  if (group.length > 0) yield group
}

async function* rowsOf(store: Store, runId: string, signal?: AbortSignal): AsyncGenerator<SelectionRow> {
  let cursor: string | null = null
  let figuresCursor: string | null = null
  do {
    signal?.throwIfAborted()
    const page = await store.listTrajectories(runId, { limit: 500, cursor })
    // The same order and page size: what a list does not show of the same trajectories.
    const figures = await store.listFigures(runId, { limit: 500, cursor: figuresCursor })
    const byId = new Map(figures.items.map((item) => [item.id, item]))
    for (const row of page.items) {
      const { maxDepth = 0, failedCells = 0 } = byId.get(row.id) ?? {}
      yield { ...row, depth: maxDepth, errors: failedCells }
    }
    cursor = page.next
    figuresCursor = figures.next
  } while (cursor !== null)
}

function selectedOf(row: SelectionRow, run: StoredRun, taskHash: string, document: string): Selected {
  const { id, taskId, rollout, reward, turns, stopReason, scripted, usage } = row
  const tokens = usage.inputTokens + usage.outputTokens
  const { costUsd } = usage
  return {
    id,
    run,
    taskId,
    taskHash,
    document,
    rollout,
    reward,
    turns,
    tokens,
    costUsd,
    stopReason,
    scripted,
  }
}

/** A task is the same in all runs: what is kept of it is chosen over all of them. */
async function choosePerTask(
  store: Store,
  selected: Selected[],
  { choice, maxPerTask, threshold }: Criteria,
  funnel: FunnelStep[],
  signal: AbortSignal | undefined,
): Promise<Selected[]> {
  let left = selected
  if (choice.kind !== 'all') {
    left = await perTask(left, async (members) => {
      if (choice.kind !== 'diverse') return choose(members, choice, threshold)
      return await chooseDiverse(members, choice.count, async ({ id }) => {
        signal?.throwIfAborted()
        return responsesOf(await store.readTrajectory(id))
      })
    })
    funnel.push({ step: `${choice.text} of each task`, trajectories: left.length })
  }
  if (maxPerTask !== undefined) {
    left = await perTask(left, (members) => members.slice(0, maxPerTask))
    funnel.push({ step: `at most ${maxPerTask} of each task`, trajectories: left.length })
  }
  return left
}

async function perTask(
  selected: Selected[],
  keep: (members: Selected[]) => Selected[] | Promise<Selected[]>,
): Promise<Selected[]> {
  const kept = new Set<Selected>()
  for (const members of Map.groupBy(selected, ({ taskHash }) => taskHash).values()) {
    for (const one of await keep(members)) kept.add(one)
  }
  return selected.filter((one) => kept.has(one))
}

function capPerTaskset(
  selected: Selected[],
  { maxPerTaskset, balance, seed = 0 }: Criteria,
  tasksets: Map<string, string>,
  funnel: FunnelStep[],
): Selected[] {
  let left = selected
  const cap = (most: number | null, step: string) => {
    left = capTasksets(left, (hash) => tasksets.get(hash) ?? '', most, seed)
    funnel.push({ step, trajectories: left.length })
  }
  if (maxPerTaskset !== undefined) cap(maxPerTaskset, `at most ${maxPerTaskset} of each taskset`)
  if (balance) cap(null, 'as many of each taskset')
  return left
}
