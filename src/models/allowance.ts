// A token bucket: so many units a minute, of which a second's worth may be taken at once. What is taken
// beyond it (an answer longer than expected) is owed, and delays what comes next.
export interface Allowance {
  readonly perMinute: number
  /** Milliseconds until `units` may be taken; more than the bucket holds may be taken when it is full. */
  waitFor(units: number, now: number): number
  /** Negative `units` are given back. */
  take(units: number, now: number): void
}

/** Without a rate everything is allowed at once. `now` is in milliseconds of one steady clock. */
export function createAllowance(perMinute: number | undefined): Allowance {
  if (perMinute === undefined) return { perMinute: Infinity, waitFor: () => 0, take: () => {} }
  const perMillisecond = perMinute / 60_000
  const most = Math.max(1, perMinute / 60)
  let level = most
  let at: number | null = null

  function fill(now: number): void {
    level = Math.min(most, level + (now - (at ?? now)) * perMillisecond)
    at = now
  }

  return {
    perMinute,
    waitFor(units, now) {
      fill(now)
      return Math.max(0, (Math.min(units, most) - level) / perMillisecond)
    },
    take(units, now) {
      fill(now)
      level = Math.min(most, level - units)
    },
  }
}
