// Collection from a server that fails in every way, through the CLI: no crash, every failure is a row
// with its class, and the traffic adapts to what the server bears.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWorkplace, type Workplace } from '../support/cli.ts'
import { countBy, overTime, runWithFaults, type FaultRun } from '../support/fault-run.ts'
import { classesOf } from '../support/faulty-server.ts'

/** Bears twelve requests at once, and from the hundred and twentieth on three. */
const capacity = (count: number) => (count < 120 ? 12 : 3)

let workplace: Workplace
let run: FaultRun

beforeAll(async () => {
  workplace = await createWorkplace()
  run = await runWithFaults(workplace, { tasks: 10, rollouts: 3, concurrency: 16, capacity })
}, 120_000)
afterAll(async () => await workplace.dispose())

describe('collecting from a server that fails in every way', () => {
  it('ends, with every trajectory accounted for', () => {
    const [collected] = run.result.json<{ trajectories: number; done: number; failed: number }>()
    expect(run.result.stderr).not.toMatch(/unexpected|unhandled|\n\s+at /i)
    expect(collected?.trajectories).toBe(30)
    expect((collected?.done ?? 0) + (collected?.failed ?? 0)).toBe(30)
    expect(collected?.done).toBeGreaterThan(15)
    expect(countBy(run.trajectories, ({ status }) => status)).toEqual({
      done: collected?.done,
      ...(collected?.failed ? { failed: collected.failed } : {}),
    })
  })

  it('books every request that the server saw, once', () => {
    expect(run.calls.reduce((sum, call) => sum + call.attempts, 0)).toBe(run.seen.length)
  })

  it('records every failure under its class, and none that was not', () => {
    const met = countBy(
      run.calls.flatMap(({ error, raw }) => [...(raw?.failedAttempts ?? []), ...(error ? [error] : [])]),
      ({ code }) => code,
    )
    const known = new Set(Object.values(classesOf).flat())
    expect(Object.keys(met).filter((code) => !known.has(code))).toEqual([])
    const missing = Object.entries(classesOf).filter(([fault, codes]) => {
      const served = run.faults.get(fault as keyof typeof classesOf) ?? 0
      return served === 0 || !codes.some((code) => (met[code] ?? 0) > 0)
    })
    expect(missing).toEqual([])
    const failed = run.calls.filter(({ error }) => error !== null)
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.every(({ response }) => response === null)).toBe(true)
  })

  it('records empty answers as answers', () => {
    const { empty, reasoning_only } = countBy(run.calls, ({ raw }) => raw?.noText ?? null)
    expect(empty).toBe(run.faults.get('empty'))
    expect(reasoning_only).toBe(run.faults.get('reasoning_only'))
    const thought = run.calls.filter(({ raw }) => raw?.noText === 'reasoning_only')
    expect(thought.every(({ reasoning, error }) => reasoning !== null && error === null)).toBe(true)
  })

  it('adapts to what the server bears, as the server saw it', () => {
    const [early, , late] = overTime(run.seen, 3)
    expect(early?.open).toBeGreaterThan(6)
    expect(late?.open).toBeLessThanOrEqual(6)
    expect(late?.refused).toBeLessThan(0.25)
  })
})
