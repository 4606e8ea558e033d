// The descent at a glance: time to the right, recursion downwards, a bar for every call, and behind
// the sub-calls a pale one for the time that the REPL was busy.
import type { JSX } from 'preact'
import { useMemo, useRef } from 'preact/hooks'
import { formatDuration } from '../format.ts'
import { allNodes, callOf, troubleOf } from './nodes.ts'
import type { Trace, TraceNode } from './nodes.ts'

const maxBars = 1500
const lane = 9
const width = 1000

interface Bar {
  node: TraceNode
  kind: 'policy' | 'llm' | 'rlm' | 'cell'
  from: number
  to: number
  lane: number
}

/** Lanes: policy calls of depth 0, their cells and sub-calls, policy calls of depth 1, and so on. */
function barsOf(trace: Trace): Bar[] {
  const cells: Bar[] = []
  const calls: Bar[] = []
  for (const node of allNodes(trace)) {
    const call = callOf(node)
    if (!call) continue
    const isTurn = node.kind === 'turn'
    const from = Date.parse(call.startedAt)
    let at = from + (call.latencyMs ?? 0)
    const upper = node.depth * 2
    calls.push({ node, kind: isTurn ? 'policy' : call.kind, from, to: at, lane: isTurn ? upper : upper + 1 })
    // Cells run one after the other once the policy has answered.
    for (const cell of isTurn ? node.children : []) {
      if (cell.kind !== 'cell') continue
      cells.push({ node: cell, kind: 'cell', from: at, to: at + cell.cell.durationMs, lane: upper + 1 })
      at += cell.cell.durationMs
    }
    if (calls.length >= maxBars) break
  }
  return [...cells, ...calls]
}

interface TimelineProps {
  trace: Trace
  selected: TraceNode
  onSelect: (node: TraceNode) => void
}

export function Timeline({ trace, selected, onSelect }: TimelineProps) {
  const select = useRef(onSelect)
  select.current = onSelect
  const drawing = useMemo(() => draw(trace, (node) => select.current(node)), [trace])
  if (!drawing) return null
  const current = drawing.places.get(selected)
  return (
    <div class="timeline">
      <svg
        viewBox={`0 0 ${width} ${drawing.height}`}
        height={drawing.height}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Calls over ${formatDuration(drawing.span)}, deeper calls lower`}
      >
        {drawing.bars}
        {current && <rect class="call-bar current" {...current} />}
      </svg>
      <span class="timeline-span">{formatDuration(drawing.span)}</span>
    </div>
  )
}

interface Place {
  x: number
  y: number
  width: number
  height: number
}

interface Drawing {
  bars: JSX.Element[]
  places: Map<TraceNode, Place>
  height: number
  /** Milliseconds from the first bar to the end of the last. */
  span: number
}

function draw(trace: Trace, select: (node: TraceNode) => void): Drawing | null {
  const bars = barsOf(trace)
  if (bars.length < 2) return null
  const start = Math.min(...bars.map((bar) => bar.from))
  const span = Math.max(1, Math.max(...bars.map((bar) => bar.to)) - start)
  const places = new Map<TraceNode, Place>()
  const shapes = bars.map((bar) => {
    const x = (width * (bar.from - start)) / span
    const length = (width * (bar.to - bar.from)) / span
    const place = { x, y: bar.lane * lane + 1, width: Math.max(1.5, length - 1), height: lane - 2 }
    places.set(bar.node, place)
    const trouble = troubleOf(bar.node) ? ' failed' : ''
    const name = `call-bar call-${bar.kind} depth-${Math.min(bar.node.depth, 4)}${trouble}`
    return <rect class={name} {...place} onClick={() => select(bar.node)} />
  })
  const lanes = Math.max(...bars.map((bar) => bar.lane)) + 1
  return { bars: shapes, places, height: lanes * lane, span }
}
