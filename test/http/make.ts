// Calls, cells and turns as a collector records them, on one time.
import { countCharacters } from '../../api/http/preview.ts'
import { newId } from '../../src/ids.ts'
import type { Call, Cell, Turn } from '../../src/trajectory.ts'

export const start = Date.parse('2026-11-20T09:14:07.000Z')
let time = start

export function resetClock(): void {
  time = start
}

/** The time now; `milliseconds` pass. */
export function tick(milliseconds: number): string {
  const at = new Date(time).toISOString()
  time += milliseconds
  return at
}

export function makeCall(change: Partial<Call> = {}): Call {
  const latencyMs = change.latencyMs ?? 1840
  return {
    id: newId(),
    kind: 'policy',
    model: 'Qwen/Qwen3-Coder-30B',
    provider: 'openai',
    scripted: false,
    messages: [],
    response: { text: '', reasoning: null, finishReason: 'stop' },
    usage: {
      inputTokens: 2480,
      outputTokens: 312,
      cachedTokens: 1920,
      reasoningTokens: 88,
      costUsd: 0.00312,
    },
    attempts: 1,
    error: null,
    latencyMs,
    startedAt: change.startedAt ?? tick(latencyMs),
    order: 0,
    batchId: null,
    batchIndex: null,
    depth: 0,
    requestId: 'req_7f2c90aa1b',
    sampling: { temperature: 1, maxTokens: 4096 },
    invocationId: null,
    tokenSource: 'engine',
    ...change,
  }
}

export function makeCell(change: Partial<Cell> = {}): Cell {
  const stdout = change.stdout ?? ''
  const stderr = change.stderr ?? ''
  return {
    id: newId(),
    index: 0,
    code: 'print(len(context))',
    stdout,
    stderr,
    stdoutCharacters: countCharacters(stdout),
    stderrCharacters: countCharacters(stderr),
    error: null,
    death: null,
    durationMs: 41.7,
    computeMs: 12.3,
    variables: [],
    finalAnswer: null,
    calls: [],
    ...change,
  }
}

export function makeTurn(index: number, call: Call, ...cells: Cell[]): Turn {
  return {
    id: newId(),
    index,
    forced: false,
    compaction: false,
    extendsPrevious: null,
    call,
    cells: cells.map((cell, i) => ({ ...cell, index: i })),
  }
}

/** The policy call after `cell` ran: the messages so far, the answer, and what the REPL said. */
export function afterwards(call: Call, cell: Cell, change: Partial<Call>): Call {
  time = Math.max(time, Date.parse(call.startedAt) + (call.latencyMs ?? 0) + cell.durationMs)
  const feedback = cell.death
    ? `The REPL was killed: ${cell.death.detail}`
    : `REPL output:\n${cell.stdout.slice(0, 2000)}${cell.stderr}`
  return makeCall({
    ...change,
    messages: [
      ...call.messages,
      { role: 'assistant', content: call.response.text ?? '' },
      { role: 'user', content: feedback },
    ],
  })
}
