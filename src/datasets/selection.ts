// Which trajectories go in, in which order, and how many each condition left: the funnel. Holds a
// few words per trajectory; the trees stay in the store.
import type { StoredRun, Store } from '../store/contract.ts'
import type { TrajectoryStatus } from '../trajectory.ts'

export interface FunnelStep {
  step: string
  trajectories: number
  rows?: number
}

export interface Criteria {
  statuses: TrajectoryStatus[]
  /** Trajectories without a reward do not reach any minimum. */
  minReward?: number
  onlyAnswered?: boolean
}

export interface Selected {
  id: string
  run: StoredRun
  taskId: string
  taskHash: string
  rollout: number
}

/** In the order of the runs given, then of each run's tasks, then of rollouts. */
export async function selectTrajectories(
  store: Store,
  runs: StoredRun[],
  criteria: Criteria,
  signal?: AbortSignal,
): Promise<{ selected: Selected[]; funnel: FunnelStep[] }> {
  const { statuses, minReward, onlyAnswered } = criteria
  const counts = { all: 0, ended: 0, answered: 0, rewarded: 0 }
  const selected: Selected[] = []
  for (const run of runs) {
    /** Keyed by task, in order of appearance: the store lists a run in the order of its tasks. */
    const byTask = new Map<string, { id: string; rollout: number }[]>()
    let cursor: string | null = null
    do {
      signal?.throwIfAborted()
      const page = await store.listTrajectories(run.id, { limit: 500, cursor })
      for (const row of page.items) {
        counts.all += 1
        if (!statuses.includes(row.status)) continue
        counts.ended += 1
        if (onlyAnswered && row.stopReason !== 'answered') continue
        counts.answered += 1
        if (minReward !== undefined && (row.reward === null || row.reward < minReward)) continue
        counts.rewarded += 1
        const rollouts = byTask.get(row.taskId) ?? []
        rollouts.push({ id: row.id, rollout: row.rollout })
        byTask.set(row.taskId, rollouts)
      }
      cursor = page.next
    } while (cursor !== null)
    for (const [taskId, rollouts] of byTask) {
      signal?.throwIfAborted()
      const { hash } = await store.readTask(run.id, taskId)
      for (const { id, rollout } of rollouts.toSorted((a, b) => a.rollout - b.rollout)) {
        selected.push({ id, run, taskId, taskHash: hash, rollout })
      }
    }
  }
  const funnel: FunnelStep[] = [
    { step: 'in the runs', trajectories: counts.all },
    { step: `status ${statuses.join(' or ')}`, trajectories: counts.ended },
  ]
  if (onlyAnswered) funnel.push({ step: 'stop reason answered', trajectories: counts.answered })
  if (minReward !== undefined) {
    funnel.push({ step: `reward of ${minReward} or more`, trajectories: counts.rewarded })
  }
  return { selected, funnel }
}
