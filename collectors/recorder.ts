// Writes one trajectory into the journal, each record as soon as it ends and in that order: what is
// stored is at any time a prefix of what happened. The loop goes on while a record is being committed;
// `settle` waits until all are. Every request to a model passes through `call`, which makes it, books it
// on the tree's budget and stores it, also when it failed.
import { ModelError, toErrorRecord, type ErrorRecord } from '../src/errors.ts'
import type { Message, Model, ModelResponse, Sampling } from '../src/models/model.ts'
import { newId } from '../src/ids.ts'
import type { Json } from '../src/json.ts'
import type { CellResult } from '../src/sandbox.ts'
import type { JournalEntry, NewCall, Store, TrajectoryJournal } from '../src/store/contract.ts'
import type { Budget } from './budget.ts'
import type { Emit } from './events.ts'
import { callRow, cellRow } from './rows.ts'
import { createTokenChains, sequenceOf } from '../src/models/token-deltas.ts'

export interface CallPlace {
  id: string
  invocationId: string
  cellId: string | null
  kind: 'policy' | 'llm' | 'rlm'
  order: number
  batch: { id: string; index: number } | null
  depth: number
}

export type CallOutcome =
  | { ok: true; response: ModelResponse }
  | { ok: false; error: ErrorRecord; retryable: boolean; raw?: Record<string, Json> | null }

export interface Recorder {
  readonly trajectoryId: string
  readonly failedCells: number
  readonly cells: number
  readonly turns: number
  readonly maxDepth: number
  /** Hands records to the store. Errors raised: StoreError of an earlier record that could not be stored. */
  append(entries: Unowned[]): Promise<void>
  /** Counts what an earlier attempt has recorded and spent. */
  takeUp(journal: TrajectoryJournal): Promise<void>
  /** Waits until all records are durable. Errors raised: StoreError. */
  settle(): Promise<void>
  /**
   * Makes a request and stores it. `prompt` is a sub-call's own text; for a policy call it is null, and
   * `withCall` gives the entries that must be committed together with the call.
   */
  call(
    place: CallPlace,
    model: Model,
    request: {
      messages: Message[]
      sampling: Sampling
      prompt: string | null
      wantTokens: boolean
      seed: number
      budget: Budget
    },
    signal: AbortSignal,
    withCall?: (outcome: CallOutcome) => Unowned[],
  ): Promise<CallOutcome>
  /** Stores a request that a limit of the tree did not allow. */
  refuse(
    place: CallPlace,
    model: Model,
    request: { sampling: Sampling; prompt: string | null },
    reason: string,
  ): Promise<Extract<CallOutcome, { ok: false }>>
  cell(
    place: { id: string; invocationId: string; turnId: string; index: number; depth: number },
    code: string,
    result: CellResult,
    startedAt: string,
  ): Promise<void>
}

/** A journal entry without the run and trajectory that it belongs to. */
type Unowned = JournalEntry extends infer Entry
  ? Entry extends { table: infer Table; row: infer Row }
    ? { table: Table; row: Omit<Row, 'runId' | 'trajectoryId'> }
    : never
  : never

/** Records that may wait for the store before the loop waits too. */
const mostWaiting = 500

export function createRecorder(options: {
  store: Store
  runId: string
  trajectoryId: string
  budget: Budget
  emit: Emit
}): Recorder {
  const { store, runId, trajectoryId, budget, emit } = options
  const chains = createTokenChains()
  const counts = { cells: 0, failedCells: 0, turns: 0, maxDepth: 0 }

  let waiting: JournalEntry[] = []
  let writing = Promise.resolve()
  let idle = true
  let failure: { error: unknown } | null = null

  async function write(): Promise<void> {
    try {
      while (waiting.length > 0) {
        const batch = waiting
        waiting = []
        await store.append(batch)
      }
    } catch (error) {
      failure = { error }
    } finally {
      idle = true
    }
  }

  async function settle(): Promise<void> {
    await writing
    if (failure) throw failure.error
  }

  async function append(entries: Unowned[]): Promise<void> {
    for (const entry of entries) {
      if (entry.table === 'turns') counts.turns += 1
      if (entry.table === 'invocations') counts.maxDepth = Math.max(counts.maxDepth, entry.row.depth)
      waiting.push({ ...entry, row: { ...entry.row, runId, trajectoryId } } as JournalEntry)
    }
    if (failure) throw failure.error
    if (idle) {
      idle = false
      writing = write()
    }
    if (waiting.length > mostWaiting) await settle()
  }

  return {
    trajectoryId,
    get cells() {
      return counts.cells
    },
    get failedCells() {
      return counts.failedCells
    },
    get turns() {
      return counts.turns
    },
    get maxDepth() {
      return counts.maxDepth
    },
    append,
    settle,
    async takeUp({ invocations, turns, cells, calls }) {
      counts.turns += turns.length
      counts.cells += cells.length
      counts.failedCells += cells.filter((cell) => cell.error).length
      counts.maxDepth = Math.max(0, ...invocations.map((row) => row.depth))
      // Rows of children make no request of their own.
      const tokens = await store.readTokens(trajectoryId)
      for (const { id } of invocations) {
        const own = turns.filter((turn) => turn.invocationId === id).toSorted((a, b) => a.index - b.index)
        const last = own.at(-1)
        const sequence = last ? sequenceOf(tokens, last.callId) : null
        if (last && sequence) chains.continue(id, last.callId, sequence)
      }
      takeUpSpending(budget, calls)
    },
    async call(place, model, request, signal, withCall) {
      request.budget.reserveCall()
      const startedAt = new Date().toISOString()
      const start = performance.now()
      const outcome = await attempt(model, request, signal)
      const latencyMs = performance.now() - start
      const response = outcome.ok ? outcome.response : null
      request.budget.spend(response?.usage ?? null, response?.costUsd ?? null)
      // A call that was given up is made again when the rollout is taken up: its id stays free for that one.
      const givenUp = !outcome.ok && outcome.error.code === 'cancelled'
      const row = callRow(givenUp ? { ...place, id: newId() } : place, model, request, outcome, {
        startedAt,
        latencyMs,
      })
      if (place.kind === 'policy') {
        const placed = chains.place(place.invocationId, row.id, response?.tokens ?? null)
        Object.assign(row, { tokenBaseCallId: placed.baseCallId, promptTokens: placed.prompt })
      }
      await append([{ table: 'calls', row }, ...(givenUp ? [] : (withCall?.(outcome) ?? []))])
      emit({
        type: 'call-end',
        trajectoryId,
        kind: place.kind,
        inputTokens: response?.usage?.inputTokens ?? 0,
        outputTokens: response?.usage?.outputTokens ?? 0,
        costUsd: response?.costUsd ?? null,
        attempts: row.attempts,
        error: row.error ?? null,
      })
      return outcome
    },
    async refuse(place, model, request, reason) {
      const error: ErrorRecord = { boundary: 'protocol', code: 'limit', message: reason }
      const outcome = { ok: false as const, error, retryable: false }
      const timing = { startedAt: new Date().toISOString(), latencyMs: 0 }
      await append([
        { table: 'calls', row: { ...callRow(place, model, request, outcome, timing), attempts: 0 } },
      ])
      return outcome
    },
    async cell(place, code, result, startedAt) {
      counts.cells += 1
      if (result.error) counts.failedCells += 1
      await append([{ table: 'cells', row: cellRow(place, code, result, startedAt) }])
      emit({ type: 'cell-end', trajectoryId, depth: place.depth, failed: result.error !== null })
    },
  }
}

/** Books what an earlier attempt has recorded. */
export function takeUpSpending(budget: Budget, calls: readonly NewCall[]): void {
  for (const { inputTokens, outputTokens, costUsd } of calls.filter(isRequest))
    budget.takeUp({
      inputTokens: inputTokens ?? 0,
      outputTokens: outputTokens ?? 0,
      costUsd: costUsd ?? null,
    })
}

/** Rows of children and of refused calls made no request; an answer out of the cache stands for one. */
function isRequest(call: { attempts: number; costSource: string }): boolean {
  return call.attempts > 0 || call.costSource === 'cache'
}

async function attempt(
  model: Model,
  request: { messages: Message[]; sampling: Sampling; wantTokens: boolean; seed: number },
  signal: AbortSignal,
): Promise<CallOutcome & { attempts: number }> {
  try {
    const response = await model.complete(
      {
        messages: request.messages,
        sampling: request.sampling,
        wantTokens: request.wantTokens,
        seed: request.seed,
      },
      signal,
    )
    return { ok: true, response, attempts: response.attempts }
  } catch (thrown) {
    if (signal.aborted) {
      return {
        ok: false,
        error: {
          boundary: 'model',
          code: 'cancelled',
          message: 'the call was given up when its trajectory or cell ended',
        },
        retryable: true,
        attempts: 1,
      }
    }
    const error = toErrorRecord(thrown, 'model')
    const known = thrown instanceof ModelError ? thrown : null
    return {
      ok: false,
      error,
      retryable: known?.retryable ?? false,
      raw: known?.raw ?? null,
      attempts: known?.attempts ?? 1,
    }
  }
}
