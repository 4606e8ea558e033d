// Train and test. A split is made of whole tasks, by content: all rollouts of a task, in whatever
// run, are on one side, and a task stays on its side when others come or go.
import { sha256 } from '../hash.ts'

export type Split = 'train' | 'test'
export const splits: Split[] = ['train', 'test']

/**
 * The side of each task hash. About `fraction` (0 to 1) of the tasks are `test`; when there are two
 * tasks or more and `fraction` is above 0, each side gets at least one.
 */
export function splitTasks(hashes: Iterable<string>, fraction: number, seed: number): Map<string, Split> {
  const draws = [...new Set(hashes)].map((hash) => ({ hash, draw: drawOf(hash, seed) }))
  const sides = new Map<string, Split>(
    draws.map(({ hash, draw }) => [hash, draw < fraction ? 'test' : 'train'] as const),
  )
  if (fraction === 0 || draws.length < 2) return new Map(draws.map(({ hash }) => [hash, 'train'] as const))
  const ordered = draws.toSorted((a, b) => a.draw - b.draw)
  const first = ordered[0]
  const last = ordered.at(-1)
  if (first) sides.set(first.hash, 'test')
  if (last) sides.set(last.hash, 'train')
  return sides
}

/** A number in [0, 1) that only the task and the seed decide. */
function drawOf(hash: string, seed: number): number {
  return sha256(`${seed}:${hash}`).readUIntBE(0, 6) / 2 ** 48
}
