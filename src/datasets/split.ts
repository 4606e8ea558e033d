// Train, validation and test. A split is made of whole source documents, or of whole tasks, by content:
// all rollouts of a task, in whatever run, are on one side, and a task stays there when others come or go.
import { sha256 } from '../hash.ts'

export type Split = 'train' | 'validation' | 'test'
export const splits: Split[] = ['train', 'validation', 'test']

/** What is never divided: a task, or all tasks about one document. */
export const splitUnits = ['document', 'task'] as const
export type SplitUnit = (typeof splitUnits)[number]

export interface SplitPlan {
  /** By task hash. */
  sides: Map<string, Split>
  unit: SplitUnit
  /** Distinct units. */
  units: number
}

export interface Fractions {
  /** Shares of the units, 0 to 1, together at most 1. */
  test: number
  validation: number
}

/**
 * The side of each task. `document` tells what its context is: by documents, tasks about one are on one
 * side; when all are about the same one, they are divided by task, and `unit` says so. With enough units,
 * each side whose fraction is above 0 gets at least one, and so does `train` when the fractions leave it a share.
 */
export function splitTasks(
  tasks: Iterable<{ hash: string; document: string }>,
  fractions: Fractions,
  seed: number,
  wanted: SplitUnit,
): SplitPlan {
  const documents = new Map([...tasks].map(({ hash, document }) => [hash, document]))
  const several = new Set(documents.values()).size > 1
  const unit = wanted === 'document' && several ? 'document' : 'task'
  const keyOf = (hash: string) => (unit === 'document' ? (documents.get(hash) ?? hash) : hash)
  const keys = [...new Set([...documents.keys()].map(keyOf))]
  const sideOfKey = sidesOf(keys, fractions, seed)
  const sides = new Map([...documents.keys()].map((hash) => [hash, sideOfKey.get(keyOf(hash)) ?? 'train']))
  return { sides, unit, units: keys.length }
}

function sidesOf(keys: string[], { test, validation }: Fractions, seed: number): Map<string, Split> {
  const draws = keys.map((key) => ({ key, draw: drawOf(key, seed) })).toSorted((a, b) => a.draw - b.draw)
  const wanted: Split[] = [
    ...(test > 0 ? (['test'] as const) : []),
    ...(validation > 0 ? (['validation'] as const) : []),
    'train',
  ]
  if (draws.length < 2 || wanted.length === 1) return new Map(keys.map((key) => [key, 'train']))
  const sides = new Map<string, Split>(
    draws.map(({ key, draw }) => [
      key,
      draw < test ? 'test' : draw < test + validation ? 'validation' : 'train',
    ]),
  )
  // The draws are in order: the first ones are test, the last ones train. A side that got none takes the
  // nearest unit of a side that has one to spare; train, the last, always keeps its one.
  const count = (side: Split) => [...sides.values()].filter((one) => one === side).length
  for (const side of wanted.toReversed()) {
    if (count(side) > 0) continue
    const spare = (key: string) => count(sides.get(key) ?? 'train') > 1
    const ordered = side === 'train' ? draws.toReversed() : draws
    const taken = ordered.find(
      ({ key }) => spare(key) && (side !== 'validation' || sides.get(key) === 'train'),
    )
    const any = taken ?? ordered.find(({ key }) => spare(key))
    if (any) sides.set(any.key, side)
  }
  return sides
}

/** A number in [0, 1) that only the unit and the seed decide. */
function drawOf(key: string, seed: number): number {
  return sha256(`${seed}:${key}`).readUIntBE(0, 6) / 2 ** 48
}
