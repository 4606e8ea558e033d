// Which node is selected and which are open, moved by keys and kept in the address.
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import type { TrajectoryTree } from '../../http/tree.ts'
import { currentHash, replaceHash, useHashChange } from '../router.ts'
import { allNodes, ancestors, buildTrace, troubleOf, visibleNodes } from './nodes.ts'
import type { Trace, TraceNode } from './nodes.ts'

export interface Selection {
  trace: Trace
  nodes: TraceNode[]
  open: ReadonlySet<string>
  selected: TraceNode
  select: (node: TraceNode) => void
  selectKey: (key: string) => void
  toggle: (node: TraceNode) => void
  /** To the next or previous node in sight. */
  step: (by: 1 | -1) => void
  /** Opens a closed node, else goes to its first child. */
  into: () => void
  /** Closes an open node, else goes to its parent. */
  out: () => void
  nextTrouble: () => void
}

export function useSelection(tree: TrajectoryTree): Selection {
  const trace = useMemo(() => buildTrace(tree), [tree])
  const [key, setKey] = useState(currentHash)
  const [toggled, setToggled] = useState<ReadonlyMap<string, boolean>>(new Map())
  const selected = trace.byKey.get(key) ?? trace.root

  const open = useMemo(() => {
    const keys = new Set(trace.open)
    for (const [one, isOpen] of toggled) {
      if (isOpen) keys.add(one)
      else keys.delete(one)
    }
    return keys
  }, [trace, toggled])
  const nodes = useMemo(() => visibleNodes(trace.root, open), [trace, open])

  function setOpen(changes: [string, boolean][]): void {
    // The same map when nothing changes: the rows of the tree are then not made again.
    setToggled((old) => {
      const news = changes.filter(([one, isOpen]) => (old.get(one) ?? trace.open.has(one)) !== isOpen)
      return news.length === 0 ? old : new Map([...old, ...news])
    })
  }

  function select(node: TraceNode): void {
    setOpen(ancestors(node).map((ancestor) => [ancestor.key, true]))
    setKey(node.key)
    replaceHash(node === trace.root ? '' : node.key)
  }

  function selectKey(wanted: string): void {
    select(trace.byKey.get(wanted) ?? trace.root)
  }

  function toggle(node: TraceNode): void {
    const closes = open.has(node.key)
    if (closes && ancestors(selected).includes(node)) select(node)
    setOpen([[node.key, !closes]])
  }

  // A link to a node inside a closed one opens the way to it.
  useEffect(() => setOpen(ancestors(selected).map((ancestor) => [ancestor.key, true])), [trace])
  useHashChange(useCallback((hash: string) => selectKey(hash), [trace]))

  return {
    trace,
    nodes,
    open,
    selected,
    select,
    selectKey,
    toggle,
    step(by) {
      const next = nodes[nodes.indexOf(selected) + by]
      if (next) select(next)
    },
    into() {
      const [first] = selected.children
      if (!first) return
      if (open.has(selected.key)) select(first)
      else toggle(selected)
    },
    out() {
      if (open.has(selected.key) && selected.parent) toggle(selected)
      else if (selected.parent) select(selected.parent)
    },
    nextTrouble() {
      const all = allNodes(trace)
      const from = all.indexOf(selected)
      const ordered = [...all.slice(from + 1), ...all.slice(0, from + 1)]
      const next = ordered.find((node) => troubleOf(node) !== null && node.kind !== 'batch')
      if (next) select(next)
    },
  }
}
