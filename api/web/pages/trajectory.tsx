// One trajectory: its head, the tree on the left, the selected node on the right.
import { useEffect, useRef } from 'preact/hooks'
import type { TrajectoryTree } from '../../http/tree.ts'
import { rawAddress, readTree } from '../client.ts'
import { elapsed, formatCost, formatCount, formatDuration, formatTokens } from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, Fact, RewardChip, ScriptedBadge, StatusChip, StopReason } from '../parts/chips.tsx'
import { Crumbs, CrumbSlash } from '../parts/crumbs.tsx'
import { Link } from '../parts/link.tsx'
import { groupAddress, navigate } from '../router.ts'
import { Visible } from '../text/text.tsx'
import { Detail } from '../trace/detail.tsx'
import { useSelection } from '../trace/selection.ts'
import { Timeline } from '../trace/timeline.tsx'
import { Tree } from '../trace/tree.tsx'
import { useEvents, useLoaded } from '../use-loaded.ts'

export function TrajectoryPage({ id }: { id: string }) {
  const { value: tree, error, reload } = useLoaded(id, (signal) => readTree(id, signal))
  useEvents(tree?.status === 'running' ? `/v1/trajectories/${id}/events` : null, reload)
  useKeys(tree ? {} : { Escape: () => navigate('/') })
  document.title = tree ? `${tree.taskId} #${tree.rollout} · Descent` : 'Descent'
  if (!tree) {
    return (
      <main class="page">
        {error === null ? <p class="waiting">Reading…</p> : <ErrorLine text={error} />}
        <Link to="/">Runs</Link>
      </main>
    )
  }
  return <Trajectory tree={tree} onChange={reload} />
}

function Trajectory({ tree, onChange }: { tree: TrajectoryTree; onChange: () => void }) {
  const selection = useSelection(tree)
  const { selected, select } = selection
  const detail = useRef<HTMLDivElement>(null)
  useKeys({
    j: () => selection.step(1),
    k: () => selection.step(-1),
    ArrowDown: () => selection.step(1),
    ArrowUp: () => selection.step(-1),
    l: selection.into,
    ArrowRight: selection.into,
    h: selection.out,
    ArrowLeft: selection.out,
    e: selection.nextTrouble,
    a: () => select(selection.trace.root),
    'g g': () => navigate(groupAddress(tree.runId, tree.taskId)),
    Escape: () => navigate(`/runs/${tree.runId}`),
  })
  useEffect(() => detail.current?.scrollTo(0, 0), [selected.key])
  return (
    <main class="trace">
      <TraceHead tree={tree} />
      <Timeline trace={selection.trace} selected={selected} onSelect={select} />
      <div class="trace-panes">
        <Tree
          nodes={selection.nodes}
          open={selection.open}
          selected={selected}
          onSelect={select}
          onToggle={selection.toggle}
        />
        <div class="detail-pane" ref={detail} tabIndex={-1} aria-live="off">
          <Detail
            key={selected.key}
            tree={tree}
            node={selected}
            onOpen={selection.selectKey}
            onChange={onChange}
          />
        </div>
      </div>
    </main>
  )
}

function TraceHead({ tree }: { tree: TrajectoryTree }) {
  const turns = tree.invocations.reduce((sum, invocation) => sum + invocation.turns.length, 0)
  return (
    <header class="trace-head">
      <div class="title">
        <Crumbs>
          <Link to="/">Runs</Link>
          <CrumbSlash />
          <Link to={`/runs/${tree.runId}`} title="The run">
            <code>{tree.runId.slice(-8)}</code>
          </Link>
          <CrumbSlash />
        </Crumbs>
        <h1>
          <Visible text={tree.taskId} />
        </h1>
        <Link
          to={groupAddress(tree.runId, tree.taskId)}
          class="quiet-link"
          title="All rollouts of this task (g g)"
        >
          #{tree.rollout}
        </Link>
        <StatusChip status={tree.status} />
        {tree.stopReason !== null && <StopReason reason={tree.stopReason} />}
        {tree.scripted && <ScriptedBadge />}
        <span class="scores">
          {tree.scores.map((score) => (
            <RewardChip
              value={score.value}
              name={score.reward}
              title={`${score.reward} v${score.version}, weight ${score.weight}`}
            />
          ))}
        </span>
      </div>
      <dl class="headline small">
        <Fact name="Turns">{formatCount(turns)}</Fact>
        <Fact name="Calls">{formatCount(tree.usage.calls)}</Fact>
        <Fact name="Tokens in">{formatTokens(tree.usage.inputTokens)}</Fact>
        <Fact name="out">{formatTokens(tree.usage.outputTokens)}</Fact>
        <Fact name="Cost">{formatCost(tree.usage.costUsd)}</Fact>
        <Fact name="Time">{formatDuration(elapsed(tree.startedAt, tree.endedAt))}</Fact>
        <Fact name="Sandbox">
          <Visible text={tree.sandbox ?? 'none'} />
        </Fact>
        <Fact name="Protocol">
          <Visible text={tree.protocol.id} />
        </Fact>
      </dl>
      <a class="raw-link" href={rawAddress(tree.id)}>
        Raw JSON
      </a>
    </header>
  )
}
