// The right side: the selected node.
import type { CellNode, TrajectoryTree } from '../../http/tree.ts'
import { plural, sizeOf } from '../format.ts'
import { PartScores } from '../parts/chips.tsx'
import { Visible } from '../text/text.tsx'
import { AgentOutcome, CallDetail } from './call-detail.tsx'
import { CallTable } from './call-table.tsx'
import { CellDetail } from './cell-detail.tsx'
import { ForkForm } from './fork-form.tsx'
import { Icon } from './icons.tsx'
import { LabelsPanel } from './labels-panel.tsx'
import { labelOf } from './labels.ts'
import { ancestors } from './nodes.ts'
import type { TraceNode } from './nodes.ts'
import { Overview } from './overview.tsx'
import { Section } from './section.tsx'

interface DetailProps {
  tree: TrajectoryTree
  node: TraceNode
  onOpen: (key: string) => void
  /** Something of the trajectory is other than the tree tells. */
  onChange: () => void
}

export function Detail({ tree, node, onOpen, onChange }: DetailProps) {
  const path = ancestors(node)
    .filter((ancestor) => ancestor.kind !== 'trajectory')
    .toReversed()
  return (
    <article class={`detail depth-${Math.min(node.depth, 4)}`} aria-label={labelOf(node).title}>
      <header class="detail-head">
        <Icon node={node} />
        {path.map((ancestor) => (
          <>
            <button type="button" class="text-button" onClick={() => onOpen(ancestor.key)}>
              {labelOf(ancestor).title}
            </button>
            <span class="faint" aria-hidden="true">
              ›
            </span>
          </>
        ))}
        <h2>{labelOf(node).title}</h2>
        {node.depth > 0 && <span class="depth-tag">depth {node.depth}</span>}
        <PartScores scores={node.scores} named />
      </header>
      <LabelsPanel key={`labels ${node.key}`} trajectory={tree.id} node={node} />
      <Body tree={tree} node={node} onOpen={onOpen} onChange={onChange} />
    </article>
  )
}

function Body({ tree, node, onOpen, onChange }: DetailProps) {
  if (node.kind === 'trajectory') return <Overview tree={tree} onOpen={onOpen} onChange={onChange} />
  if (node.kind === 'cell') return <CellDetail trajectory={tree.id} cell={node.cell} onOpen={onOpen} />
  if (node.kind === 'batch') return <CallTable calls={node.calls} onOpen={onOpen} />
  if (node.kind === 'call') {
    return (
      <CallDetail trajectory={tree.id} call={node.call} seen={0}>
        {node.child && <AgentOutcome invocation={node.child} />}
      </CallDetail>
    )
  }
  if (node.kind === 'invocation') return <AgentOutcome invocation={node.invocation} />
  return (
    <CallDetail trajectory={tree.id} call={node.turn.call} seen={node.previousMessages}>
      <CellLinks cells={node.turn.cells} onOpen={onOpen} />
      {canFork(tree, node) && <ForkForm tree={tree} index={node.turn.index} />}
    </CallDetail>
  )
}

/** A turn of the root that is followed by another one, in a rollout that has ended. */
function canFork(tree: TrajectoryTree, node: TraceNode): boolean {
  const root = tree.invocations.find(({ parentCellId }) => parentCellId === null)
  return (
    node.kind === 'turn' &&
    node.depth === 0 &&
    tree.endedAt !== null &&
    node.turn.index < (root?.turns.length ?? 0) - 1
  )
}

function CellLinks({ cells, onOpen }: { cells: CellNode[]; onOpen: (key: string) => void }) {
  if (cells.length === 0) return null
  return (
    <Section title="Cells" note={cells.length}>
      <ul class="cell-links">
        {cells.map((cell) => (
          <li>
            <button type="button" class="text-button" onClick={() => onOpen(cell.id)}>
              Cell {cell.index + 1}
            </button>{' '}
            <span class="faint">
              {plural(cell.calls.length, 'sub-call')}, printed {sizeOf(cell.stdout)}
            </span>
            {cell.death && <span class="mark mark-killed">killed</span>}
            {cell.error && (
              <span class="mark mark-error">
                <Visible text={cell.error.type} />
              </span>
            )}
          </li>
        ))}
      </ul>
    </Section>
  )
}
