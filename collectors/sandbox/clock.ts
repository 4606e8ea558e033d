// Counts the time in which a cell computes. It stands still while the host answers calls, but not for a
// cell that computes meanwhile in another thread: what the interpreter's processor time shows, counts.
import { readFileSync } from 'node:fs'

export interface ComputeClock {
  pause(): void
  resume(): void
  /** Stops for good; milliseconds computed and milliseconds in all. */
  stop(): { computeMs: number; durationMs: number }
}

const pollMs = 250
/** Linux reports processor time to programs in ticks of 1/100 s (`getconf CLK_TCK`), whatever the kernel's own. */
const tickMs = 10

/** Starts at once; calls `onLimit` once when `limitMs` have been computed. `processId`: the interpreter's. */
export function startClock(limitMs: number, processId: number, onLimit: () => void): ComputeClock {
  const startedAt = performance.now()
  const processorAtStart = processorMs(processId)
  let computedMs = 0
  let runningSince: number | null = null
  let timer: NodeJS.Timeout | undefined
  let poll: NodeJS.Timeout | undefined
  let stopped = false

  function processorUsed(): number {
    return Math.max(0, processorMs(processId) - processorAtStart)
  }

  function fire(): void {
    clearInterval(poll)
    if (!stopped) onLimit()
  }

  function pause(): void {
    clearTimeout(timer)
    if (runningSince !== null) computedMs += performance.now() - runningSince
    runningSince = null
    poll ??= setInterval(() => {
      if (runningSince === null && processorUsed() > limitMs) fire()
    }, pollMs).unref()
  }

  function resume(): void {
    if (runningSince !== null) return
    runningSince = performance.now()
    timer = setTimeout(fire, Math.max(0, Math.min(limitMs - computedMs, 2 ** 31 - 1)))
  }

  resume()
  return {
    pause,
    resume,
    stop() {
      stopped = true
      pause()
      clearInterval(poll)
      const durationMs = performance.now() - startedAt
      return { computeMs: Math.min(durationMs, Math.max(computedMs, processorUsed())), durationMs }
    },
  }
}

/** User and system time of a process so far (proc(5), fields 14 and 15 of stat); 0 when it is gone. */
function processorMs(processId: number): number {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, 'latin1')
    // The second field is the program's name in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * tickMs
  } catch {
    return 0
  }
}
