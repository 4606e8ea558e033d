// The conditions of pair questions: how they are put into words, and which pairs of users meet them.
import { formatDay } from './window.ts'
import type { Line } from './window.ts'

export interface Requirement {
  label: string
  count: number
  /** Exactly so many, or at least. */
  exactly: boolean
}

export type PairSpec =
  | {
      kind: 'both'
      /** Both users have at least `least` lines of one of these labels. */
      anyOf: string[]
      least: number
      /** All lines of the label that either user has are on this side of the day. */
      dated: { label: string; side: 'before' | 'after'; day: number } | null
    }
  | { kind: 'each'; first: Requirement[]; second: Requirement[] }

/** Pairs of user numbers, the lower first, in ascending order. */
export function findPairs(
  lines: readonly Pick<Line, 'user' | 'label' | 'day'>[],
  spec: PairSpec,
): number[][] {
  const byUser = Map.groupBy(lines, ({ user }) => user)
  const users = [...byUser.keys()].toSorted((a, b) => a - b)
  const fits = (user: number, test: (own: Pick<Line, 'label' | 'day'>[]) => boolean) =>
    test(byUser.get(user) ?? [])
  const first = new Set(users.filter((user) => fits(user, (own) => meetsFirst(own, spec))))
  const second = new Set(users.filter((user) => fits(user, (own) => meetsSecond(own, spec))))
  const found: number[][] = []
  for (const [index, low] of users.entries()) {
    for (const high of users.slice(index + 1)) {
      if ((first.has(low) && second.has(high)) || (first.has(high) && second.has(low)))
        found.push([low, high])
    }
  }
  return found
}

type Own = readonly Pick<Line, 'label' | 'day'>[]

function meetsFirst(own: Own, spec: PairSpec): boolean {
  if (spec.kind === 'each') return spec.first.every((requirement) => meets(own, requirement))
  const { anyOf, least, dated } = spec
  if (own.filter(({ label }) => anyOf.includes(label)).length < least) return false
  if (!dated) return true
  return own
    .filter(({ label }) => label === dated.label)
    .every(({ day }) => (dated.side === 'before' ? day < dated.day : day > dated.day))
}

function meetsSecond(own: Own, spec: PairSpec): boolean {
  return spec.kind === 'each'
    ? spec.second.every((requirement) => meets(own, requirement))
    : meetsFirst(own, spec)
}

function meets(own: Own, { label, count, exactly }: Requirement): boolean {
  const found = own.filter((line) => line.label === label).length
  return exactly ? found === count : found >= count
}

export function describePairs(spec: PairSpec, labels: readonly string[]): string {
  return `In the above data, list all pairs of user IDs (no duplicate pairs, list lower ID first) ${conditionOf(spec)}. Each of the instances can be labelled as one of the labels: ${labels.join(', ')}. In your answer, list all pairs in the format (user_id_1, user_id_2), separated by newlines.`
}

function conditionOf(spec: PairSpec): string {
  if (spec.kind === 'each') {
    return `such that one user has ${listOf(spec.first)}, and the other user has ${listOf(spec.second)}`
  }
  const [first, second] = spec.anyOf
  const amount = spec.least === 1 ? 'at least one instance' : `at least ${spec.least} instances altogether`
  const dated = spec.dated
    ? `, and all instances that are a ${spec.dated.label} of both users must be ${spec.dated.side} ${formatDay(spec.dated.day)}`
    : ''
  return `where both users have ${amount} with a ${first} or ${second}${dated}`
}

function listOf(requirements: readonly Requirement[]): string {
  return requirements
    .map(({ label, count, exactly }) => {
      const amount = `${exactly ? 'exactly' : 'at least'} ${count === 1 ? 'one instance' : `${count} instances`}`
      return `${amount} with a ${label}`
    })
    .join(' and ')
}
