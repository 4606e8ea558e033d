// The store's reading functions over plain arrays, with the promises of the contract: cursors,
// unique parts of ids, UsageError where nothing or several fit.
import type { ReadStore } from '../../api/http/read-store.ts'
import { UsageError } from '../../src/errors.ts'
import type { Page, RunSummary } from '../../src/store/contract.ts'
import type { Trajectory, TrajectoryRow } from '../../src/trajectory.ts'

type Dataset = Awaited<ReturnType<ReadStore['findDataset']>>

export interface MemoryData {
  runs: RunSummary[]
  rows: TrajectoryRow[]
  trajectories: Trajectory[]
  datasets: Dataset[]
}

export function memoryStore(data: MemoryData): ReadStore {
  return {
    location: 'memory',
    embedded: true,
    async listRuns({ limit, cursor }) {
      return page(data.runs, limit, cursor)
    },
    async findRun(reference) {
      return reference === 'latest' ? only(data.runs.slice(0, 1), 'run') : find(data.runs, reference, 'run')
    },
    async summarizeRun(runId) {
      return find(data.runs, runId, 'run')
    },
    async listTrajectories(runId, { limit, cursor, status }) {
      const rows = data.rows.filter((row) => row.runId === runId && (!status || row.status === status))
      return page(rows, limit, cursor)
    },
    async findTrajectory(reference) {
      return find(data.trajectories, reference, 'trajectory').id
    },
    async readTrajectory(id) {
      return find(data.trajectories, id, 'trajectory')
    },
    async readTask(runId, taskId) {
      const trajectory = data.trajectories.find((one) => one.runId === runId && one.taskId === taskId)
      if (!trajectory) throw new UsageError(`no task ${taskId} in this run`)
      return {
        id: taskId,
        prompt: trajectory.invocations[0]?.turns[0]?.call.messages[1]?.content ?? '',
        answer: 'C-1043, 119.80',
        metadata: {},
        hash: 'ab'.repeat(32),
        contextType: 'str',
        contextCharacters: 1_284_113,
      }
    },
    async listDatasets() {
      return data.datasets
    },
    async findDataset(id) {
      return find(data.datasets, id, 'dataset')
    },
  }
}

function page<T>(items: T[], limit: number, cursor: string | null | undefined): Page<T> {
  const start = cursor ? Number(cursor) : 0
  if (!Number.isInteger(start)) throw new UsageError(`not a cursor of this list: "${cursor}"`)
  const end = start + limit
  return { items: items.slice(start, end), next: end < items.length ? String(end) : null }
}

function find<T extends { id: string }>(items: T[], reference: string, noun: string): T {
  const exact = items.filter((item) => item.id === reference)
  const partial =
    reference.length < 6
      ? []
      : items.filter((item) => item.id.endsWith(reference) || item.id.startsWith(reference))
  return only(exact.length > 0 ? exact : partial, noun)
}

function only<T>(found: T[], noun: string): T {
  const [item, another] = found
  if (item === undefined) throw new UsageError(`there is no ${noun} of this id`)
  if (another !== undefined) throw new UsageError(`several ${noun} ids have this part: give more of it`)
  return item
}
