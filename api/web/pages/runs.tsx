// All runs, newest first.
import { useState } from 'preact/hooks'
import type { RunItem } from '../../http/routes/runs.ts'
import { readRuns } from '../client.ts'
import {
  formatAge,
  formatCost,
  formatCount,
  formatInstant,
  formatInterval,
  formatPace,
  formatReward,
  formatTokens,
} from '../format.ts'
import { ErrorLine, ScriptedBadge, StatusChip } from '../parts/chips.tsx'
import { useKeys } from '../keyboard.ts'
import { Link } from '../parts/link.tsx'
import { navigate } from '../router.ts'
import { Visible } from '../text/text.tsx'
import { useInterval } from '../use-loaded.ts'
import { Sparkline } from './histogram.tsx'
import { usePages } from './use-pages.ts'
import { useRows } from './use-rows.ts'

export function RunsPage() {
  const runs = usePages(readRuns)
  const items = runs.items ?? []
  const current = useRows(items.map((run) => `/runs/${run.id}`))
  const [marked, setMarked] = useState<readonly string[]>([])
  function mark(id: string): void {
    setMarked((old) => (old.includes(id) ? old.filter((one) => one !== id) : [...old, id].slice(-8)))
  }
  const comparison = marked.length < 2 ? null : `/compare?runs=${marked.join(',')}`
  useKeys({
    x: () => mark(items[current]?.id ?? ''),
    c: () => comparison !== null && navigate(comparison),
  })
  useInterval(
    items.some((run) => run.status === 'running'),
    5000,
    runs.refresh,
  )
  document.title = 'Runs · Descent'
  return (
    <main class="page">
      <header class="page-head">
        <h1>Runs</h1>
        {comparison !== null && (
          <Link to={comparison} class="small-button" title="c">
            Compare {marked.length}
          </Link>
        )}
      </header>
      {runs.error !== null && <ErrorLine text={runs.error} />}
      {runs.items?.length === 0 && (
        <div class="empty">
          <p>No runs yet.</p>
          <p>
            <code>descent demo</code> makes a small one without a model, <code>descent collect run.yaml</code>{' '}
            a real one.
          </p>
        </div>
      )}
      {items.length > 0 && (
        <div class="table-frame">
          <table class="runs">
            <thead>
              <tr>
                <th class="mark-cell">
                  <span class="hidden-text">Marked to compare</span>
                </th>
                <th>Run</th>
                <th>Status</th>
                <th class="progress-head">Progress</th>
                <th class="number" title="Mean, with its 95 % interval">
                  Reward
                </th>
                <th class="spare" title="Mean reward, in the order in which trajectories ended">
                  Trend
                </th>
                <th class="number">Cost</th>
                <th class="number spare" title="Trajectories that ended in an hour">
                  Pace
                </th>
                <th class="number spare">Calls</th>
                <th class="number spare" title="Read and written">
                  Tokens
                </th>
                <th class="number">Age</th>
              </tr>
            </thead>
            <tbody>
              {items.map((run, index) => (
                <RunRow
                  key={run.id}
                  run={run}
                  current={index === current}
                  marked={marked.includes(run.id)}
                  onMark={() => mark(run.id)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {runs.next !== null && (
        <button type="button" class="more" onClick={runs.more} disabled={runs.loading}>
          More runs
        </button>
      )}
    </main>
  )
}

interface RunRowProps {
  run: RunItem
  current: boolean
  marked: boolean
  onMark: () => void
}

function RunRow({ run, current, marked, onMark }: RunRowProps) {
  return (
    <tr aria-current={current ? 'true' : undefined}>
      <td class="mark-cell">
        <input
          type="checkbox"
          checked={marked}
          onChange={onMark}
          aria-label={`Compare ${run.name.slice(0, 60)}`}
        />
      </td>
      <td class="name-cell">
        <Link to={`/runs/${run.id}`} class="row-link">
          <Visible text={run.name} />
        </Link>
        {run.scripted && <ScriptedBadge />}
        <span class="under">
          <Visible text={run.model} /> · <Visible text={run.protocol} />
        </span>
      </td>
      <td>
        <StatusChip status={run.status} />
      </td>
      <td>
        <Progress run={run} />
      </td>
      <td class="number">
        <span class="strong">{formatReward(run.meanReward)}</span>{' '}
        <span class="interval faint">{formatInterval(run.rewardError)}</span>
      </td>
      <td class="spare">
        <Sparkline values={run.rewardOverTime} />
      </td>
      <td class="number">{formatCost(run.costUsd)}</td>
      <td class="number spare">{formatPace(run.perHour)}</td>
      <td class="number spare">{formatCount(run.calls)}</td>
      <td
        class="number spare"
        title={`${formatCount(run.inputTokens)} read, ${formatCount(run.outputTokens)} written`}
      >
        {formatTokens(run.inputTokens + run.outputTokens)}
      </td>
      <td class="number" title={formatInstant(run.createdAt)}>
        {formatAge(run.createdAt, Date.now())}
      </td>
    </tr>
  )
}

type Counts = Pick<RunItem, 'done' | 'failed' | 'trajectories'>

export function Progress({ run }: { run: Counts }) {
  const share = (count: number): string => `${run.trajectories === 0 ? 0 : (100 * count) / run.trajectories}%`
  return (
    <span class="progress">
      <span class="track" aria-hidden="true">
        <span class="bar bar-done" style={{ width: share(run.done) }} />
        <span class="bar bar-failed" style={{ width: share(run.failed) }} />
      </span>
      <span class="progress-text">
        {formatCount(run.done)}
        <span class="faint">/{formatCount(run.trajectories)}</span>
        {run.failed > 0 && <span class="bad"> {formatCount(run.failed)} failed</span>}
      </span>
    </span>
  )
}
