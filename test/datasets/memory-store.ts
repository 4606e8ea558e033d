// An honest small store in memory, for edge cases that a collector seldom makes: it keeps what it is
// given and implements the part of the interface that an export uses. Anything else throws.
import { writeFile } from 'node:fs/promises'
import { sha256 } from '../../src/hash.ts'
import type { Annotation, Figures, NewDataset, Store, StoredRun } from '../../src/store/contract.ts'
import type { RewardTask } from '../../src/reward.ts'
import type { Trajectory, TrajectoryRow } from '../../src/trajectory.ts'
import type { StoredTokens } from './token-fixtures.ts'

export interface MemoryTask extends RewardTask {
  hash: string
  context?: string
  contextFormat?: 'text' | 'json' | 'several'
}

export interface MemoryStore extends Store {
  datasets: NewDataset[]
  /** Trajectories read so far, and how many of them were alive at once. */
  reads: string[]
}

export function createMemoryStore(content: {
  runs: StoredRun[]
  tasks: MemoryTask[]
  trajectories: Trajectory[]
  tokens?: StoredTokens
  annotations?: Annotation[]
}): MemoryStore {
  const datasets: NewDataset[] = []
  const reads: string[] = []
  const parts: Partial<MemoryStore> = {
    location: 'memory',
    embedded: true,
    datasets,
    reads,
    findRun(reference) {
      const run = content.runs.find(({ id }) => id === reference)
      return run ? Promise.resolve(run) : Promise.reject(new Error(`no run ${reference}`))
    },
    listTrajectories(runId, { limit, cursor }) {
      const all = content.trajectories.filter((trajectory) => trajectory.runId === runId)
      const start = Number(cursor ?? 0)
      const items = all.slice(start, start + limit).map((one) => {
        const { maxDepth, failedCells } = figuresOf(one)
        return { ...rowOf(one), maxDepth, failedCells }
      })
      const end = start + items.length
      return Promise.resolve({ items, next: end < all.length ? String(end) : null })
    },
    listFigures(runId, { limit, cursor }) {
      const all = content.trajectories.filter((trajectory) => trajectory.runId === runId)
      const start = Number(cursor ?? 0)
      const items = all.slice(start, start + limit).map(figuresOf)
      const end = start + items.length
      return Promise.resolve({ items, next: end < all.length ? String(end) : null })
    },
    async writeContext(hash, path) {
      const { context: text, contextFormat: format = 'text' } =
        content.tasks.find((task) => task.hash === hash) ?? {}
      if (text === undefined) throw new Error(`no context ${hash}`)
      await writeFile(path, text)
      const bytes = Buffer.byteLength(text)
      return { format, type: 'str', characters: text.length, bytes, hash: sha256(text) }
    },
    readTrajectory(id) {
      reads.push(id)
      const trajectory = content.trajectories.find((candidate) => candidate.id === id)
      return trajectory ? Promise.resolve(trajectory) : Promise.reject(new Error(`no trajectory ${id}`))
    },
    readTokens: (id) => Promise.resolve(content.tokens?.get(id) ?? new Map()),
    readTask(_runId, taskId) {
      const task = content.tasks.find(({ id }) => id === taskId)
      return task
        ? Promise.resolve({
            ...task,
            contextHash: sha256(task.context ?? task.hash).toString('hex'),
            contextType: 'str',
            contextCharacters: 1000,
          })
        : Promise.reject(new Error(`no task ${taskId}`))
    },
    listAnnotations(of) {
      const items = (content.annotations ?? []).filter(
        (one) => 'trajectoryId' in of && one.trajectoryId === of.trajectoryId,
      )
      return Promise.resolve({ items, next: null })
    },
    readTasks: async (runId, taskIds) =>
      await Promise.all(taskIds.map(async (id) => await (parts.readTask?.(runId, id) ?? Promise.reject(id)))),
    readTokensOf: (ids) => Promise.resolve(ids.map((id) => content.tokens?.get(id) ?? new Map())),
    addDataset(dataset) {
      datasets.push(dataset)
      return Promise.resolve()
    },
  }
  return new Proxy(parts, {
    get(target, name) {
      if (name in target || typeof name === 'symbol' || name === 'then')
        return Reflect.get(target, name) as unknown
      // A store may have no way to read several trees at once: then they are read one by one.
      if (name === 'readTrajectories') return undefined
      throw new Error(`The memory store has no ${name}.`)
    },
  }) as MemoryStore
}

function rowOf(trajectory: Trajectory): TrajectoryRow {
  const { invocations, ...row } = trajectory
  const turns = invocations.flatMap((invocation) => invocation.turns)
  return {
    ...row,
    turns: turns.length,
    cells: turns.flatMap((turn) => turn.cells).length,
    calls: row.usage.calls,
  }
}

function figuresOf(trajectory: Trajectory): Figures {
  const { id, taskId, rollout, status, stopReason, turns, cells, calls, usage } = rowOf(trajectory)
  const every = trajectory.invocations.flatMap((invocation) => invocation.turns.flatMap((turn) => turn.cells))
  return {
    id,
    taskId,
    rollout,
    status,
    stopReason,
    turns,
    cells,
    calls,
    failedCells: every.filter((cell) => cell.error !== null).length,
    maxDepth: Math.max(0, ...trajectory.invocations.map(({ depth }) => depth)),
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    costUsd: usage.costUsd,
    seconds: null,
    scores: [],
  }
}
