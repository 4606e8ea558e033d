// Imports logs of the reference implementation as runs that have ended: one run for each setting (model,
// provider, limits) that the logs name. Invariants: nothing is stored before every line was read and found
// good; a file is imported once, known by its bytes; an import that was cut short goes on where it stopped.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { StoreError } from '../../src/errors.ts'
import { hashOf } from '../../src/hash.ts'
import { newId } from '../../src/ids.ts'
import type { Json } from '../../src/json.ts'
import { version } from '../../src/package.ts'
import type { NewRun, PlannedTrajectory, Store } from '../../src/store/contract.ts'
import { materializeContext } from '../../src/tasks/context.ts'
import { badRows } from '../../src/tasks/skip.ts'
import { taskHash, type SkippedRows } from '../../src/tasks/task.ts'
import { schemaVersion } from '../../src/trajectory.ts'
import { recordWhole } from '../record-whole.ts'
import { protocolId, type Completion } from './completion.ts'
import { findLogs, protocolHash, readCompletions, settingOf, type LogFile, type LogSetting } from './files.ts'

export interface ImportOptions {
  store: Store
  /** Files and directories. */
  paths: string[]
  /** Of the runs; by default that of the first path. */
  name?: string
  skipBadRows: boolean
  signal: AbortSignal
  /** Told of each trajectory that is stored. */
  onTrajectory?: (stored: number) => void
}

export interface ImportResult {
  runs: { runId: string; model: string; trajectories: number }[]
  files: number
  /** Files that were imported before, and the run that has them. */
  known: { path: string; runId: string }[]
  skipped: SkippedRows
}

/**
 * Errors raised: UsageError for a bad line (its place and field), a file that is not there; the signal's
 * reason when stopped, and the same import goes on later.
 */
export async function importLogs(options: ImportOptions): Promise<ImportResult> {
  const { store, paths, skipBadRows, signal } = options
  const imported = await importedFiles(store)
  const all = await findLogs(paths)
  const known = all.flatMap((file) => {
    const runId = imported.get(file.sha256)
    return runId === undefined ? [] : [{ path: file.path, runId }]
  })
  const files = all.filter((file) => !imported.has(file.sha256))
  const checked = badRows(skipBadRows)
  const settings = new Map<string, LogSetting>()
  for (const file of files) {
    for await (const { metadata } of readCompletions(file.path, checked)) {
      signal.throwIfAborted()
      const setting = settingOf(metadata)
      settings.set(hashOf(setting), setting)
    }
  }
  const name = options.name ?? path.basename(path.resolve(paths[0] ?? '')).replace(/\.jsonl$/, '')
  const runs: ImportResult['runs'] = []
  for (const [key, setting] of settings) {
    const run = newRun(name, setting, files, skipBadRows)
    const trajectories = await importSetting({ ...options, files, key, run })
    runs.push({ runId: trajectories.runId, model: run.model, trajectories: trajectories.count })
  }
  return { runs, files: files.length, known, skipped: checked.skipped() }
}

/** The bytes that runs were imported from. A run that was cut short is not among them. */
async function importedFiles(store: Store): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  let cursor: string | null = null
  do {
    const page = await store.listRuns({ limit: 200, cursor })
    for (const { id, status, config } of page.items) {
      if (config['imported'] !== true || status !== 'done') continue
      for (const { sha256 } of config['files'] as { sha256: string }[]) found.set(sha256, id)
    }
    cursor = page.next
  } while (cursor)
  return found
}

function newRun(name: string, setting: LogSetting, files: LogFile[], skipBadRows: boolean): NewRun {
  const named = files.map((file) => ({ name: path.basename(file.path), sha256: file.sha256 }))
  const source = { imported: true, format: 'rlms', skipBadRows, setting, files: named }
  const { model, provider, baseUrl } = setting
  return {
    id: newId(),
    name,
    status: 'pending',
    config: { name, model: { provider, name: model, ...(baseUrl ? { baseUrl } : {}) }, ...source },
    configHash: hashOf({ source: { ...source, files: files.map(({ sha256 }) => sha256) } }),
    protocol: protocolId,
    protocolHash,
    model,
    policyVersion: null,
    scripted: false,
    seed: 0,
    codeVersion: version,
    tags: ['imported'],
    rollouts: 1,
    schemaVersion,
  }
}

interface Setting extends ImportOptions {
  files: LogFile[]
  key: string
  run: NewRun
}

async function importSetting(options: Setting): Promise<{ runId: string; count: number }> {
  const { store, files, key, run, signal } = options
  const left = await store.findInterrupted(run.configHash)
  if (!left) await store.createRun(run)
  const runId = left?.id ?? run.id
  const lock = await store.lockRun(runId)
  if (!lock) throw new StoreError('locked', `run ${runId} is being imported by another process`)
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'descent-import-'))
  try {
    const { done } = await store.summarizeRun(runId)
    // One at most: completions are stored one after the other.
    const [begun = null] = await store.pendingTrajectories(runId)
    const times = { startedAt: null as string | null, endedAt: null as string | null }
    await store.updateRun(runId, { status: 'running' })
    let count = 0
    for (const file of files) {
      let index = 0
      for await (const completion of readCompletions(file.path, badRows(options.skipBadRows))) {
        index += 1
        if (hashOf(settingOf(completion.metadata)) !== key) continue
        const { startedAt, endedAt } = completion.trajectory
        times.startedAt = earlier(times.startedAt, startedAt)
        times.endedAt = later(times.endedAt, endedAt)
        count += 1
        if (count <= done) continue
        signal.throwIfAborted()
        const planned =
          count === done + 1 && begun
            ? begun
            : await plan(store, runId, completion, `${path.basename(file.path)}#${index}`, scratch)
        await recordWhole(store, runId, planned, completion.trajectory)
        options.onTrajectory?.(count)
      }
    }
    await store.updateRun(runId, { status: 'done', ...times })
    return { runId, count }
  } catch (error) {
    await store.updateRun(runId, { status: 'interrupted' }).catch(() => {})
    throw error
  } finally {
    await rm(scratch, { recursive: true, force: true })
    await lock.release()
  }
}

/** Equal questions over equal contexts are rollouts of one task. */
async function plan(
  store: Store,
  runId: string,
  { task }: Completion,
  place: string,
  scratch: string,
): Promise<PlannedTrajectory> {
  const directory = path.join(scratch, newId())
  const context = await materializeContext(task.context, directory)
  // Where the log tells neither, nothing says that two completions are of one task.
  const metadata: Record<string, Json> = task.known ? {} : { log: place }
  const facts = { prompt: task.prompt, answer: null, metadata }
  const hash = taskHash(facts, context.hash.toString('hex'))
  const id = task.known ? `log-${hash.slice(0, 16)}` : place
  const release = async () => await rm(directory, { recursive: true, force: true })
  return await store.addTask(runId, { id, hash, ...facts, context, release }, 0)
}

function earlier(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return a > b ? a : b
}
