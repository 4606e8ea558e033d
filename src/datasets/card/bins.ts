// A tally as the bars of a plot: one for each value where there are few, else equal steps between round
// numbers, or steps of 1, 2, 5, 10 where the largest value is a hundred times the smallest.
import type { Tally } from '../tally.ts'

export interface Bar {
  from: number
  /** Equal to `from` for a bar of one value. */
  to: number
  count: number
}

export interface Bins {
  /** What a bar is of: a single value, or from one edge to the next, the last one included. */
  kind: 'values' | 'steps' | 'powers'
  /** In the order of their values; those between others may be empty. */
  bars: Bar[]
}

const mostValues = 6
const mostIntegers = 20
const wantedSteps = 12

/** Null when no value is known. With `even` the steps are equal, however far the values spread. */
export function binsOf({ counts }: Pick<Tally, 'counts'>, { even = false } = {}): Bins | null {
  const sorted = counts.toSorted(([a], [b]) => a - b)
  const [least] = sorted[0] ?? []
  const [most] = sorted.at(-1) ?? []
  if (least === undefined || most === undefined) return null
  const whole = sorted.every(([value]) => Number.isInteger(value))
  if (whole && most - least < mostIntegers) {
    const byValue = new Map(sorted)
    const values = Array.from({ length: most - least + 1 }, (_, index) => least + index)
    return {
      kind: 'values',
      bars: values.map((value) => ({ from: value, to: value, count: byValue.get(value) ?? 0 })),
    }
  }
  if (sorted.length <= mostValues) {
    return { kind: 'values', bars: sorted.map(([value, count]) => ({ from: value, to: value, count })) }
  }
  const powers = !even && least > 0 && most / least >= 100
  const edges = powers ? powersBetween(least, most) : stepsBetween(least, most, whole)
  const bars = edges.slice(1).map((to, index) => ({ from: edges[index] ?? to, to, count: 0 }))
  let place = 0
  for (const [value, count] of sorted) {
    while (place < bars.length - 1 && value >= (bars[place]?.to ?? value)) place += 1
    const bar = bars[place]
    if (bar) bar.count += count
  }
  return { kind: powers ? 'powers' : 'steps', bars }
}

/** Multiples of 1, 2 or 5 times a power of ten, so that about twelve steps hold both. */
function stepsBetween(least: number, most: number, whole: boolean): number[] {
  const rough = (most - least) / wantedSteps
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough
  const width = whole ? Math.max(1, step) : step
  const start = Math.floor(least / width)
  const end = Math.max(start + 1, Math.ceil(most / width))
  return Array.from({ length: end - start + 1 }, (_, index) => round((start + index) * width))
}

function powersBetween(least: number, most: number): number[] {
  const edges: number[] = []
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power += 1)
    for (const factor of [1, 2, 5]) edges.push(round(factor * 10 ** power))
  const first = edges.findLastIndex((edge) => edge <= least)
  const last = edges.findIndex((edge) => edge >= most)
  return edges.slice(Math.max(0, first), (last === -1 ? edges.length : last) + 1)
}

/** Without what binary fractions add: 0.30000000000000004 is 0.3. */
function round(value: number): number {
  return Number(value.toPrecision(12))
}
