// How far an export is, and how fast: counted over all its configs.
import type { ConfigPlan, Plan } from './plan.ts'

export interface ExportProgress {
  /** Of all configs together. */
  trajectories: number
  rows: number
  /** Uncompressed bytes that this process wrote. */
  bytes: number
  /** Trajectories that there are to do, over all configs. */
  of: number
  /** Trajectories that an earlier process had done. */
  before: number
  seconds: number
  /** Null until there is something to go by. */
  secondsLeft: number | null
}

type Done = { trajectories: number; rows: number; bytes: number }

export function createProgress(plan: Plan, report: ((progress: ExportProgress) => void) | undefined) {
  const started = performance.now()
  const all = plan.configs.reduce((sum, { selected }) => sum + selected.length, 0)
  const done = new Map<string, Done>()
  const before = new Map<string, number>()
  const total = (of: (one: Done) => number) => [...done.values()].reduce((sum, one) => sum + of(one), 0)
  return {
    /** The reporter of one config. */
    of({ name }: ConfigPlan): (now: Done) => void {
      return (now) => {
        if (!before.has(name)) before.set(name, Math.max(0, now.trajectories - 1))
        done.set(name, now)
        if (!report) return
        const seconds = (performance.now() - started) / 1000
        const trajectories = total((one) => one.trajectories)
        const earlier = [...before.values()].reduce((sum, count) => sum + count, 0)
        const own = trajectories - earlier
        report({
          trajectories,
          rows: total((one) => one.rows),
          bytes: total((one) => one.bytes),
          of: all,
          before: earlier,
          seconds,
          secondsLeft: own > 0 ? (seconds / own) * Math.max(0, all - trajectories) : null,
        })
      }
    },
  }
}
