// The tree as the reader walks it: turns, their cells, the sub-calls of these (batches as one node),
// and below a call that started an agent of its own, that agent's turns. Pure.
import type {
  CallNode,
  CellNode,
  InvocationNode,
  PartScore,
  TrajectoryTree,
  TurnNode,
} from '../../http/tree.ts'

interface NodeBase {
  /** Stands in the address, after the `#`: the row's own id. */
  key: string
  parent: TraceNode | null
  children: TraceNode[]
  /** Indentation: 0 for the trajectory. */
  level: number
  /** Recursion depth of the invocation it belongs to. */
  depth: number
  /** What its calls and those of all below it took; null where no server told. */
  tokens: number | null
  costUsd: number | null
  /** Of the turn, or of the agent that the call started. */
  scores: PartScore[]
}

export type TraceNode =
  | (NodeBase & { kind: 'trajectory'; invocation: InvocationNode | null })
  | (NodeBase & { kind: 'turn'; turn: TurnNode; previousMessages: number })
  | (NodeBase & { kind: 'cell'; cell: CellNode })
  | (NodeBase & { kind: 'batch'; calls: CallNode[] })
  | (NodeBase & { kind: 'call'; call: CallNode; child: InvocationNode | null })
  | (NodeBase & { kind: 'invocation'; invocation: InvocationNode })

export interface Trace {
  root: TraceNode
  byKey: Map<string, TraceNode>
  /** Keys that are open at first. */
  open: Set<string>
}

/** Above this many nodes, only the turns of the root start open. */
const manyNodes = 250

export function buildTrace(tree: TrajectoryTree): Trace {
  const byId = new Map(tree.invocations.map((invocation) => [invocation.id, invocation]))
  const placed = new Set<string>()
  const ofInvocation = new Map<string, TraceNode>()
  const byKey = new Map<string, TraceNode>()

  function add<Node extends TraceNode>(node: Node): Node {
    node.parent?.children.push(node)
    byKey.set(node.key, node)
    return node
  }

  function below(parent: TraceNode): NodeBase & { parent: TraceNode } {
    return {
      ...blank,
      children: [],
      scores: [],
      key: '',
      parent,
      level: parent.level + 1,
      depth: parent.depth,
    }
  }

  function addTurns(parent: TraceNode, invocation: InvocationNode): void {
    placed.add(invocation.id)
    ofInvocation.set(invocation.id, parent)
    let previousMessages = 0
    for (const turn of invocation.turns) {
      const node = add({
        ...below(parent),
        kind: 'turn',
        key: turn.id,
        turn,
        previousMessages,
        depth: invocation.depth,
      })
      // Search leads to the call itself.
      byKey.set(turn.call.id, node)
      // That turn's response is a message by now, and was shown with it.
      previousMessages = turn.call.messages + 1
      for (const cell of turn.cells) addCell(node, cell)
    }
  }

  function addCell(parent: TraceNode, cell: CellNode): void {
    const node = add({ ...below(parent), kind: 'cell', key: cell.id, cell })
    for (const calls of groupBatches(cell.calls)) {
      const [first] = calls
      if (!first) continue
      const holder =
        first.batchId === null || calls.length === 1
          ? node
          : add({ ...below(node), kind: 'batch', key: `batch-${first.batchId}`, calls })
      for (const call of calls) addCall(holder, call)
    }
    // Agents whose call was never recorded, as when the collector died: still shown where they began.
    for (const invocation of tree.invocations) {
      if (invocation.parentCellId === cell.id && !placed.has(invocation.id)) addInvocation(node, invocation)
    }
  }

  function addCall(parent: TraceNode, call: CallNode): void {
    const found = call.invocationId === null ? undefined : byId.get(call.invocationId)
    const child = found && !placed.has(found.id) ? found : null
    const node = add({ ...below(parent), kind: 'call', key: call.id, call, child })
    if (child) addTurns(node, child)
  }

  function addInvocation(parent: TraceNode, invocation: InvocationNode): void {
    const node = add({
      ...below(parent),
      kind: 'invocation',
      key: invocation.id,
      invocation,
      depth: invocation.depth,
    })
    addTurns(node, invocation)
  }

  const first = tree.invocations.find((invocation) => invocation.parentCellId === null) ?? null
  const root: TraceNode = add<TraceNode>({
    ...blank,
    scores: [],
    kind: 'trajectory',
    key: 'overview',
    parent: null,
    children: [],
    level: 0,
    depth: 0,
    invocation: first,
  })
  if (first) addTurns(root, first)
  for (const invocation of tree.invocations) if (!placed.has(invocation.id)) addInvocation(root, invocation)
  for (const score of tree.partScores) {
    const node = score.turnId === null ? ofInvocation.get(score.invocationId ?? '') : byKey.get(score.turnId)
    node?.scores.push(score)
  }
  sumUp(root)
  return { root, byKey, open: openAtFirst(byKey) }
}

const blank = { tokens: null, costUsd: null }

function sumUp(node: TraceNode): void {
  for (const child of node.children) sumUp(child)
  // A call that started an agent is paid for by that agent's own calls.
  const isSum = node.kind === 'call' && node.children.length > 0
  const usage = isSum ? null : (callOf(node)?.usage ?? null)
  node.tokens = sum([
    usage && usage.inputTokens + usage.outputTokens,
    ...node.children.map(({ tokens }) => tokens),
  ])
  node.costUsd = sum([usage?.costUsd ?? null, ...node.children.map(({ costUsd }) => costUsd)])
}

/** Null when none of them is known. */
function sum(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0)
}

function groupBatches(calls: CallNode[]): CallNode[][] {
  const groups: CallNode[][] = []
  const batches = new Map<string, CallNode[]>()
  for (const call of calls) {
    const batch = call.batchId === null ? undefined : batches.get(call.batchId)
    if (batch) {
      batch.push(call)
      continue
    }
    const group = [call]
    groups.push(group)
    if (call.batchId !== null) batches.set(call.batchId, group)
  }
  return groups
}

function openAtFirst(byKey: Map<string, TraceNode>): Set<string> {
  const open = new Set<string>()
  const few = byKey.size <= manyNodes
  for (const node of byKey.values()) {
    const isFirst = node.depth === 0 && (node.kind === 'trajectory' || node.kind === 'turn')
    const isOpen = few ? node.kind !== 'batch' : isFirst
    if (isOpen && node.children.length > 0) open.add(node.key)
  }
  return open
}

/** The nodes in sight, top to bottom. */
export function visibleNodes(root: TraceNode, open: ReadonlySet<string>): TraceNode[] {
  const nodes: TraceNode[] = []
  const waiting = [root]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    nodes.push(node)
    if (open.has(node.key)) waiting.push(...node.children.toReversed())
  }
  return nodes
}

/** All nodes, top to bottom, whatever is open. */
export function allNodes(trace: Trace): TraceNode[] {
  return visibleNodes(trace.root, new Set(trace.byKey.keys()))
}

export function ancestors(node: TraceNode): TraceNode[] {
  const chain: TraceNode[] = []
  for (let parent = node.parent; parent; parent = parent.parent) chain.push(parent)
  return chain
}

/** The request that the node stands for, where it stands for one. */
export function callOf(node: TraceNode): CallNode | null {
  if (node.kind === 'turn') return node.turn.call
  return node.kind === 'call' ? node.call : null
}

export type Trouble = 'error' | 'killed' | null

/** What went wrong in this node itself. */
export function troubleOf(node: TraceNode): Trouble {
  if (node.kind === 'cell') return node.cell.death ? 'killed' : node.cell.error ? 'error' : null
  if (node.kind === 'batch') return node.calls.some((call) => call.error) ? 'error' : null
  return callOf(node)?.error ? 'error' : null
}
