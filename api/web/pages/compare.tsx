// Runs beside each other: their figures, and the tasks on which they differ most.
import type { Comparison } from '../../http/routes/compare.ts'
import { readComparison } from '../client.ts'
import { formatCost, formatCount, formatDuration, formatInterval, formatReward } from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, RewardChip } from '../parts/chips.tsx'
import { Crumbs, CrumbSlash } from '../parts/crumbs.tsx'
import { Link } from '../parts/link.tsx'
import { groupAddress, navigate, useQuery } from '../router.ts'
import { Visible } from '../text/text.tsx'
import { useLoaded } from '../use-loaded.ts'
import { Histogram } from './histogram.tsx'

export function ComparePage() {
  const runs = useQuery().get('runs') ?? ''
  useKeys({ Escape: () => navigate('/') })
  document.title = 'Compare · Descent'
  return (
    <main class="page">
      <Crumbs>
        <Link to="/">Runs</Link>
        <CrumbSlash />
        compare
      </Crumbs>
      <header class="page-head">
        <h1>Runs beside each other</h1>
      </header>
      {runs === '' ? (
        <p class="empty">Mark two or more runs in the list of runs (key x), then choose Compare.</p>
      ) : (
        <Shown runs={runs} />
      )}
    </main>
  )
}

function Shown({ runs }: { runs: string }) {
  const { value, error } = useLoaded(runs, (signal) => readComparison(runs, signal))
  if (!value) return error === null ? <p class="waiting">Reading…</p> : <ErrorLine text={error} />
  return (
    <>
      <Figures comparison={value} />
      {value.paired && <Paired paired={value.paired} />}
      <Tasks comparison={value} />
    </>
  )
}

function Figures({ comparison: { runs } }: { comparison: Comparison }) {
  return (
    <div class="side-by-side">
      {runs.map(({ run, statistics: { reward, turns, seconds, histograms } }) => (
        <div class="panel">
          <h2>
            <Link to={`/runs/${run.id}`}>
              <Visible text={run.name} />
            </Link>{' '}
            <span class="faint">
              <Visible text={run.model} />
            </span>
          </h2>
          <dl class="facts columns">
            {(
              [
                ['Reward', `${formatReward(run.meanReward)} ${formatInterval(run.rewardError)}`],
                ['Done', `${formatCount(run.done)} of ${formatCount(run.trajectories)}`],
                ['Cost', formatCost(run.costUsd)],
                ['Turns', turns ? formatReward(turns.mean) : '–'],
                ['Time', seconds ? formatDuration(seconds.mean * 1000) : '–'],
                ['Calls', formatCount(run.calls)],
              ] as const
            ).map(([name, value]) => (
              <div class="fact">
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          {reward && <Histogram bins={histograms.reward} what="Reward" format={formatReward} graded />}
        </div>
      ))}
    </div>
  )
}

function Paired({ paired }: { paired: NonNullable<Comparison['paired']> }) {
  const { pairs, meanA, meanB, difference, interval, pValue, exact } = paired
  const sign = difference > 0 ? '+' : ''
  return (
    <p class="callout" role="note">
      On {formatCount(pairs)} tasks of both: {formatReward(meanA)} → {formatReward(meanB)},{' '}
      <b class={difference < 0 ? 'bad' : undefined}>
        {sign}
        {formatReward(difference)}
      </b>
      {interval && ` (95 %: ${formatReward(interval.low)} to ${formatReward(interval.high)})`}, p ={' '}
      {pValue.toPrecision(2)} <span class="faint">paired permutation test{exact ? ', exact' : ''}</span>
    </p>
  )
}

function Tasks({ comparison: { runs, tasks } }: { comparison: Comparison }) {
  if (tasks.length === 0) return <p class="empty">None of these runs has a scored task.</p>
  return (
    <div class="table-frame">
      <table>
        <thead>
          <tr>
            <th>Task</th>
            {runs.map(({ run }) => (
              <th>
                <Visible text={run.name} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <tr>
              <td class="name-cell">
                <Visible text={task.taskId} />
              </td>
              {task.means.map((mean, index) => (
                <td>
                  {mean === null ? (
                    <span class="faint">–</span>
                  ) : (
                    <Link to={groupAddress(runs[index]?.run.id ?? '', task.taskId)}>
                      <RewardChip value={mean} />
                    </Link>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
