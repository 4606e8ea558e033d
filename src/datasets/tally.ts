// How often each value of a measure occurred: small whatever the number of trajectories, and the same
// whether it was counted in one go or taken up again.

export interface Tally {
  /** Value and how often, in the order in which they were first seen. */
  counts: [number, number][]
  /** Of the values as they came, not as they are kept. */
  sum: number
  /** Trajectories whose value is not known. */
  unknown: number
}

export interface Tallier {
  add(value: number | null): void
  tally(): Tally
}

export interface Summary {
  known: number
  unknown: number
  minimum: number
  maximum: number
  mean: number
  sum: number
  /** At 10, 50 and 90 per cent: the least value that so many of the values do not exceed. */
  quantiles: { low: number; median: number; high: number }
}

/** With `digits`, values are kept to so many significant digits, which bounds how many there can be. */
export function createTallier(from?: Tally, digits?: number): Tallier {
  const counts = new Map<number, number>(from?.counts)
  let sum = from?.sum ?? 0
  let unknown = from?.unknown ?? 0
  return {
    add(value) {
      if (value === null || !Number.isFinite(value)) {
        unknown += 1
        return
      }
      sum += value
      const kept = digits === undefined ? value : Number(value.toPrecision(digits))
      counts.set(kept, (counts.get(kept) ?? 0) + 1)
    },
    tally: () => ({ counts: [...counts], sum, unknown }),
  }
}

/** Null when no value is known. */
export function summarize({ counts, sum, unknown }: Tally): Summary | null {
  const sorted = counts.toSorted(([a], [b]) => a - b)
  const [first] = sorted
  const last = sorted.at(-1)
  if (!first || !last) return null
  const known = sorted.reduce((total, [, count]) => total + count, 0)
  const at = (share: number) => {
    let left = share * known
    return sorted.find(([, count]) => (left -= count) <= 0)?.[0] ?? last[0]
  }
  return {
    known,
    unknown,
    minimum: first[0],
    maximum: last[0],
    mean: sum / known,
    sum,
    quantiles: { low: at(0.1), median: at(0.5), high: at(0.9) },
  }
}
