// One run: its numbers, how its trajectories ended, and the list of them.
import { useCallback } from 'preact/hooks'
import type { Run } from '../../http/routes/runs.ts'
import { readRun, readTrajectories } from '../client.ts'
import {
  elapsed,
  formatCost,
  formatCount,
  formatDuration,
  formatInstant,
  formatReward,
  formatTokens,
  plural,
} from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { endingTone, ErrorLine, Fact, ScriptedBadge, StatusChip } from '../parts/chips.tsx'
import { Crumbs, CrumbSlash } from '../parts/crumbs.tsx'
import { navigate } from '../router.ts'
import { LongText, Visible } from '../text/text.tsx'
import { useInterval, useLoaded } from '../use-loaded.ts'
import { Histogram } from './histogram.tsx'
import { TrajectoryTable } from './trajectory-table.tsx'
import { usePages } from './use-pages.ts'
import { useRows } from './use-rows.ts'

export function RunPage({ id }: { id: string }) {
  const { value: run, error, reload } = useLoaded(id, (signal) => readRun(id, signal))
  const read = useCallback(
    (cursor: string | null, signal?: AbortSignal) => readTrajectories(id, cursor, signal),
    [id],
  )
  const pages = usePages(read)
  const items = pages.items ?? []
  const current = useRows(items.map((item) => `/trajectories/${item.id}`))
  useKeys({ Escape: () => navigate('/'), h: () => navigate('/') })
  useInterval(run?.status === 'running', 5000, () => {
    reload()
    pages.refresh()
  })
  document.title = `${run?.name ?? 'Run'} · Descent`
  const rewards = items.flatMap((item) => (item.reward === null ? [] : [item.reward]))
  return (
    <main class="page">
      <Crumbs>
        <CrumbSlash />
        <code>{id.slice(-8)}</code>
      </Crumbs>
      {error !== null && <ErrorLine text={error} />}
      {run && <RunHead run={run} />}
      {run && (
        <section class="panels">
          <StopReasons counts={run.stopReasons} />
          {rewards.length > 0 && (
            <div class="panel">
              <h2>
                Reward <span class="faint">of the {formatCount(rewards.length)} scored and listed</span>
              </h2>
              <Histogram values={rewards} />
            </div>
          )}
          <Setup run={run} />
        </section>
      )}
      {pages.error !== null && <ErrorLine text={pages.error} />}
      {items.length > 0 && <TrajectoryTable items={items} current={current} />}
      {pages.items?.length === 0 && <p class="empty">No trajectories yet.</p>}
      {pages.next !== null && (
        <button type="button" class="more" onClick={pages.more} disabled={pages.loading}>
          More trajectories
        </button>
      )}
    </main>
  )
}

function RunHead({ run }: { run: Run }) {
  return (
    <header class="page-head">
      <div class="title">
        <h1>
          <Visible text={run.name} />
        </h1>
        <StatusChip status={run.status} />
        {run.scripted && <ScriptedBadge />}
        {run.tags.map((tag) => (
          <span class="tag">
            <Visible text={tag} />
          </span>
        ))}
      </div>
      <dl class="headline">
        <Fact name="Mean reward">{formatReward(run.meanReward)}</Fact>
        <Fact name="Done">
          {formatCount(run.done)}
          <small>/{formatCount(run.trajectories)}</small>
          {run.failed > 0 && <small class="bad"> {formatCount(run.failed)} failed</small>}
        </Fact>
        <Fact name="Cost">{formatCost(run.costUsd)}</Fact>
        <Fact name="Calls">{formatCount(run.calls)}</Fact>
        <Fact name="Tokens in">{formatTokens(run.inputTokens)}</Fact>
        <Fact name="Tokens out">{formatTokens(run.outputTokens)}</Fact>
        <Fact name="Time">{formatDuration(elapsed(run.startedAt, run.endedAt))}</Fact>
      </dl>
    </header>
  )
}

function StopReasons({ counts }: { counts: Record<string, number> }) {
  const entries = Object.entries(counts).sort((a, b) => b[1] - a[1])
  const total = entries.reduce((sum, [, count]) => sum + count, 0)
  if (total === 0) return null
  return (
    <div class="panel">
      <h2>Stop reasons</h2>
      <table class="bars">
        <tbody>
          {entries.map(([reason, count]) => (
            <tr>
              <th scope="row">
                <Visible text={reason} />
              </th>
              <td class="bar-cell">
                <span
                  class={`stop-bar tone-${endingTone(reason)}`}
                  style={{ width: `${(100 * count) / total}%` }}
                />
              </td>
              <td class="number">{formatCount(count)}</td>
              <td class="number faint">{Math.round((100 * count) / total)}%</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
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
