import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { renderFrame } from '../../api/cli/live-frame.ts'
import { applyEvent, initialState } from '../../api/cli/live-state.ts'
import type { CollectEvent } from '../../collectors/events.ts'

const call = {
  type: 'call-end',
  kind: 'policy',
  inputTokens: 1200,
  outputTokens: 80,
  costUsd: 0.002,
  attempts: 2,
  error: null,
} as const

function stateAfter(events: CollectEvent[]) {
  const state = initialState(
    {
      name: 'needle-qwen',
      models: 'my-model → my-small-model',
      setup: 'rlm, 4 rollouts a task',
      budgetUsd: 1.5,
    },
    0,
  )
  for (const event of events) applyEvent(state, event, 1000)
  return state
}

const running: CollectEvent[] = [
  { type: 'planning', tasks: 12 },
  { type: 'start', runId: '01a20586-b269-72c6-b482-8e57ebf00881', trajectories: 100, alreadyDone: 10 },
  ...Array.from({ length: 30 }, (_, index): CollectEvent => ({
    type: 'trajectory-start',
    trajectoryId: `t${index}`,
    taskId: `a-task-with-a-rather-long-name-${index}`,
    rollout: index % 4,
  })),
  { type: 'turn-start', trajectoryId: 't0', turn: 2, depth: 0 },
  { ...call, trajectoryId: 't0' },
  { type: 'cell-start', trajectoryId: 't0', depth: 0 },
  { type: 'cell-end', trajectoryId: 't0', depth: 0, failed: true },
  {
    type: 'trajectory-end',
    trajectoryId: 't1',
    status: 'done',
    stopReason: 'answered',
    error: null,
    reward: 0.5,
  },
  {
    type: 'trajectory-end',
    trajectoryId: 't2',
    status: 'failed',
    stopReason: 'model_error',
    error: { boundary: 'model', code: 'timeout', message: 'no answer\u001b[2J\nin time' },
    reward: null,
  },
]

describe('the live view', () => {
  it.each([40, 80, 120, 200])('fits a terminal of %i columns and 24 rows', (columns) => {
    const lines = stripVTControlCharacters(
      renderFrame(stateAfter(running), { columns, rows: 24, now: 61_000 }),
    ).split('\n')
    expect(lines.length).toBeLessThan(24)
    for (const line of lines) expect(Array.from(line).length).toBeLessThanOrEqual(columns)
  })

  it('adds up what the events tell', () => {
    const frame = stripVTControlCharacters(
      renderFrame(stateAfter(running), { columns: 80, rows: 24, now: 61_000 }),
    )
    expect(frame).toContain('12%  12/100  1:00')
    expect(frame).toContain('reward 0.500')
    expect(frame).toContain('failed 1')
    expect(frame).toContain('1 retries')
    expect(frame).toContain('cost $0.0020 of $150.00')
    expect(frame).toContain('2 rollouts/min')
    expect(frame).toMatch(/#0 +cell +turn +3 +1 calls +1,280 tok +1:00 +1 err/)
    expect(frame).toContain('… and')
  })

  it('tells how much the servers bear', () => {
    const server = {
      endpoint: 'http://127.0.0.1:8000/v1',
      inFlight: 20,
      waiting: 4,
      limit: 24,
      requests: 1300,
      failures: 5,
      rateLimited: 3,
      serverErrors: 1,
      falls: 2,
      waits: 40,
      waitedMs: 900,
      pausedMs: 0,
    }
    const frame = (servers: (typeof server)[]) =>
      stripVTControlCharacters(
        renderFrame(stateAfter(running), { columns: 80, rows: 24, now: 61_000, servers }),
      )
    expect(frame([server])).toMatch(/tokens\/s {3}429s 3, limit 24$/m)
    expect(frame([server, { ...server, limit: 8, pausedMs: 200 }])).toContain('429s 6, limit 24 + 8, paused')
    expect(frame([])).not.toContain('429s')
  })

  it('lets no control character of a message reach the terminal', () => {
    expect(renderFrame(stateAfter(running), { columns: 80, rows: 24, now: 61_000 })).not.toContain(
      '\u001b[2J',
    )
  })
})
