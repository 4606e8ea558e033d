// Two trajectories beside each other: the cells of their roots by turn and by place in it, and a turn without
// a cell by what it said. Pure.
import type { CellNode, InvocationNode, TrajectoryTree, TurnNode } from '../../http/tree.ts'

export interface Side {
  turn: TurnNode
  /** Null for a turn that ran no code. */
  cell: CellNode | null
}

export interface Pair {
  turn: number
  cell: number
  first: Side | null
  second: Side | null
  /** The code, or without code the response, is the same. */
  sameCode: boolean
  sameOutput: boolean
}

export interface Alignment {
  pairs: Pair[]
  /** The first pair that differs; -1 when none does. */
  firstDifference: number
}

export function align(first: TrajectoryTree, second: TrajectoryTree): Alignment {
  const [a, b] = [rootOf(first)?.turns ?? [], rootOf(second)?.turns ?? []]
  const pairs: Pair[] = []
  for (let turn = 0; turn < Math.max(a.length, b.length); turn++) {
    const [left, right] = [sidesOf(a[turn]), sidesOf(b[turn])]
    for (let cell = 0; cell < Math.max(left.length, right.length); cell++)
      pairs.push(pairOf(turn, cell, left[cell] ?? null, right[cell] ?? null))
  }
  return {
    pairs,
    firstDifference: pairs.findIndex(({ sameCode, sameOutput }) => !sameCode || !sameOutput),
  }
}

function rootOf(tree: TrajectoryTree): InvocationNode | undefined {
  return tree.invocations.find(({ parentCellId }) => parentCellId === null)
}

function sidesOf(turn: TurnNode | undefined): Side[] {
  if (!turn) return []
  return turn.cells.length === 0 ? [{ turn, cell: null }] : turn.cells.map((cell) => ({ turn, cell }))
}

function pairOf(turn: number, cell: number, first: Side | null, second: Side | null): Pair {
  const same = (of: (side: Side) => string) => first !== null && second !== null && of(first) === of(second)
  return { turn, cell, first, second, sameCode: same(codeOf), sameOutput: same(outputOf) }
}

/** Where nothing ran, what the model said stands for the code. */
export function codeOf({ turn, cell }: Side): string {
  return cell ? cell.code.text : (turn.call.response.text?.text ?? turn.call.error?.message ?? '')
}

export function outputOf({ cell }: Side): string {
  if (!cell) return ''
  const parts = [
    cell.stdout.text,
    cell.stderr.text,
    cell.error?.traceback.text ?? '',
    cell.death?.reason ?? '',
  ]
  return parts.filter((part) => part !== '').join('\n')
}

/** Whether more was said or printed than the tree holds of it. */
export function isCut({ turn, cell }: Side): boolean {
  return cell
    ? cell.code.truncated || cell.stdout.truncated || cell.stderr.truncated
    : (turn.call.response.text?.truncated ?? false)
}
