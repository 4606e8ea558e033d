// Which trajectories go in, in which order, and how many each condition left: the funnel. Goes through
// the runs group by group and holds a few words per selected trajectory; the trees stay in the store, but
// for conditions that only a tree can answer.
import type { Store, StoredRun } from '../store/contract.ts'
import type { StopReason, TrajectoryStatus } from '../trajectory.ts'
import { capTasksets } from './balance.ts'
import { type Choice, choose, chooseDiverse } from './choice.ts'
import { responsesOf } from './looks.ts'
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
  /** Of the whole tree, as what follows. */
  turns: number
  /** That of the deepest invocation. */
  depth: number
  /** Sent and received. */
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
    for await (const groups of groupsOf(store, run, signal)) {
      const known = needsTask ? await readTasks(store, run, groups) : null
      const left: SelectionRow[][] = []
      for (const group of groups) {
        all += group.length
        const together = groupFacts(group, criteria.threshold)
        const task = known?.get(group[0]?.taskId ?? '') ?? null
        const rows: SelectionRow[] = []
        for (const row of group) {
          signal?.throwIfAborted()
          if (await passes(store, row, run, { group: together, task }, conditions, counts)) rows.push(row)
        }
        if (rows.length > 0) left.push(rows)
      }
      const tasks = known ?? (await readTasks(store, run, left))
      for (const rows of left) {
        const task = tasks.get(rows[0]?.taskId ?? '')
        if (!task) continue
        if (criteria.withoutSensitive && task.metadata['sensitive'] === true) {
          sensitive += rows.length
          continue
        }
        tasksets.set(task.hash, tasksetOf(task, run) ?? '')
        for (const row of rows.toSorted((a, b) => a.rollout - b.rollout))
          selected.push(selectedOf(row, run, task.hash, task.contextHash))
      }
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

/** The tasks of the groups, by id. */
async function readTasks(
  store: Store,
  run: StoredRun,
  groups: SelectionRow[][],
): Promise<Map<string, StoredTask>> {
  const ids = groups.flatMap(([row]) => row?.taskId ?? [])
  if (ids.length === 0) return new Map()
  const tasks = store.readTasks
    ? await store.readTasks(run.id, ids)
    : await Promise.all(ids.map((id) => store.readTask(run.id, id)))
  return new Map(tasks.map((task) => [task.id, task]))
}

/** The rollouts of a page of tasks, task by task: the store lists a run in the order of its tasks. */
async function* groupsOf(
  store: Store,
  run: StoredRun,
  signal?: AbortSignal,
): AsyncGenerator<SelectionRow[][]> {
  type Page = Awaited<ReturnType<Store['listTrajectories']>>
  function begin(cursor: string | null): Promise<Page> {
    const page = store.listTrajectories(run.id, { limit: 500, cursor })
    // Whoever waits for it gets the error.
    page.catch(() => undefined)
    return page
  }
  /** The next page comes while this one is gone through. */
  let coming: Promise<Page> | null = begin(null)
  /** The task at the end of a page may go on in the next one. */
  let open: SelectionRow[] = []
  while (coming !== null) {
    signal?.throwIfAborted()
    const page: Page = await coming
    coming = page.next === null ? null : begin(page.next)
    const groups: SelectionRow[][] = []
    for (const { maxDepth: depth, failedCells: errors, ...row } of page.items) {
      if (open.length > 0 && open[0]?.taskId !== row.taskId) {
        groups.push(open)
        open = []
      }
      open.push({ ...row, depth, errors })
    }
    if (groups.length > 0) yield groups
  }
  if (open.length > 0) yield [open]
}

function selectedOf(row: SelectionRow, run: StoredRun, taskHash: string, document: string): Selected {
  const { id, taskId, rollout, reward, turns, depth, stopReason, scripted, usage } = row
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
    depth,
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
