// Statistics apart for each value of a field: difficulty, length, a name. Numbers of many values are put into
// ranges that double, so that a table stays short.
import type { Json } from '../../src/json.ts'
import { runStatistics, type RunStatistics, type Sample, type StatisticsOptions } from './run.ts'

export interface FieldStatistics extends RunStatistics {
  field: string
  value: string
}

/** Above so many different numbers they are put into ranges. */
const mostNumbers = 12

/**
 * One entry for each value that `valueOf` gives, in the order of numbers or of the alphabet; samples without the
 * field are under `–`.
 */
export function statisticsByField(
  samples: readonly Sample[],
  field: string,
  valueOf: (sample: Sample) => Json | undefined,
  options: StatisticsOptions,
): FieldStatistics[] {
  const values = new Map(samples.map((sample) => [sample, valueOf(sample)]))
  const numbers = new Set([...values.values()].filter((value) => typeof value === 'number'))
  const inRanges = numbers.size > mostNumbers
  const groups = Map.groupBy(samples, (sample) => label(values.get(sample), inRanges))
  return [...groups]
    .toSorted(([a], [b]) => order(a, b))
    .map(([value, list]) => ({ field, value, ...runStatistics(list, options) }))
}

function label(value: Json | undefined, inRanges: boolean): string {
  if (value === undefined || value === null) return '–'
  if (typeof value === 'number' && inRanges) return range(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** `1024-2047`; what is below 1 is one range. */
function range(value: number): string {
  if (value < 1) return '<1'
  const low = 2 ** Math.floor(Math.log2(value))
  return `${low}-${2 * low - 1}`
}

const collator = new Intl.Collator('en', { numeric: true })

function order(a: string, b: string): number {
  const places = [a, b].map((text) => (text === '–' ? 1 : 0))
  return (places[0] ?? 0) - (places[1] ?? 0) || collator.compare(a, b)
}
