// All runs, newest first.
import type { RunItem } from '../../http/routes/runs.ts'
import { readRuns } from '../client.ts'
import { formatAge, formatCost, formatCount, formatInstant, formatReward, formatTokens } from '../format.ts'
import { ErrorLine, ScriptedBadge, StatusChip } from '../parts/chips.tsx'
import { Crumbs } from '../parts/crumbs.tsx'
import { Link } from '../parts/link.tsx'
import { Visible } from '../text/text.tsx'
import { useInterval } from '../use-loaded.ts'
import { usePages } from './use-pages.ts'
import { useRows } from './use-rows.ts'

export function RunsPage() {
  const runs = usePages(readRuns)
  const items = runs.items ?? []
  const current = useRows(items.map((run) => `/runs/${run.id}`))
  useInterval(
    items.some((run) => run.status === 'running'),
    5000,
    runs.refresh,
  )
  document.title = 'Runs · Descent'
  return (
    <main class="page">
      <Crumbs />
      <header class="page-head">
        <h1>Runs</h1>
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
          <table>
            <thead>
              <tr>
                <th>Run</th>
                <th>Status</th>
                <th class="wide">Progress</th>
                <th class="number">Reward</th>
                <th class="number">Cost</th>
                <th class="number spare">Calls</th>
                <th class="number spare">Tokens in</th>
                <th class="number spare">out</th>
                <th class="number">Age</th>
              </tr>
            </thead>
            <tbody>
              {items.map((run, index) => (
                <RunRow key={run.id} run={run} current={index === current} />
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

function RunRow({ run, current }: { run: RunItem; current: boolean }) {
  return (
    <tr aria-current={current ? 'true' : undefined}>
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
      <td class="number strong">{formatReward(run.meanReward)}</td>
      <td class="number">{formatCost(run.costUsd)}</td>
      <td class="number spare">{formatCount(run.calls)}</td>
      <td class="number spare">{formatTokens(run.inputTokens)}</td>
      <td class="number spare">{formatTokens(run.outputTokens)}</td>
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
