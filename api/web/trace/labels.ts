// What a node is called, in the tree and at the head of its detail.
import { formatCost, formatDuration, formatTokens } from '../format.ts'
import { callOf } from './nodes.ts'
import type { TraceNode } from './nodes.ts'

export interface Label {
  title: string
  /** The beginning of what it says. */
  excerpt: string
}

/** The first line that says something: not blank, not a code fence. */
function firstLine(text: string): string {
  const lines = text.split('\n', 20).map((line) => line.trim())
  return (lines.find((line) => line !== '' && !/^(`{3}|~{3})/.test(line)) ?? '').slice(0, 160)
}

/** The first line of code that does something. */
function firstStatement(code: string): string {
  const lines = code.split('\n').map((line) => line.trim())
  return (lines.find((line) => line !== '' && !line.startsWith('#')) ?? lines[0] ?? '').slice(0, 160)
}

export function labelOf(node: TraceNode): Label {
  if (node.kind === 'trajectory') return { title: 'Overview', excerpt: '' }
  if (node.kind === 'cell') {
    const cells = node.parent?.kind === 'turn' ? node.parent.turn.cells.length : 1
    const title = cells > 1 ? `Cell ${node.cell.index + 1}` : 'Cell'
    return { title, excerpt: firstStatement(node.cell.code.text) }
  }
  if (node.kind === 'batch') {
    return { title: `Batch of ${node.calls.length}`, excerpt: firstLine(node.calls[0]?.prompt.text ?? '') }
  }
  if (node.kind === 'call') {
    const place = node.parent?.kind === 'batch' ? ` ${(node.call.batchIndex ?? node.call.order) + 1}` : ''
    return { title: `${node.call.kind}${place}`, excerpt: firstLine(node.call.prompt.text) }
  }
  if (node.kind === 'invocation') {
    return { title: 'Agent', excerpt: `depth ${node.invocation.depth}, its call was not recorded` }
  }
  const { turn } = node
  const said = turn.call.response.text?.text ?? turn.call.error?.message ?? ''
  return { title: `Turn ${turn.index + 1}${turn.forced ? ' (forced)' : ''}`, excerpt: firstLine(said) }
}

/** Of the node and all below it, for the right edge of a row; the time is its own. */
export function measuresOf(node: TraceNode): { tokens: string; cost: string; time: string } {
  const time = timeOf(node)
  return {
    tokens: node.tokens === null ? '' : formatTokens(node.tokens),
    cost: node.costUsd === null ? '' : formatCost(node.costUsd),
    time: time === null ? '' : formatDuration(time),
  }
}

function timeOf(node: TraceNode): number | null {
  if (node.kind === 'cell') return node.cell.durationMs
  if (node.kind === 'batch') return Math.max(...node.calls.map((call) => call.latencyMs ?? 0))
  return callOf(node)?.latencyMs ?? null
}
