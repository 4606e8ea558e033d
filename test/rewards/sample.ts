// Trajectories for reward tests, complete by the published schema.
import { trajectorySchema } from '../../src/trajectory.ts'
import type { Call, Cell, Trajectory, Turn } from '../../src/trajectory.ts'

const usage = { inputTokens: 100, outputTokens: 20, cachedTokens: 0, reasoningTokens: 0, costUsd: null }

function call(kind: Call['kind'], order = 0): Call {
  return {
    id: `call-${kind}-${order}`,
    kind,
    model: 'm',
    provider: 'scripted',
    scripted: true,
    messages: [{ role: 'user', content: 'q' }],
    response: { text: 'r', reasoning: null, finishReason: 'stop' },
    usage,
    attempts: 1,
    error: null,
    latencyMs: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
    order,
    batchId: null,
    batchIndex: null,
    depth: 0,
    requestId: null,
    sampling: {},
    invocationId: null,
    tokenSource: 'none',
  }
}

export function cell(change: Partial<Cell> & { subCalls?: number } = {}): Cell {
  const { subCalls = 0, ...rest } = change
  return {
    id: 'cell',
    index: 0,
    code: 'print(1)',
    stdout: '1\n',
    stderr: '',
    stdoutCharacters: 2,
    stderrCharacters: 0,
    error: null,
    death: null,
    durationMs: 1,
    computeMs: 1,
    variables: [],
    finalAnswer: null,
    calls: Array.from({ length: subCalls }, (_, order) => call('llm', order)),
    ...rest,
  }
}

export const raised: Partial<Cell> = { error: { type: 'NameError', message: 'x', traceback: '' } }

/** A rollout of the root with the given cells per turn. */
export function trajectory(
  change: Partial<Trajectory> & { cells?: Cell[][]; forced?: boolean } = {},
): Trajectory {
  const { cells = [[cell()], [cell()]], forced = false, ...rest } = change
  const turns: Turn[] = cells.map((own, index) => ({
    id: `turn-${index}`,
    index,
    compaction: false,
    extendsPrevious: null,
    forced: forced && index === cells.length - 1,
    call: call('policy'),
    cells: own,
  }))
  const answer = rest.answer === undefined ? 'yes' : rest.answer
  const stopReason = rest.stopReason ?? 'answered'
  return trajectorySchema.parse({
    id: 't',
    runId: 'r',
    taskId: 'task',
    rollout: 0,
    status: 'done',
    stopReason,
    answer,
    usage: { inputTokens: 1000, outputTokens: 200, calls: 3, costUsd: null },
    scores: [],
    reward: null,
    scripted: true,
    error: null,
    startedAt: null,
    endedAt: null,
    schemaVersion: 1,
    sandbox: 'none',
    protocol: { id: 'rlm', hash: 'h' },
    seed: 0,
    attempt: 1,
    divergence: null,
    origin: null,
    lostCalls: [],
    invocations: [{ id: 'i', depth: 0, parentCellId: null, stopReason, answer, turns }],
    ...rest,
  })
}
