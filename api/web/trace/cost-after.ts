// What a trajectory cost after a turn of its root. Pure.
import type { CallNode, TrajectoryTree } from '../../http/tree.ts'

/** In dollars, over the whole tree; null when the cost of a call is not known. */
export function costAfter(tree: TrajectoryTree, index: number): number | null {
  const invocations = new Map(tree.invocations.map((invocation) => [invocation.id, invocation]))
  const root = tree.invocations.find(({ parentCellId }) => parentCellId === null)
  const costOf = (call: CallNode): number | null => {
    const child = call.invocationId === null ? undefined : invocations.get(call.invocationId)
    // A call that started an agent is paid for by that agent's own calls.
    if (child) return sum(child.turns.map(turnCost))
    return call.usage === null ? (call.error ? 0 : null) : call.usage.costUsd
  }
  const turnCost = ({ call, cells }: NonNullable<typeof root>['turns'][number]): number | null =>
    sum([
      call.usage === null ? (call.error ? 0 : null) : call.usage.costUsd,
      ...cells.flatMap((cell) => cell.calls.map(costOf)),
    ])
  return sum((root?.turns ?? []).filter((turn) => turn.index > index).map(turnCost))
}

function sum(costs: (number | null)[]): number | null {
  return costs.reduce<number | null>((all, one) => (all === null || one === null ? null : all + one), 0)
}
