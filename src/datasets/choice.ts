// What is kept of each task once the conditions have been applied. Ties go to the earlier one.
import { UsageError } from '../errors.ts'
import { signatureOf, similarity } from './clean/minhash.ts'
import type { Selected } from './selection.ts'

export interface Choice {
  kind: 'all' | 'correct' | 'best' | 'shortest' | 'cheapest' | 'diverse'
  /** How many of each task; not for `all` and `correct`. */
  count: number
  /** As it was written. */
  text: string
}

/**
 * From `all`, `correct`, `best`, `shortest`, `cheapest` or `diverse`, the last four also with a number
 * (`best-3`). Throws a UsageError otherwise.
 */
export function parseChoice(text: string): Choice {
  const found = /^(?:(all|correct)|(best|shortest|cheapest|diverse)(?:-([1-9]\d{0,8}))?)$/.exec(text)
  if (!found) {
    throw new UsageError(
      `select: "${text}" is not known; allowed: all, correct, best, shortest, cheapest, diverse, ` +
        'and the last four with a number, such as best-3.',
    )
  }
  const kind = (found[1] ?? found[2]) as Choice['kind']
  // One alone differs from nothing.
  return { kind, count: Number(found[3] ?? (kind === 'diverse' ? 2 : 1)), text }
}

/**
 * `members` are what is left of one task. `correct` and `best` never take one without a reward;
 * `cheapest` goes by cost, and by tokens where a cost is unknown. `diverse` is given what the roots said,
 * as `choose` itself reads no trees.
 */
export function choose(members: Selected[], { kind, count }: Choice, threshold: number): Selected[] {
  if (kind === 'all' || kind === 'diverse') return members
  const scored = members.filter(({ reward }) => reward !== null)
  if (kind === 'correct') return scored.filter(({ reward }) => (reward ?? 0) >= threshold)
  if (kind === 'best') return scored.toSorted((a, b) => (b.reward ?? 0) - (a.reward ?? 0)).slice(0, count)
  if (kind === 'shortest') {
    return members.toSorted((a, b) => a.turns - b.turns || a.tokens - b.tokens).slice(0, count)
  }
  const priced = members.every(({ costUsd }) => costUsd !== null)
  return members
    .toSorted((a, b) => (priced ? (a.costUsd ?? 0) - (b.costUsd ?? 0) : 0) || a.tokens - b.tokens)
    .slice(0, count)
}

/**
 * The best by reward (without rewards, the first), then again and again the one whose responses are least
 * like those taken so far, by the MinHash estimate. `responsesOf` gives what the root of one said.
 */
export async function chooseDiverse(
  members: Selected[],
  count: number,
  responsesOf: (member: Selected) => Promise<string[]>,
): Promise<Selected[]> {
  if (members.length <= count) return members
  const left: { member: Selected; signature: Uint32Array | null; nearest: number }[] = []
  for (const member of members) {
    left.push({ member, signature: signatureOf(await responsesOf(member)), nearest: -1 })
  }
  const chosen: Selected[] = []
  let next = left.reduce((best, one) => (rewardOf(one) > rewardOf(best) ? one : best))
  for (;;) {
    chosen.push(next.member)
    left.splice(left.indexOf(next), 1)
    if (chosen.length === count || left.length === 0) return chosen
    const { signature } = next
    for (const one of left) {
      const close = signature && one.signature ? similarity(signature, one.signature) : 0
      one.nearest = Math.max(one.nearest, close)
    }
    next = left.reduce((farthest, one) => (one.nearest < farthest.nearest ? one : farthest))
  }
}

function rewardOf({ member }: { member: Selected }): number {
  return member.reward ?? Number.NEGATIVE_INFINITY
}
