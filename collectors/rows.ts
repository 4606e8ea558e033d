// The rows of calls and cells, as the journal takes them.
import type { ErrorRecord } from '../src/errors.ts'
import type { Model, Sampling } from '../src/models/model.ts'
import type { CellResult } from '../src/sandbox.ts'
import type { NewCall, NewCell } from '../src/store/contract.ts'
import type { CallOutcome, CallPlace } from './recorder.ts'

export function callRow(
  place: CallPlace,
  model: Model,
  request: { sampling: Sampling; prompt: string | null },
  outcome: CallOutcome & { attempts?: number },
  timing: { startedAt: string; latencyMs: number },
): Omit<NewCall, 'runId' | 'trajectoryId'> {
  const response = outcome.ok ? outcome.response : null
  return {
    id: place.id,
    invocationId: place.invocationId,
    cellId: place.cellId,
    kind: place.kind,
    order: place.order,
    batchId: place.batch?.id ?? null,
    batchIndex: place.batch?.index ?? null,
    depth: place.depth,
    childInvocationId: null,
    model: model.name,
    responseModel: response?.model ?? null,
    provider: model.provider,
    scripted: model.scripted,
    prompt: request.prompt,
    sampling: request.sampling,
    response: response?.text ?? null,
    reasoning: response?.reasoning ?? null,
    finishReason: response?.finishReason ?? null,
    inputTokens: response?.usage?.inputTokens ?? null,
    outputTokens: response?.usage?.outputTokens ?? null,
    cachedTokens: response?.usage?.cachedTokens ?? null,
    reasoningTokens: response?.usage?.reasoningTokens ?? null,
    costUsd: response?.costUsd ?? null,
    costSource: response?.costSource ?? 'none',
    attempts: outcome.attempts ?? response?.attempts ?? 1,
    error: outcome.ok ? null : outcome.error,
    latencyMs: timing.latencyMs,
    requestId: response?.requestId ?? null,
    tokenSource: response?.tokens?.source ?? 'none',
    promptTokens: response?.tokens?.prompt ?? null,
    completionTokens: response?.tokens?.completion ?? null,
    logprobs: response?.tokens?.logprobs ?? null,
    policyVersion: response?.policyVersion ?? null,
    raw: response?.raw ?? (outcome.ok ? null : (outcome.raw ?? null)),
    startedAt: timing.startedAt,
  }
}

/** A row for a child invocation as its parent's cell sees it: no request of its own, the child makes those. */
export function childCallRow(
  place: CallPlace,
  child: {
    invocationId: string
    model: Model
    prompt: string
    answer: string | null
    error: ErrorRecord | null
    startedAt: string
    latencyMs: number
  },
): Omit<NewCall, 'runId' | 'trajectoryId'> {
  return {
    ...callRow(
      place,
      child.model,
      { sampling: {}, prompt: child.prompt },
      { ok: false, error: { boundary: 'model', code: '', message: '' }, retryable: false },
      child,
    ),
    childInvocationId: child.invocationId || null,
    response: child.answer,
    error: child.error,
    attempts: 0,
  }
}

export function cellRow(
  place: { id: string; invocationId: string; turnId: string; index: number },
  code: string,
  result: CellResult,
  startedAt: string,
): Omit<NewCell, 'runId' | 'trajectoryId'> {
  return {
    id: place.id,
    invocationId: place.invocationId,
    turnId: place.turnId,
    index: place.index,
    code,
    stdout: result.stdout,
    stderr: result.stderr,
    stdoutCharacters: result.stdoutCharacters,
    stderrCharacters: result.stderrCharacters,
    error: result.error,
    death: result.death,
    variables: result.variables,
    finalAnswer: result.finalAnswer,
    durationMs: result.durationMs,
    computeMs: result.computeMs,
    limits: result.limits ?? [],
    startedAt,
  }
}
