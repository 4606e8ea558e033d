// Credit inside a tree of invocations. Only the root is scored; its children are trained too.
import type { Invocation, Trajectory } from '../../src/trajectory.ts'
import { cellsOf } from '../process/tree.ts'

export interface InvocationCredit {
  invocationId: string
  depth: number
  advantage: number
  /** Factor of the invocation's loss: the product of 1 / (number of siblings, itself included) up to the root. */
  weight: number
}

/**
 * Every invocation inherits the advantage of the root; its loss weighs as in
 * L(node) = own loss + (1/k) Σ L(child) over its k children, so that many children do not outweigh their parent.
 * Null when the root was never scored. Children whose parent is not in the tree are left out.
 * Source: alphaXiv, "Reinforcing Recursive Language Models" (2026-05-12), SkyRL pull request 1596.
 */
export function inheritAdvantage(
  trajectory: Pick<Trajectory, 'invocations'>,
  advantage: number | null,
): InvocationCredit[] | null {
  if (advantage === null) return null
  const children = childrenOf(trajectory.invocations)
  const credits: InvocationCredit[] = []
  const open = trajectory.invocations
    .filter(({ parentCellId }) => parentCellId === null)
    .map((invocation) => ({ invocation, weight: 1 }))
  for (let next = open.shift(); next; next = open.shift()) {
    const { invocation, weight } = next
    credits.push({ invocationId: invocation.id, depth: invocation.depth, advantage, weight })
    const own = children.get(invocation.id) ?? []
    open.push(...own.map((child) => ({ invocation: child, weight: weight / own.length })))
  }
  return credits
}

/** Children by the id of their parent; those whose parent is not in the list are left out. */
export function childrenOf(invocations: readonly Invocation[]): Map<string, Invocation[]> {
  const owner = new Map(
    invocations.flatMap((invocation) => cellsOf(invocation).map((cell) => [cell.id, invocation.id])),
  )
  const children = new Map<string, Invocation[]>()
  for (const invocation of invocations) {
    const parent = invocation.parentCellId === null ? undefined : owner.get(invocation.parentCellId)
    if (parent === undefined) continue
    const list = children.get(parent)
    if (list) list.push(invocation)
    else children.set(parent, [invocation])
  }
  return children
}

export interface TokenCredit {
  callId: string
  /** One for each completion token of the call. */
  advantages: Float32Array
}

/** An invocation's credit on every completion token of its policy calls: advantage × weight. */
export function tokenAdvantages(
  invocation: Invocation,
  credit: InvocationCredit,
  completionTokens: ReadonlyMap<string, number>,
): TokenCredit[] {
  return invocation.turns.flatMap(({ call }) => {
    const count = completionTokens.get(call.id)
    if (count === undefined) return []
    return [{ callId: call.id, advantages: new Float32Array(count).fill(credit.advantage * credit.weight) }]
  })
}
