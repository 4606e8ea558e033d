// Walking a trajectory's tree: cells and sub-calls in the order in which they ran.
import type { Call, Cell, Invocation, Trajectory } from '../../src/trajectory.ts'

export function cellsOf(invocation: Invocation): Cell[] {
  return invocation.turns.flatMap(({ cells }) => cells)
}

export function allCells({ invocations }: Trajectory): Cell[] {
  return invocations.flatMap(cellsOf)
}

/** Sub-calls, of every depth; policy calls are not among them. */
export function subCalls(trajectory: Trajectory): Call[] {
  return allCells(trajectory).flatMap(({ calls }) => calls)
}

export function promptCharacters({ messages }: Call): number {
  return messages.reduce((sum, { content }) => sum + content.length, 0)
}
