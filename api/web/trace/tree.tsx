// The left side: the tree in rows of one height. Rows out of sight are left unrendered by the browser
// (content-visibility), chunk by chunk, so that a tree of thousands stays quick.
import type { RefObject } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { PartScores } from '../parts/chips.tsx'
import { Visible } from '../text/text.tsx'
import { Icon } from './icons.tsx'
import { labelOf, measuresOf } from './labels.ts'
import { troubleOf } from './nodes.ts'
import type { TraceNode } from './nodes.ts'

const rowsInChunk = 50

interface TreeProps {
  nodes: TraceNode[]
  open: ReadonlySet<string>
  selected: TraceNode
  onSelect: (node: TraceNode) => void
  onToggle: (node: TraceNode) => void
}

export function Tree({ nodes, open, selected, onSelect, onToggle }: TreeProps) {
  useEffect(() => {
    document.getElementById(rowId(selected))?.scrollIntoView({ block: 'nearest' })
  }, [selected, nodes.length])
  const chunks = useMemo(() => {
    const list: TraceNode[][] = []
    for (let i = 0; i < nodes.length; i += rowsInChunk) list.push(nodes.slice(i, i + rowsInChunk))
    return list
  }, [nodes])
  const actions = useRef({ onSelect, onToggle })
  actions.current = { onSelect, onToggle }
  return (
    <div
      class="tree"
      role="tree"
      aria-label="Turns, cells and calls"
      tabIndex={0}
      aria-activedescendant={rowId(selected)}
    >
      {chunks.map((chunk) => (
        <Chunk
          nodes={chunk}
          open={open}
          selected={chunk.includes(selected) ? selected : null}
          actions={actions}
        />
      ))}
    </div>
  )
}

interface ChunkProps {
  nodes: TraceNode[]
  open: ReadonlySet<string>
  selected: TraceNode | null
  actions: RefObject<Pick<TreeProps, 'onSelect' | 'onToggle'>>
}

/** Made again only when its own rows change: a step touches two chunks at most. */
function Chunk({ nodes, open, selected, actions }: ChunkProps) {
  return useMemo(
    () => (
      <div class="tree-chunk" role="presentation" style={{ '--rows': nodes.length }}>
        {nodes.map((node) => (
          <Row
            key={node.key}
            node={node}
            open={open.has(node.key)}
            selected={node === selected}
            onSelect={(one) => actions.current?.onSelect(one)}
            onToggle={(one) => actions.current?.onToggle(one)}
          />
        ))}
      </div>
    ),
    [nodes, open, selected],
  )
}

function rowId(node: TraceNode): string {
  return `node-${node.key}`
}

interface RowProps extends Omit<TreeProps, 'nodes' | 'open' | 'selected'> {
  node: TraceNode
  open: boolean
  selected: boolean
}

function Row({ node, open, selected, onSelect, onToggle }: RowProps) {
  const { title, excerpt } = labelOf(node)
  const { tokens, cost, time } = measuresOf(node)
  const trouble = troubleOf(node)
  const hasChildren = node.children.length > 0
  function toggle(event: MouseEvent): void {
    event.stopPropagation()
    onToggle(node)
  }
  return (
    <div
      id={rowId(node)}
      class={`node node-${node.kind} depth-${Math.min(node.depth, 4)}${trouble ? ' troubled' : ''}`}
      role="treeitem"
      aria-level={node.level + 1}
      aria-selected={selected}
      aria-expanded={hasChildren ? open : undefined}
      onClick={() => onSelect(node)}
      onDblClick={() => onToggle(node)}
    >
      {Array.from({ length: node.level }, () => (
        <span class="rail" aria-hidden="true" />
      ))}
      <span
        class={hasChildren ? `twist${open ? ' is-open' : ''}` : 'twist none'}
        onClick={hasChildren ? toggle : undefined}
        aria-hidden="true"
      />
      <Icon node={node} />
      <span class="node-title">{title}</span>
      <span class="node-excerpt">
        <Visible text={excerpt} />
      </span>
      {trouble && <span class={`mark mark-${trouble}`}>{trouble === 'killed' ? 'killed' : 'error'}</span>}
      <PartScores scores={node.scores} />
      {tokens !== '' && (
        <span class="node-tokens" title="Tokens of it and of all below it">
          {tokens}
        </span>
      )}
      {cost !== '' && (
        <span class="node-cost" title="Cost of it and of all below it">
          {cost}
        </span>
      )}
      <span class="node-time">{time}</span>
    </div>
  )
}
