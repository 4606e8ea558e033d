// Tasks: stored once by content, shared by all runs; a run refers to them by position. Contexts are
// streamed from their files into blobs and back, never whole in memory.
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { and, eq, gte, inArray, lt } from 'drizzle-orm'
import { UsageError } from '../errors.ts'
import { sha256 } from '../hash.ts'
import { newId } from '../ids.ts'
import { schemaVersion } from '../trajectory.ts'
import { packFile, readBlobs, streamBlob } from './blobs.ts'
import type { NewTask, Store } from './contract.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import { encodeRow, insertRows } from './insert.ts'
import type { EncodedRow } from './insert.ts'
import { blobs, runs, runTasks, tasks, trajectories } from './schema.ts'
import { cleanText, joinText, splitText, textLimit } from './text.ts'

const tasksPerBatch = 100
/** Bytes of contexts whose files wait for their batch. */
const bytesPerBatch = 64 * 1024 * 1024
/** Characters of encoded blobs gathered before they are sent. */
const gatheredCharacters = 4 * 1024 * 1024

type RunFacts = Pick<typeof runs.$inferSelect, 'id' | 'policyVersion' | 'scripted'>

/**
 * Stores the tasks, in order, and plans `rollouts` trajectories for each; returns how many tasks there
 * are. Doing it again with the same tasks changes nothing, so that an interrupted start can be resumed.
 * Errors raised: UsageError when two tasks share an id, or the run has other tasks already.
 */
export async function addTasks(
  database: Database,
  runId: string,
  source: AsyncIterable<NewTask>,
  rollouts: number,
  seed: number,
): Promise<number> {
  const { id, policyVersion, scripted } = runs
  const [run] = await query(database, () =>
    database.db.select({ id, policyVersion, scripted }).from(runs).where(eq(id, runId)),
  )
  if (!run) throw new UsageError(`no run ${runId} in the store at ${database.location}`)
  let stored = 0
  let batch: NewTask[] = []
  let bytes = 0
  const flush = async () => {
    await storeBatch(database, run, batch, stored, rollouts, seed)
    for (const task of batch) await task.release?.()
    stored += batch.length
    batch = []
    bytes = 0
  }
  for await (const task of source) {
    batch.push(task)
    bytes += task.context.bytes
    if (batch.length === tasksPerBatch || bytes >= bytesPerBatch) await flush()
  }
  if (batch.length > 0) await flush()
  await query(database, () => database.db.update(runs).set({ tasks: stored }).where(eq(runs.id, runId)))
  return stored
}

async function storeBatch(
  database: Database,
  run: RunFacts,
  batch: NewTask[],
  first: number,
  rollouts: number,
  seed: number,
): Promise<void> {
  await storeContexts(database, batch)
  const shared: [string, EncodedRow][] = []
  const prompts: EncodedRow[] = []
  const planned: EncodedRow[] = []
  for (const [offset, task] of batch.entries()) {
    const position = first + offset
    const prompt = await splitText(task.prompt, textLimit)
    for (const blob of prompt.blobs) prompts.push(encodeRow(blobs, { ...blob }))
    shared.push([task.hash, taskRow(task, prompt.column, prompt.hash)])
    const place = { runId: run.id, position, taskId: task.id, taskHash: task.hash }
    planned.push(encodeRow(runTasks, place))
    const common = { ...place, status: 'pending', scripted: run.scripted, policyVersion: run.policyVersion }
    for (let rollout = 0; rollout < rollouts; rollout++) {
      const own = { id: newId(), rollout, seed: rolloutSeed(seed, task.hash, rollout), schemaVersion }
      planned.push(encodeRow(trajectories, { ...common, ...own }))
    }
  }
  // By key, so that runs that start at once with the same tasks wait for each other but never deadlock.
  const ordered = shared.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
  await query(database, () =>
    database.raw.begin(async (sql) => await insertRows(sql, [...prompts, ...ordered, ...planned])),
  )
  await checkPlaces(database, run.id, batch, first)
}

export function taskRow(task: NewTask, prompt: string, promptBlob: Buffer | null): EncodedRow {
  const { hash, answer, metadata, context } = task
  return encodeRow(tasks, {
    hash,
    prompt,
    promptBlob,
    contextBlob: context.hash,
    contextFormat: context.format,
    contextType: context.type,
    contextCharacters: context.characters,
    contextBytes: context.bytes,
    answer,
    metadata,
    schemaVersion,
  })
}

/** A positive 31-bit number (every sampler takes one), the same for the same seed, task and rollout. */
export function rolloutSeed(seed: number, taskHash: string, rollout: number): number {
  return sha256(`${seed} ${taskHash} ${rollout}`).readUInt32BE(0) >>> 1
}

/** Inserts leave rows that are there alone; this tells whether they were the same ones. */
async function checkPlaces(
  database: Database,
  runId: string,
  batch: NewTask[],
  first: number,
): Promise<void> {
  const { position, taskId, taskHash } = runTasks
  const here = and(eq(runTasks.runId, runId), gte(position, first), lt(position, first + batch.length))
  const rows = await query(database, () =>
    database.db.select({ position, taskId, taskHash }).from(runTasks).where(here),
  )
  const byPosition = new Map(rows.map((row) => [row.position, row]))
  for (const [offset, task] of batch.entries()) {
    const row = byPosition.get(first + offset)
    const where = `task ${first + offset + 1} ("${task.id}")`
    if (!row) throw new UsageError(`${where} has the id of an earlier task: ids must be unique within a run`)
    if (row.taskId !== cleanText(task.id) || row.taskHash !== task.hash) {
      throw new UsageError(`${where} is not the task that the run was started with: begin a new run`)
    }
  }
}

export async function storeContexts(database: Database, batch: NewTask[]): Promise<void> {
  const wanted = new Map(batch.map((task) => [task.context.hash.toString('hex'), task.context]))
  const hashes = [...wanted.values()].map((context) => context.hash)
  const known = await query(database, () =>
    database.db.select({ hash: blobs.hash }).from(blobs).where(inArray(blobs.hash, hashes)),
  )
  for (const { hash } of known) wanted.delete(hash.toString('hex'))
  let gathered: EncodedRow[] = []
  let characters = 0
  const send = async () => {
    await query(database, () => insertRows(database.raw, gathered))
    gathered = []
    characters = 0
  }
  for (const { file, hash } of wanted.values()) {
    for await (const blob of packFile(file, hash)) {
      const row = encodeRow(blobs, { ...blob })
      gathered.push(row)
      characters += row.json.length
      if (characters > gatheredCharacters) await send()
    }
  }
  if (gathered.length > 0) await send()
}

export async function readTask(
  database: Database,
  runId: string,
  taskId: string,
): ReturnType<Store['readTask']> {
  const [task] = await readTasks(database, runId, [taskId])
  if (!task) throw new UsageError(`run ${runId} has no task "${taskId}"`)
  return task
}

/** In the order of the ids. Errors raised: UsageError when the run has no such task. */
export async function readTasks(
  database: Database,
  runId: string,
  taskIds: string[],
): Promise<Awaited<ReturnType<Store['readTask']>>[]> {
  const found = await query(database, async () => {
    const selected = database.db
      .select({ id: runTasks.taskId, task: tasks })
      .from(runTasks)
      .innerJoin(tasks, eq(tasks.hash, runTasks.taskHash))
      .where(and(eq(runTasks.runId, runId), inArray(runTasks.taskId, taskIds)))
    // Rollouts and rewards ask for one at a time.
    const rows = await (taskIds.length === 1 ? selected.prepare('task').execute() : selected)
    const texts = await readBlobs(
      database.db,
      rows.map(({ task }) => task.promptBlob),
    )
    return new Map(
      rows.map(({ id, task }) => [
        id,
        {
          id,
          hash: task.hash,
          prompt: joinText(task.prompt, task.promptBlob, texts),
          answer: task.answer,
          metadata: task.metadata,
          contextHash: task.contextBlob.toString('hex'),
          contextType: task.contextType,
          contextCharacters: task.contextCharacters,
        },
      ]),
    )
  })
  return taskIds.map((id) => {
    const task = found.get(id)
    if (!task) throw new UsageError(`run ${runId} has no task "${id}"`)
    return task
  })
}

/** Errors raised: UsageError when there is no such task; the file appears whole or not at all. */
export async function writeContext(
  database: Database,
  taskHash: string,
  path: string,
): ReturnType<Store['writeContext']> {
  const [task] = await query(database, () => database.db.select().from(tasks).where(eq(tasks.hash, taskHash)))
  if (!task) throw new UsageError(`no task ${taskHash} in the store at ${database.location}`)
  const partial = `${path}.${randomUUID()}.part`
  try {
    await query(database, () =>
      pipeline(Readable.from(streamBlob(database.db, task.contextBlob)), createWriteStream(partial)),
    )
    await rename(partial, path)
  } finally {
    await rm(partial, { force: true })
  }
  const { contextFormat, contextType, contextCharacters, contextBytes } = task
  return {
    format: contextFormat as 'text' | 'json' | 'several',
    type: contextType,
    characters: contextCharacters,
    bytes: contextBytes,
    hash: task.contextBlob,
  }
}
