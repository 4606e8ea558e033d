// Which trajectories go in, in which order, and how many each condition left: the funnel. Goes through
// the runs group by group and holds a few words per selected trajectory; the trees stay in the store.
import type { Store, StoredRun } from '../store/contract.ts'
import type { StopReason, TrajectoryRow, TrajectoryStatus } from '../trajectory.ts'
import { type Choice, choose } from './choice.ts'
import type { TrajectoryFacts } from './where/fields.ts'
import type { Condition } from './where/parse.ts'

export interface FunnelStep {
  step: string
  trajectories: number
  rows?: number
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
}

export interface Selected {
  id: string
  run: StoredRun
  taskId: string
  taskHash: string
  rollout: number
  reward: number | null
  turns: number
  /** Sent and received, over the whole tree. */
  tokens: number
  costUsd: number | null
  stopReason: StopReason | null
  scripted: boolean
}

type Row = TrajectoryRow & { depth: number; errors: number }

/** In the order of the runs given, then of each run's tasks, then of rollouts. */
export async function selectTrajectories(
  store: Store,
  runs: StoredRun[],
  criteria: Criteria,
  signal?: AbortSignal,
): Promise<{ selected: Selected[]; funnel: FunnelStep[] }> {
  const conditions = conditionsOf(criteria)
  const counts = conditions.map(() => 0)
  let all = 0
  const selected: Selected[] = []
  for (const run of runs) {
    for await (const group of groupsOf(store, run, signal)) {
      all += group.length
      const group_ = groupFacts(group, criteria.threshold)
      const left = group.filter((row) => {
        const facts = factsOf(row, run, group_)
        for (const [index, condition] of conditions.entries()) {
          if (!condition.matches(facts)) return false
          counts[index] = (counts[index] ?? 0) + 1
        }
        return true
      })
      const [first] = left
      if (!first) continue
      const { hash } = await store.readTask(run.id, first.taskId)
      for (const row of left.toSorted((a, b) => a.rollout - b.rollout))
        selected.push(selectedOf(row, run, hash))
    }
  }
  const funnel: FunnelStep[] = [
    { step: 'in the runs', trajectories: all },
    ...conditions.map(({ text }, index) => ({ step: text, trajectories: counts[index] ?? 0 })),
  ]
  return choosePerTask(selected, criteria, funnel)
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

/** The rollouts of one task after the other: the store lists a run in the order of its tasks. */
async function* groupsOf(store: Store, run: StoredRun, signal?: AbortSignal): AsyncGenerator<Row[]> {
  let group: Row[] = []
  for await (const row of rowsOf(store, run.id, signal)) {
    if (group.length > 0 && group[0]?.taskId !== row.taskId) {
      yield group
      group = []
    }
    group.push(row)
  }
  if (group.length > 0) yield group
}

async function* rowsOf(store: Store, runId: string, signal?: AbortSignal): AsyncGenerator<Row> {
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

/** Over all rollouts of the task in the run that have a reward, whatever the other conditions say. */
function groupFacts(group: Row[], threshold: number): TrajectoryFacts['group'] {
  const rewards = group.flatMap(({ reward }) => (reward === null ? [] : [reward]))
  const sum = rewards.reduce((total, reward) => total + reward, 0)
  return {
    mean: rewards.length === 0 ? null : sum / rewards.length,
    max: rewards.length === 0 ? null : Math.max(...rewards),
    scored: rewards.length,
    correct: rewards.filter((reward) => reward >= threshold).length,
  }
}

function factsOf(row: Row, run: StoredRun, group: TrajectoryFacts['group']): TrajectoryFacts {
  const { inputTokens, outputTokens, costUsd } = row.usage
  return {
    ...row,
    inputTokens,
    outputTokens,
    costUsd,
    task: row.taskId,
    run: run.name,
    model: run.model,
    protocol: run.protocol,
    group,
  }
}

function selectedOf(row: Row, run: StoredRun, taskHash: string): Selected {
  const { id, taskId, rollout, reward, turns, stopReason, scripted, usage } = row
  const tokens = usage.inputTokens + usage.outputTokens
  return {
    id,
    run,
    taskId,
    taskHash,
    rollout,
    reward,
    turns,
    tokens,
    costUsd: usage.costUsd,
    stopReason,
    scripted,
  }
}

/** A task is the same in all runs: what is kept of it is chosen over all of them. */
function choosePerTask(
  selected: Selected[],
  { choice, maxPerTask, threshold }: Criteria,
  funnel: FunnelStep[],
): { selected: Selected[]; funnel: FunnelStep[] } {
  let left = selected
  if (choice.kind !== 'all') {
    left = perTask(left, (members) => choose(members, choice, threshold))
    funnel.push({ step: `${choice.text} of each task`, trajectories: left.length })
  }
  if (maxPerTask !== undefined) {
    left = perTask(left, (members) => members.slice(0, maxPerTask))
    funnel.push({ step: `at most ${maxPerTask} of each task`, trajectories: left.length })
  }
  return { selected: left, funnel }
}

function perTask(selected: Selected[], keep: (members: Selected[]) => Selected[]): Selected[] {
  const groups = Map.groupBy(selected, ({ taskHash }) => taskHash)
  const kept = new Set([...groups.values()].flatMap(keep))
  return selected.filter((one) => kept.has(one))
}
