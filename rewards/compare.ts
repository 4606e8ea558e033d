// What changed between two rewards, or two versions of one, on the trajectories that both have scored.
import { UsageError } from '../src/errors.ts'
import type { Figures, StoredScore } from '../src/store/contract.ts'

/** `name`, `name@version` or `name@version#options-hash`; of several rows that fit, the newest counts. */
export interface ScoreReference {
  name: string
  version: string | null
  options: string | null
}

/** Errors raised: UsageError. */
export function readReference(text: string): ScoreReference {
  const found = /^([^@#\s]+)(?:@([^#\s]+))?(?:#([0-9a-f]+))?$/.exec(text)
  if (!found) throw new UsageError(`--compare: "${text}" is not name, name@version or name@version#hash`)
  return { name: found[1] ?? '', version: found[2] ?? null, options: found[3] ?? null }
}

export function findScore(scores: readonly StoredScore[], wanted: ScoreReference): StoredScore | null {
  return (
    scores.findLast(
      ({ reward, version, optionsHash }) =>
        reward === wanted.name &&
        (wanted.version === null || version === wanted.version) &&
        (wanted.options === null || optionsHash.startsWith(wanted.options)),
    ) ?? null
  )
}

export interface Change {
  trajectoryId: string
  taskId: string
  rollout: number
  a: number
  b: number
}

export interface Comparison {
  /** Trajectories with a value from both. */
  both: number
  onlyA: number
  onlyB: number
  /** An error in place of a value. */
  errorsA: number
  errorsB: number
  meanA: number | null
  meanB: number | null
  rose: number
  fell: number
  /** The largest changes first. */
  changes: Change[]
}

const keptChanges = 1000

export function createComparison(a: ScoreReference, b: ScoreReference) {
  const result = { both: 0, onlyA: 0, onlyB: 0, errorsA: 0, errorsB: 0, rose: 0, fell: 0 }
  const seen = new Set<string>()
  let [sumA, sumB] = [0, 0]
  let changes: Change[] = []

  function sorted(): Change[] {
    return changes.toSorted((x, y) => Math.abs(y.b - y.a) - Math.abs(x.b - x.a)).slice(0, keptChanges)
  }

  return {
    add({ id, taskId, rollout, scores }: Figures): void {
      for (const { reward, version } of scores) seen.add(`${reward}@${version}`)
      const [first, second] = [findScore(scores, a), findScore(scores, b)]
      if (first && first.value === null) result.errorsA += 1
      if (second && second.value === null) result.errorsB += 1
      const [from, to] = [first?.value ?? null, second?.value ?? null]
      if (from === null || to === null) {
        if (from !== null) result.onlyA += 1
        if (to !== null) result.onlyB += 1
        return
      }
      result.both += 1
      sumA += from
      sumB += to
      if (from === to) return
      if (to > from) result.rose += 1
      else result.fell += 1
      changes.push({ trajectoryId: id, taskId, rollout, a: from, b: to })
      if (changes.length >= 4 * keptChanges) changes = sorted()
    },
    /** Errors raised: UsageError when neither was found anywhere. */
    end(): Comparison {
      if (result.both + result.onlyA + result.onlyB + result.errorsA + result.errorsB === 0) {
        const there = [...seen].toSorted().join(', ') || 'none'
        throw new UsageError(`--compare: no trajectory has either score; this run has ${there}`)
      }
      const mean = (sum: number) => (result.both === 0 ? null : sum / result.both)
      return { ...result, meanA: mean(sumA), meanB: mean(sumB), changes: sorted() }
    },
  }
}
