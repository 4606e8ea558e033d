// Counts the time in which a cell computes: it stands still while the host answers calls.
export interface ComputeClock {
  pause(): void
  resume(): void
  /** Stops for good; milliseconds computed and milliseconds in all. */
  stop(): { computeMs: number; durationMs: number }
}

/** Starts at once; calls `onLimit` once when `limitMs` have been computed. */
export function startClock(limitMs: number, onLimit: () => void): ComputeClock {
  const startedAt = performance.now()
  let computedMs = 0
  let runningSince: number | null = null
  let timer: NodeJS.Timeout | undefined

  function pause(): void {
    clearTimeout(timer)
    if (runningSince !== null) computedMs += performance.now() - runningSince
    runningSince = null
  }

  function resume(): void {
    if (runningSince !== null) return
    runningSince = performance.now()
    timer = setTimeout(onLimit, Math.max(0, Math.min(limitMs - computedMs, 2 ** 31 - 1)))
  }

  resume()
  return {
    pause,
    resume,
    stop() {
      pause()
      return { computeMs: computedMs, durationMs: performance.now() - startedAt }
    },
  }
}
