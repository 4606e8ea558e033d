// Counts the time in which a cell computes. It stands still while the host answers calls, but not for a
// cell that computes meanwhile in another thread: what the interpreter's processor time shows, counts.
import { readFileSync } from 'node:fs'
import type { Alarm } from './alarm.ts'

export interface ComputeClock {
  pause(): void
  resume(): void
  /** Stops for good; milliseconds computed and milliseconds in all. */
  stop(): { computeMs: number; durationMs: number }
}

const pollMs = 250
/** Linux reports processor time to programs in ticks of 1/100 s (`getconf CLK_TCK`), whatever the kernel's own. */
const tickMs = 10

/**
 * Starts at once; calls `onLimit` once when `limitMs` have been computed. `processId`: the interpreter's;
 * null where its processor time cannot be seen. The alarm is the clock's until it stops.
 */
export function startClock(
  alarm: Alarm,
  limitMs: number,
  processId: number | null,
  onLimit: () => void,
): ComputeClock {
  const startedAt = performance.now()
  let computedMs = 0
  let runningSince: number | null = null
  /** Set at the first pause: until then, time by the wall is all there is to count. */
  let poll: NodeJS.Timeout | undefined
  let offsetMs = 0
  let stopped = false

  function processorUsed(): number {
    return poll === undefined ? 0 : processorMs(processId) + offsetMs
  }

  function fire(): void {
    clearInterval(poll)
    if (!stopped) onLimit()
  }

  function pause(): void {
    if (runningSince !== null) computedMs += performance.now() - runningSince
    runningSince = null
    alarm.lift()
    if (poll !== undefined || stopped) return
    offsetMs = computedMs - processorMs(processId)
    poll = setInterval(() => {
      if (processorUsed() > limitMs) fire()
    }, pollMs).unref()
  }

  function resume(): void {
    if (runningSince !== null) return
    runningSince = performance.now()
    alarm.set(limitMs - computedMs, fire)
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
function processorMs(processId: number | null): number {
  if (processId === null) return 0
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, 'latin1')
    // The second field is the program's name in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * tickMs
  } catch {
    return 0
  }
}
