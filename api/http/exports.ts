// Exports of this process: started through the API, one after the other, watched, and cancelled. A dataset
// goes into a folder of its own below one directory of the server, under a name that is checked: no client
// names a path. What is finished is in the store; an export that dies with the process leaves whole files,
// which the same one takes up.
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { groupMethods } from '../../rewards/credit/group.ts'
import {
  exportDataset,
  type ExportOptions,
  type ExportProgress,
  type FunnelStep,
} from '../../src/datasets/index.ts'
import { DescentError } from '../../src/errors.ts'
import { newId } from '../../src/ids.ts'
import type { Store } from '../../src/store/contract.ts'
import { openCurationTools } from '../curation-tools.ts'
import { HttpProblem } from './problem.ts'

export interface ExportState {
  id: string
  /** Of its folder. */
  name: string
  status: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
  /** What was asked for. */
  plan: Record<string, unknown>
  author: string
  createdAt: string
  endedAt: string | null
  /** Trajectories that were judged, while there is cleaning or repair; null before and without. */
  cleaned: { trajectories: number; of: number } | null
  /** Null until the first rows are written. */
  progress: ExportProgress | null
  notices: string[]
  /** When it is done. */
  datasetId: string | null
  rows: number | null
  funnel: FunnelStep[] | null
  /** When it failed: in words for people. */
  error: { code: string; message: string } | null
}

export interface Exports {
  /** Throws HttpProblem when the name is taken, or too many wait. */
  start(
    name: string,
    options: Omit<ExportOptions, 'store' | 'directory'>,
    author: string,
  ): Promise<ExportState>
  /** Newest first; those of this process. */
  list(): ExportState[]
  find(id: string): ExportState
  /** Stops it; one that is taken up later goes on from its whole files. */
  cancel(id: string): Promise<ExportState>
  /** The state now and whenever it changed, a few times a second; ends with the export. */
  follow(id: string, signal: AbortSignal): AsyncGenerator<ExportState>
  /** Cancels all. */
  close(): Promise<void>
}

const mostWaiting = 20
const mostRemembered = 100
const followMilliseconds = 300

interface Job {
  state: ExportState
  version: number
  aborter: AbortController
  ended: Promise<void>
}

/** `root`: where the folders of datasets are made. */
export function openExports(
  store: Store,
  root: string,
  onError: (error: unknown) => void = () => {},
): Exports {
  const jobs = new Map<string, Job>()
  const oneByOne = pLimit(1)
  const isOpen = ({ state }: Job) => state.status === 'waiting' || state.status === 'running'

  function change(job: Job, news: Partial<ExportState>): void {
    job.state = { ...job.state, ...news }
    job.version += 1
  }

  async function run(job: Job, options: Omit<ExportOptions, 'store' | 'directory'>): Promise<void> {
    const { signal } = job.aborter
    const curation = openCurationTools(store)
    try {
      signal.throwIfAborted()
      change(job, { status: 'running' })
      const made = await exportDataset({
        ...options,
        store,
        directory: join(root, job.state.name),
        creditMethods: [...groupMethods],
        signal,
        onProgress: (progress) => change(job, { progress }),
        onNotice: (text) => change(job, { notices: [...job.state.notices, text].slice(-20) }),
        tools: {
          ...curation.tools,
          onCleaned: (trajectories, of) => change(job, { cleaned: { trajectories, of } }),
        },
      })
      const { datasetId, rows, funnel } = made
      change(job, { status: 'done', datasetId, rows, funnel })
    } catch (error) {
      if (signal.aborted) change(job, { status: 'cancelled' })
      else change(job, { status: 'failed', error: errorOf(error, onError) })
    } finally {
      await curation.close()
      change(job, { endedAt: new Date().toISOString() })
    }
  }

  function find(id: string): Job {
    const job = jobs.get(id)
    if (job) return job
    const detail = 'This server has no export of this id; what is finished is among /v1/datasets.'
    throw new HttpProblem(404, 'not_found', detail)
  }

  async function refuseTaken(name: string): Promise<void> {
    const open = [...jobs.values()].filter(isOpen)
    if (open.length >= mostWaiting)
      throw new HttpProblem(429, 'too_many_exports', `${mostWaiting} exports wait already.`)
    const made = await access(join(root, name, 'manifest.json')).then(
      () => true,
      () => false,
    )
    if (made || open.some(({ state }) => state.name === name))
      throw new HttpProblem(
        409,
        'name_taken',
        `There is a dataset named ${name} already: choose another name.`,
      )
  }

  return {
    async start(name, options, author) {
      await refuseTaken(name)
      const { signal: _signal, creditMethods: _methods, ...plan } = options
      const state: ExportState = {
        id: newId(),
        name,
        status: 'waiting',
        plan: { ...plan },
        author,
        createdAt: new Date().toISOString(),
        endedAt: null,
        cleaned: null,
        progress: null,
        notices: [],
        datasetId: null,
        rows: null,
        funnel: null,
        error: null,
      }
      const job: Job = { state, version: 0, aborter: new AbortController(), ended: Promise.resolve() }
      jobs.set(state.id, job)
      job.ended = oneByOne(async () => await run(job, options))
      const [oldest] = [...jobs.values()].filter((one) => !isOpen(one))
      if (jobs.size > mostRemembered && oldest) jobs.delete(oldest.state.id)
      return job.state
    },
    list: () => [...jobs.values()].map(({ state }) => state).toReversed(),
    find: (id) => find(id).state,
    async cancel(id) {
      const job = find(id)
      job.aborter.abort(new Error('cancelled'))
      // One that waits for its turn is cancelled at once, and its turn ends when it comes.
      if (job.state.status === 'waiting')
        change(job, { status: 'cancelled', endedAt: new Date().toISOString() })
      else await job.ended
      return job.state
    },
    async *follow(id, signal) {
      const job = find(id)
      for (let seen = -1; !signal.aborted;) {
        const { state, version } = job
        if (version !== seen) yield state
        seen = version
        if (!isOpen(job) && job.version === seen) return
        await new Promise((resolve) => setTimeout(resolve, followMilliseconds))
      }
    },
    async close() {
      for (const { aborter } of jobs.values()) aborter.abort(new Error('the server ends'))
      await Promise.all([...jobs.values()].map(({ ended }) => ended))
    },
  }
}

function errorOf(error: unknown, onError: (error: unknown) => void): { code: string; message: string } {
  if (error instanceof DescentError && (error.boundary === 'usage' || error.boundary === 'dataset'))
    return { code: error.code, message: error.message }
  onError(error)
  const code = error instanceof DescentError ? `${error.boundary}_${error.code}` : 'unexpected'
  return { code, message: 'The server failed to make it; its log names the cause.' }
}
