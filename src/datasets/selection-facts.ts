// The facts that conditions are about, from the lists of the store and, on demand, tasks and trees.
import path from 'node:path'
import type { Store, StoredRun } from '../store/contract.ts'
import type { Trajectory, TrajectoryRow } from '../trajectory.ts'
import { characterCounter, rootInvocation } from './looks.ts'
import type { GroupFacts, TaskFacts, TrajectoryFacts, TreeFacts } from './where/facts.ts'

export type SelectionRow = TrajectoryRow & { depth: number; errors: number }
export type StoredTask = Awaited<ReturnType<Store['readTask']>>

/** Over all rollouts of the task in the run that have a reward, whatever the other conditions say. */
export function groupFacts(group: SelectionRow[], threshold: number): GroupFacts {
  const rewards = group.flatMap(({ reward }) => (reward === null ? [] : [reward]))
  const sum = rewards.reduce((total, reward) => total + reward, 0)
  const some = rewards.length > 0
  return {
    mean: some ? sum / rewards.length : null,
    min: some ? Math.min(...rewards) : null,
    max: some ? Math.max(...rewards) : null,
    scored: rewards.length,
    correct: rewards.filter((reward) => reward >= threshold).length,
  }
}

export function factsOf(row: SelectionRow, run: StoredRun, group: GroupFacts): TrajectoryFacts {
  const { inputTokens, outputTokens, costUsd } = row.usage
  return {
    ...row,
    inputTokens,
    outputTokens,
    costUsd,
    task: row.taskId,
    run: run.name,
    runId: run.id,
    model: run.model,
    protocol: run.protocol,
    policyVersion: run.policyVersion,
    tags: run.tags,
    group,
    taskFacts: null,
    tree: null,
  }
}

export function taskFacts(task: StoredTask, run: StoredRun): TaskFacts {
  return {
    taskset: tasksetOf(task, run),
    metadata: task.metadata,
    contextCharacters: task.contextCharacters,
  }
}

/** What the task says of itself, else the taskset or the task file that the run file names. */
export function tasksetOf(task: Pick<StoredTask, 'metadata'>, run: StoredRun): string | null {
  const own = task.metadata['taskset']
  if (typeof own === 'string') return own
  const named = run.config['tasks']
  if (typeof named === 'string') return path.parse(named).name
  if (named === null || typeof named !== 'object' || Array.isArray(named)) return null
  return typeof named['taskset'] === 'string' ? named['taskset'] : null
}

export function treeFacts(trajectory: Trajectory): TreeFacts {
  const turns = rootInvocation(trajectory)?.turns ?? []
  const countCharacters = characterCounter()
  let subCalls = 0
  let failedCalls = 0
  for (const invocation of trajectory.invocations) {
    for (const { call, cells } of invocation.turns) {
      const below = cells.flatMap((cell) => cell.calls)
      subCalls += below.length
      failedCalls += [call, ...below].filter(({ error }) => error !== null).length
    }
  }
  const lengths = turns.map(({ call }) => countCharacters(call.messages))
  return {
    rootTurns: turns.length,
    promptCharacters: lengths.reduce((most, length) => Math.max(most, length), 0),
    subCalls,
    failedCalls,
  }
}
