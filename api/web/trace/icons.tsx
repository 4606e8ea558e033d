// One small drawing for each kind of node.
import type { TraceNode } from './nodes.ts'

const shapes: Record<string, string> = {
  trajectory: 'M3 3h4v5h4v5',
  turn: 'M3 4h10v6H8l-3 3v-3H3z',
  cell: 'M3 4l4 4-4 4M8 12h5',
  batch: 'M5 3h8v7M3 6h7v7H3z',
  llm: 'M8 2.5l1.6 3.9 3.9 1.6-3.9 1.6L8 13.5 6.4 9.6 2.5 8l3.9-1.6z',
  rlm: 'M3 3v6h5v4M5.5 10.5L8 13l2.5-2.5M8 3h5M11 6h2',
  invocation: 'M3 3v6h5v4M5.5 10.5L8 13l2.5-2.5',
}

export function Icon({ node }: { node: TraceNode }) {
  const name = node.kind === 'call' ? node.call.kind : node.kind
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={shapes[name] ?? shapes['llm']} />
    </svg>
  )
}
