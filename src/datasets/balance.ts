// Caps over tasksets. Of a taskset that has too many, trajectories are taken round by round over its
// tasks, in an order that only the seed decides, so that no task is used up before another is touched.
import { sha256Hex } from '../hash.ts'
import type { Selected } from './selection.ts'

/** At most `most` of each taskset; null: as many as the smallest one has. The order stays. */
export function capTasksets(
  selected: Selected[],
  tasksetOf: (taskHash: string) => string,
  most: number | null,
  seed: number,
): Selected[] {
  const tasksets = [...Map.groupBy(selected, ({ taskHash }) => tasksetOf(taskHash)).values()]
  const limit = most ?? Math.min(...tasksets.map((members) => members.length))
  const kept = new Set(tasksets.flatMap((members) => takeEvenly(members, limit, seed)))
  return selected.filter((one) => kept.has(one))
}

function takeEvenly(members: Selected[], limit: number, seed: number): Selected[] {
  if (members.length <= limit) return members
  const tasks = [...Map.groupBy(members, ({ taskHash }) => taskHash)]
    .map(([hash, list]) => ({ draw: sha256Hex(`${seed}:${hash}`), list }))
    .toSorted((a, b) => (a.draw < b.draw ? -1 : 1))
  const taken: Selected[] = []
  for (let round = 0; taken.length < limit; round += 1) {
    for (const { list } of tasks) {
      const one = list[round]
      if (one && taken.length < limit) taken.push(one)
    }
  }
  return taken
}
