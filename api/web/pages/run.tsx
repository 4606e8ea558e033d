// One run: its numbers, what the selected trajectories look like together, and the list of them.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { Run } from '../../http/routes/runs.ts'
import { actOnRun, readRun, readStatistics, readTrajectories } from '../client.ts'
import {
  elapsed,
  formatCost,
  formatCount,
  formatDuration,
  formatInstant,
  formatInterval,
  formatPace,
  formatReward,
  formatTokens,
  plural,
} from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, Fact, ScriptedBadge, StatusChip } from '../parts/chips.tsx'
import { Crumbs, CrumbSlash } from '../parts/crumbs.tsx'
import { FilterBar } from '../parts/filter-bar.tsx'
import { Link } from '../parts/link.tsx'
import { TagEditor } from '../parts/tag-editor.tsx'
import { changeQuery, navigate, useQuery } from '../router.ts'
import { LongText, Visible } from '../text/text.tsx'
import { useEvents, useInterval, useLoaded } from '../use-loaded.ts'
import { StatisticsPanels } from './run-statistics.tsx'
import { TrajectoryTable } from './trajectory-table.tsx'
import { usePages } from './use-pages.ts'
import { useRows } from './use-rows.ts'

export function RunPage({ id }: { id: string }) {
  const query = useQuery()
  const where = query.get('where') ?? ''
  const sort = query.get('sort') ?? 'position'
  const order = query.get('order') ?? 'up'
  const { value: run, error, reload } = useLoaded(id, (signal) => readRun(id, signal))
  const statistics = useLoaded(`${id} ${where}`, (signal) => readStatistics(id, where, signal))
  const read = useCallback(
    (cursor: string | null, signal?: AbortSignal) =>
      readTrajectories(id, { where, sort, order }, cursor, signal),
    [id, where, sort, order],
  )
  const pages = usePages(read)
  const items = pages.items ?? []
  const current = useRows(items.map((item) => `/trajectories/${item.id}`))
  useKeys({
    Escape: () => navigate('/'),
    h: () => navigate('/'),
    'g g': () => navigate(`/runs/${id}/groups`),
    d: () => navigate(datasetAddress(id, where)),
  })
  useEvents(run?.status === 'running' ? `/v1/runs/${id}/events` : null, () => {
    reload()
    statistics.reload()
    pages.refresh()
  })
  // One that was just taken up does not run yet, and may be done before anybody looks again.
  useInterval(run?.status === 'pending' || run?.status === 'interrupted', 2000, reload)
  const status = useRef(run?.status)
  useEffect(() => {
    if (status.current !== undefined && status.current !== run?.status) {
      statistics.reload()
      pages.refresh()
    }
    status.current = run?.status
  }, [run?.status])
  useEffect(() => {
    document.title = `${run?.name ?? 'Run'} · Descent`
  }, [run?.name])
  return (
    <main class="page">
      <Crumbs>
        <Link to="/">Runs</Link>
        <CrumbSlash />
        <code>{id.slice(-8)}</code>
      </Crumbs>
      {error !== null && <ErrorLine text={error} />}
      {run && <RunHead run={run} where={where} onChange={reload} />}
      <FilterBar
        value={where}
        error={where === '' ? null : statistics.error}
        onChange={(next) => changeQuery({ where: next })}
      />
      {statistics.value && (
        <StatisticsPanels statistics={statistics.value} where={where}>
          {run && <Setup run={run} />}
        </StatisticsPanels>
      )}
      {pages.error !== null && pages.error !== statistics.error && <ErrorLine text={pages.error} />}
      {items.length > 0 && (
        <TrajectoryTable items={items} current={current} runId={id} sort={sort} order={order} />
      )}
      {pages.items?.length === 0 && (
        <p class="empty">{where === '' ? 'No trajectories yet.' : 'No trajectory meets this condition.'}</p>
      )}
      {pages.next !== null && (
        <button type="button" class="more" onClick={pages.more} disabled={pages.loading}>
          More trajectories
        </button>
      )}
    </main>
  )
}

/** To the making of a dataset of what is selected. */
function datasetAddress(run: string, where: string): string {
  return `/datasets/new?${new URLSearchParams({ run, ...(where === '' ? {} : { where }) }).toString()}`
}

function RunHead({ run, where, onChange }: { run: Run; where: string; onChange: () => void }) {
  return (
    <header class="page-head">
      <div class="title">
        <h1>
          <Visible text={run.name} />
        </h1>
        <StatusChip status={run.status} />
        {run.scripted && <ScriptedBadge />}
        <TagEditor run={run.id} tags={run.tags} onChange={onChange} />
        <Actions run={run} onChange={onChange} />
        <Link to={`/runs/${run.id}/groups`} class="quiet-link" title="g g">
          Groups
        </Link>
        <Link
          to={datasetAddress(run.id, where)}
          class="small-button"
          title={
            where === '' ? 'Of the trajectories of this run (d)' : 'Of the trajectories that are selected (d)'
          }
        >
          Make a dataset
        </Link>
      </div>
      <dl class="headline">
        <Fact name="Mean reward">
          {formatReward(run.meanReward)} <small>{formatInterval(run.rewardError)}</small>
        </Fact>
        <Fact name="Done">
          {formatCount(run.done)}
          <small>/{formatCount(run.trajectories)}</small>
          {run.failed > 0 && <small class="bad"> {formatCount(run.failed)} failed</small>}
        </Fact>
        <Fact name="Cost">{formatCost(run.costUsd)}</Fact>
        <Fact name="Calls">{formatCount(run.calls)}</Fact>
        <Fact name="Tokens in">{formatTokens(run.inputTokens)}</Fact>
        <Fact name="Tokens out">{formatTokens(run.outputTokens)}</Fact>
        <Fact name="Pace">{formatPace(run.perHour)}</Fact>
        <Fact name="Time">{formatDuration(elapsed(run.startedAt, run.endedAt))}</Fact>
      </dl>
    </header>
  )
}

const actions: Partial<Record<Run['status'], ('pause' | 'resume' | 'cancel')[]>> = {
  running: ['pause', 'cancel'],
  interrupted: ['resume', 'cancel'],
  pending: ['resume', 'cancel'],
  cancelled: ['resume'],
}

function Actions({ run, onChange }: { run: Run; onChange: () => void }) {
  const [error, setError] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  async function act(action: 'pause' | 'resume' | 'cancel'): Promise<void> {
    setBusy(true)
    try {
      await actOnRun(run.id, action)
      setError(null)
      onChange()
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure))
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      {(actions[run.status] ?? []).map((action) => (
        <button type="button" class="small-button" disabled={busy} onClick={() => void act(action)}>
          {action[0]?.toUpperCase() + action.slice(1)}
        </button>
      ))}
      {error !== null && <ErrorLine text={error} />}
    </>
  )
}

function Setup({ run }: { run: Run }) {
  return (
    <div class="panel">
      <h2>Setup</h2>
      <dl class="facts columns">
        <Fact name="Model">
          <Visible text={run.model} />
          {run.policyVersion !== null && (
            <span class="faint">
              {' '}
              <Visible text={run.policyVersion} />
            </span>
          )}
        </Fact>
        <Fact name="Protocol">
          <Visible text={run.protocol} /> <code class="faint">{run.protocolHash.slice(0, 8)}</code>
        </Fact>
        <Fact name="Tasks">
          {formatCount(run.tasks)} × {plural(run.rollouts, 'rollout')}
        </Fact>
        <Fact name="Seed">{run.seed}</Fact>
        <Fact name="Started">{formatInstant(run.startedAt)}</Fact>
        <Fact name="Code">
          <Visible text={run.codeVersion} />
        </Fact>
      </dl>
      <details>
        <summary>Resolved configuration</summary>
        <LongText text={JSON.stringify(run.config, null, 2)} label="Resolved configuration" />
      </details>
    </div>
  )
}
