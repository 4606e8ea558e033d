// Values of the turns of a rollout from forks of it: continuations that begin after its first k turns.

export interface Fork {
  /** Root turns that it shares with the rollout: it estimates the value of the state after them. */
  turns: number
  reward: number | null
}

export interface StepCredit {
  /** The turn, from 0. */
  turn: number
  /** V(before the turn) and V(after it); null where no scored fork begins. */
  before: number | null
  after: number | null
  advantage: number | null
  /** Scored forks behind the two values. */
  forks: [before: number, after: number]
}

/**
 * V(s_k) = the mean reward of the scored forks that share k turns; A_t = V(s_{t+1}) − V(s_t). The state after
 * the last turn is the rollout's own end, whose value is its own reward. V(s_0) may be given as
 * `groupRewards`: rollouts from the start are forks that share no turn.
 * A value that nothing estimates is null and makes the two advantages beside it null; it is never 0.
 * Source: VinePPO, arXiv 2410.01679, with no discount and a reward only at the end.
 */
export function monteCarloSteps(
  turns: number,
  reward: number | null,
  forks: readonly Fork[],
  groupRewards: readonly (number | null)[] = [],
): StepCredit[] {
  const all: Fork[] = [...forks, ...groupRewards.map((value) => ({ turns: 0, reward: value }))]
  const states = Array.from({ length: turns + 1 }, (_, at) => {
    if (at === turns) return { value: reward, count: reward === null ? 0 : 1 }
    const scored = all.flatMap((fork) => (fork.turns === at && fork.reward !== null ? [fork.reward] : []))
    const total = scored.reduce((sum, value) => sum + value, 0)
    return { value: scored.length === 0 ? null : total / scored.length, count: scored.length }
  })
  return Array.from({ length: turns }, (_, turn) => {
    const [before, after] = [states[turn], states[turn + 1]]
    const [from, to] = [before?.value ?? null, after?.value ?? null]
    const advantage = from === null || to === null ? null : to - from
    return { turn, before: from, after: to, advantage, forks: [before?.count ?? 0, after?.count ?? 0] }
  })
}
