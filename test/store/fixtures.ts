// Rows for tests: small and complete, each field overridable.
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { hashOf } from '../../src/hash.ts'
import { newId } from '../../src/ids.ts'
import { schemaVersion } from '../../src/trajectory.ts'
import type {
  JournalEntry,
  NewCall,
  NewCell,
  NewInvocation,
  NewMessage,
  NewRun,
  NewScore,
  NewTask,
  NewTurn,
  PlannedTrajectory,
  Store,
  TrajectoryEnd,
} from '../../src/store/index.ts'

export const now = () => new Date().toISOString()

export function aRun(change: Partial<NewRun> = {}): NewRun {
  return {
    id: newId(),
    name: 'a-run',
    status: 'pending',
    config: { name: 'a-run', sampling: { temperature: 1 } },
    configHash: hashOf({ a: 1 }),
    protocol: 'rlm',
    protocolHash: hashOf('protocol'),
    model: 'a-model',
    scripted: true,
    seed: 7,
    codeVersion: '0.1.0',
    tags: ['test'],
    rollouts: 1,
    schemaVersion,
    ...change,
  }
}

export async function aTask(directory: string, id: string, change: Partial<NewTask> = {}): Promise<NewTask> {
  const text = `the context of ${id}`
  const file = `${directory}/${hashOf(id).slice(0, 16)}.txt`
  await writeFile(file, text)
  const hash = createHash('sha256').update(text).digest()
  const context = {
    file,
    hash,
    format: 'text' as const,
    type: 'str',
    characters: text.length,
    bytes: text.length,
  }
  return {
    id,
    hash: hashOf({ id }),
    prompt: `what is ${id}?`,
    context,
    answer: id,
    metadata: { id },
    ...change,
  }
}

export async function* streamOf<T>(items: T[]): AsyncGenerator<T> {
  for (const item of items) yield item
}

/** A run with its tasks and planned rollouts. */
export async function aPlannedRun(
  store: Store,
  directory: string,
  options: { tasks: number; rollouts: number; run?: Partial<NewRun> },
): Promise<{ runId: string; planned: PlannedTrajectory[] }> {
  const run = aRun({ rollouts: options.rollouts, ...options.run })
  await store.createRun(run)
  const tasks = await Promise.all(
    Array.from({ length: options.tasks }, (_, at) => aTask(directory, `task-${at}`)),
  )
  await store.addTasks(run.id, streamOf(tasks), options.rollouts, 7)
  return { runId: run.id, planned: await store.pendingTrajectories(run.id) }
}

interface Place {
  runId: string
  trajectoryId: string
}

export function anInvocation(place: Place, change: Partial<NewInvocation> = {}): NewInvocation {
  return {
    ...place,
    id: newId(),
    depth: 0,
    model: 'a-model',
    protocolHash: 'hash',
    startedAt: now(),
    ...change,
  }
}

export function aMessage(place: Place, invocationId: string, change: Partial<NewMessage> = {}): NewMessage {
  return { ...place, invocationId, index: 0, role: 'user', content: 'a question', ...change }
}

export function aTurn(
  place: Place,
  invocationId: string,
  callId: string,
  change: Partial<NewTurn> = {},
): NewTurn {
  return { ...place, id: newId(), invocationId, index: 0, callId, promptMessages: 1, ...change }
}

export function aCell(
  place: Place,
  invocationId: string,
  turnId: string,
  change: Partial<NewCell> = {},
): NewCell {
  return {
    ...place,
    id: newId(),
    invocationId,
    turnId,
    index: 0,
    code: 'print(1)',
    stdout: '1\n',
    stderr: '',
    stdoutCharacters: 2,
    stderrCharacters: 0,
    error: null,
    death: null,
    variables: [],
    finalAnswer: null,
    durationMs: 1.5,
    computeMs: 0.25,
    startedAt: now(),
    ...change,
  }
}

export function aCall(place: Place, invocationId: string, change: Partial<NewCall> = {}): NewCall {
  return {
    ...place,
    id: newId(),
    invocationId,
    kind: 'policy',
    order: 0,
    depth: 0,
    model: 'a-model',
    provider: 'scripted',
    scripted: true,
    sampling: { temperature: 0 },
    response: 'an answer',
    finishReason: 'stop',
    inputTokens: 10,
    outputTokens: 5,
    cachedTokens: 0,
    reasoningTokens: 0,
    costUsd: 0.001,
    costSource: 'prices',
    attempts: 1,
    latencyMs: 12.5,
    tokenSource: 'none',
    startedAt: now(),
    ...change,
  }
}

/** One turn with one cell, as a collector journals it. */
export function aTurnsEntries(place: Place, text: string): JournalEntry[] {
  const invocation = anInvocation(place)
  const call = aCall(place, invocation.id, { response: text })
  const turn = aTurn(place, invocation.id, call.id)
  return [
    { table: 'invocations', row: invocation },
    { table: 'messages', row: aMessage(place, invocation.id) },
    { table: 'calls', row: call },
    { table: 'turns', row: turn },
    { table: 'cells', row: aCell(place, invocation.id, turn.id, { stdout: text }) },
  ]
}

export function anEnd(change: Partial<TrajectoryEnd> = {}): TrajectoryEnd {
  return {
    status: 'done',
    stopReason: 'answered',
    answer: '42',
    error: null,
    sandbox: 'namespace',
    inputTokens: 10,
    outputTokens: 5,
    turns: 1,
    cells: 1,
    calls: 2,
    failedCells: 0,
    maxDepth: 0,
    costUsd: 0.5,
    ...change,
  }
}

export function aScore(place: Place, change: Partial<NewScore> = {}): NewScore {
  return {
    ...place,
    id: newId(),
    reward: 'exact',
    version: '1',
    options: {},
    optionsHash: hashOf({}),
    weight: 1,
    value: 1,
    author: 'test',
    ...change,
  }
}
