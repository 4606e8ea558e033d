// The door of the store: a directory (an embedded PostgreSQL) or a postgres:// URL, one behaviour.
import { drizzle } from 'drizzle-orm/postgres-js'
import { UsageError } from '../errors.ts'
import { addTask } from './add-task.ts'
import * as advantages from './advantages.ts'
import { endClient, openClient } from './connect.ts'
import type { Sql, Target } from './connect.ts'
import type { Store } from './contract.ts'
import type { Database } from './database.ts'
import * as datasets from './datasets.ts'
import { openEmbedded } from './embedded.ts'
import { listFigures } from './figures.ts'
import { openFailure, storeFailure } from './failures.ts'
import { openJournal } from './journal.ts'
import { migrate } from './migrate.ts'
import { markDivergence, planForks, readJournal } from './read-journal.ts'
import { readPlanned, reopenFailed } from './planned.ts'
import { openReads } from './reads.ts'
import { preparing } from './repeated.ts'
import { readTokens, readTokensOf } from './read-tokens.ts'
import { readTrajectories, readTrajectory } from './read-trajectory.ts'
import * as runs from './runs.ts'
import * as scores from './scores.ts'
import * as selections from './selections.ts'
import * as tasks from './tasks.ts'
import * as trajectories from './trajectories.ts'

export type * from './contract.ts'

/** Whether a location names a server; all else is a directory. */
export function isServerUrl(location: string): boolean {
  return /^postgres(ql)?:\/\//i.test(location)
}

/**
 * Opens the store, made and brought to this version's tables when needed. Close it: an open store keeps
 * this process and the embedded server alive. Errors raised: UsageError for a directory that cannot be
 * used and a server that cannot be reached, refuses, or is older than PostgreSQL 15; StoreError when
 * the embedded server does not start.
 */
export async function openStore(location: string): Promise<Store> {
  return isServerUrl(location) ? await openServer(location) : await openDirectory(location)
}

async function openServer(url: string): Promise<Store> {
  const target = parseUrl(url)
  const where = `postgres://${target.host}:${target.port}/${target.database}`
  const anchor = openClient(target, { max: 1, name: 'descent-anchor' })
  try {
    await migrate(anchor, target, where)
  } catch (error) {
    await endClient(anchor)
    throw openFailure(error, where)
  }
  return makeStore({ location: where, target, anchor, directory: null })
}

function parseUrl(text: string): Target {
  try {
    // Several hosts ("a,b") are no URL to the parser, but are one to the driver.
    const url = new URL(text.replace(/^postgres(ql)?:/i, 'http:'))
    return {
      url: text,
      host: url.hostname || 'localhost',
      port: Number(url.port || 5432),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)) || decodeURIComponent(url.username),
    }
  } catch {
    throw new UsageError(
      'the store URL is not valid: give postgres://user:password@host:5432/database, special characters %-encoded',
    )
  }
}

async function openDirectory(directory: string): Promise<Store> {
  const server = await openEmbedded(directory)
  try {
    await migrate(server.anchor, server.target, directory)
  } catch (error) {
    await endClient(server.anchor)
    throw storeFailure(error, directory)
  }
  return makeStore({ location: directory, target: server.target, anchor: server.anchor, directory })
}

const poolConnections = 4

function makeStore(opened: {
  location: string
  target: Target
  anchor: Sql
  directory: string | null
}): Store {
  const { location, target, directory } = opened
  let anchor = opened.anchor
  let closed = false
  let recovering: Promise<void> | null = null
  const client = openClient(target, { max: poolConnections })
  const raw = openClient(target, { max: 2, name: 'descent-journal' })

  async function restart(at: string): Promise<void> {
    try {
      const server = await openEmbedded(at)
      const old = anchor
      anchor = server.anchor
      // Connections are made to whatever the target says at that moment.
      target.port = server.target.port
      target.password = server.target.password
      await endClient(old)
      if (closed) await endClient(anchor)
    } finally {
      recovering = null
    }
  }

  const database: Database = {
    location,
    db: drizzle({ client: preparing(client) }),
    raw,
    connect: (options) => openClient(target, { max: 1, ...options }),
    async recover() {
      if (directory !== null && !closed) await (recovering ??= restart(directory))
    },
    isClosed: () => closed,
  }
  const journal = openJournal(database)

  async function close(): Promise<void> {
    if (closed) return
    await journal.drain()
    closed = true
    await Promise.all([endClient(client), endClient(raw)])
    await endClient(anchor)
  }

  return {
    location,
    embedded: directory !== null,
    createRun: (run) => runs.createRun(database, run),
    addTasks: (runId, source, rollouts, seed) => tasks.addTasks(database, runId, source, rollouts, seed),
    addTask: (runId, task, seed) => addTask(database, runId, task, seed),
    updateRun: (runId, change) => runs.updateRun(database, runId, change),
    findRun: (reference) => runs.findRun(database, reference),
    findInterrupted: (configHash) => runs.findInterrupted(database, configHash),
    listRuns: (options) => runs.listRuns(database, options),
    summarizeRun: (runId) => runs.summarizeRun(database, runId),
    lockRun: (runId) => runs.lockRun(database, runId),
    reopenFailed: (runId) => reopenFailed(database, runId),
    readPlanned: (id) => readPlanned(database, id),
    pendingTrajectories: (runId) => trajectories.pendingTrajectories(database, runId),
    beginTrajectory: (id, startedAt, options) =>
      trajectories.beginTrajectory(database, id, startedAt, options),
    readJournal: (id) => readJournal(database, id),
    markDivergence: (id, divergence) => markDivergence(database, id, divergence),
    planForks: (runId, taskId, origin) => planForks(database, runId, taskId, origin),
    append: (entries) => journal.append(entries),
    endInvocation: (id, end) => trajectories.endInvocation(database, id, end),
    endTrajectory: (id, end, endedAt) => trajectories.endTrajectory(database, id, end, endedAt),
    listTrajectories: (runId, options) => trajectories.listTrajectories(database, runId, options),
    findTrajectory: (reference) => trajectories.findTrajectory(database, reference),
    readTrajectory: (id, parts) => readTrajectory(database, id, parts),
    readTrajectories: (ids, parts) => readTrajectories(database, ids, parts),
    readTokens: (id) => readTokens(database, id),
    readTokensOf: (ids) => readTokensOf(database, ids),
    readTask: (runId, taskId) => tasks.readTask(database, runId, taskId),
    readTasks: (runId, taskIds) => tasks.readTasks(database, runId, taskIds),
    writeContext: (taskHash, path) => tasks.writeContext(database, taskHash, path),
    listFigures: (runId, options) => listFigures(database, runId, options),
    addScores: (rows) => scores.addScores(database, rows),
    listInvocationScores: (ids) => advantages.listInvocationScores(database, ids),
    listForks: (ids) => advantages.listForks(database, ids),
    clearAdvantages: (runId, of) => advantages.clearAdvantages(database, runId, of),
    addAdvantages: (rows) => advantages.addAdvantages(database, rows),
    addDataset: (dataset) => datasets.addDataset(database, dataset),
    listDatasets: () => datasets.listDatasets(database),
    saveSelection: (name, plan) => selections.saveSelection(database, name, plan),
    findSelection: (name) => selections.findSelection(database, name),
    listSelections: () => selections.listSelections(database),
    findDataset: (reference) => datasets.findDataset(database, reference),
    ...openReads(database),
    close,
  }
}
