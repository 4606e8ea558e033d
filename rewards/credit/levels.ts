// Advantages carried from the level that a method speaks at down to a finer one: from a trajectory to its
// invocations, from those to their turns, from those to the tokens that the policy wrote.
import type { CallTokens } from '../../src/store/contract.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import type { CreditLevel } from './methods.ts'
import { inheritAdvantage } from './tree.ts'

/** The advantage of a trajectory, an invocation, a turn, or the tokens of a turn. */
export interface Credit {
  trajectoryId: string
  taskId: string
  rollout: number
  /** Null for the trajectory as a whole. */
  invocationId: string | null
  depth: number | null
  /** Null for an invocation as a whole. */
  turnId: string | null
  turn: number | null
  /** What it was computed from; null when it was never scored. */
  reward: number | null
  /** Null when it was never scored. */
  advantage: number | null
  /** Factor of its part of the loss; the advantage of a token is advantage × weight. */
  weight: number
  /** One for each completion token of the turn; null where the level is not tokens, or their number unknown. */
  tokens: Float32Array | null
}

type Tree = Pick<Trajectory, 'id' | 'taskId' | 'rollout' | 'invocations'>

export function wholeCredit(
  tree: Pick<Trajectory, 'id' | 'taskId' | 'rollout'>,
  reward: number | null,
  advantage: number | null,
): Credit {
  const { id: trajectoryId, taskId, rollout } = tree
  const place = { invocationId: null, depth: null, turnId: null, turn: null }
  return { trajectoryId, taskId, rollout, ...place, reward, advantage, weight: 1, tokens: null }
}

/** Children inherit the advantage of the root, with 1/k weights (see `inheritAdvantage`). */
export function toInvocations(whole: Credit, tree: Tree): Credit[] {
  const inherited = inheritAdvantage(tree, whole.advantage)
  if (!inherited) return [whole]
  return inherited.map(({ invocationId, depth, advantage, weight }) => ({
    ...whole,
    invocationId,
    depth,
    advantage,
    weight,
  }))
}

/** Every turn has the advantage and weight of its invocation. */
export function toTurns(credit: Credit, tree: Tree): Credit[] {
  const turns = tree.invocations.find(({ id }) => id === credit.invocationId)?.turns ?? []
  return turns.map(({ id, index }) => ({ ...credit, turnId: id, turn: index }))
}

/** Every completion token has the advantage × weight of its turn. Turns without known tokens keep null. */
export function toTokens(credit: Credit, tree: Tree, tokens: ReadonlyMap<string, CallTokens>): Credit {
  const turns = tree.invocations.find(({ id }) => id === credit.invocationId)?.turns ?? []
  const callId = turns.find(({ id }) => id === credit.turnId)?.call.id
  const count = tokens.get(callId ?? '')?.completion?.length
  if (count === undefined || credit.advantage === null) return credit
  return { ...credit, tokens: new Float32Array(count).fill(credit.advantage * credit.weight) }
}

/** From credits of `from` to those of `level`. `tokens` is asked for at most once. */
export async function refine(
  credits: Credit[],
  tree: Tree,
  from: CreditLevel,
  level: CreditLevel,
  tokens: () => Promise<ReadonlyMap<string, CallTokens>>,
): Promise<Credit[]> {
  if (level === 'trajectory') return credits
  let finer = from === 'trajectory' ? credits.flatMap((credit) => toInvocations(credit, tree)) : credits
  if (level === 'invocation') return finer
  if (from !== 'turn') {
    // What was never scored has no turns either: it stays one line.
    finer = finer.flatMap((credit) => (credit.invocationId === null ? [credit] : toTurns(credit, tree)))
  }
  if (level === 'turn') return finer
  const known = await tokens()
  return finer.map((credit) => (credit.turnId === null ? credit : toTokens(credit, tree, known)))
}
