// What the selected trajectories of a run look like together. A bar narrows the selection.
import type { ComponentChildren } from 'preact'
import type { Bin, RunStatistics } from '../../../src/store/contract.ts'
import { formatCost, formatCount, formatDuration, formatInterval, formatReward } from '../format.ts'
import { endingTone } from '../parts/chips.tsx'
import { changeQuery } from '../router.ts'
import { Visible } from '../text/text.tsx'
import { Histogram, OverTime } from './histogram.tsx'

interface StatisticsPanelsProps {
  statistics: RunStatistics
  where: string
  children: ComponentChildren
}

export function StatisticsPanels({ statistics, where, children }: StatisticsPanelsProps) {
  const { reward, turns, cost, seconds, histograms, stopReasons, errors, overTime } = statistics
  function narrow(condition: string): void {
    changeQuery({
      where: where === '' ? condition : `${/\bor\b/i.test(where) ? `(${where})` : where} and ${condition}`,
    })
  }
  const within = (field: string) => (bin: Bin, last: boolean) =>
    narrow(`${number(bin.from)} <= ${field} ${last ? '<=' : '<'} ${number(bin.to)}`)
  const error = reward && reward.deviation !== null ? reward.deviation / Math.sqrt(reward.count) : null
  return (
    <section class="panels" aria-label="Figures of the selection">
      {reward && (
        <div class="panel">
          <h2>
            Reward{' '}
            <span class="faint">
              mean {formatReward(reward.mean)} {formatInterval(error)}, {formatCount(reward.count)} scored
            </span>
          </h2>
          <Histogram
            bins={histograms.reward}
            what="Reward"
            format={formatReward}
            graded
            onSelect={within('reward')}
          />
        </div>
      )}
      {overTime.length > 1 && (
        <div class="panel">
          <h2>
            Reward over time <span class="faint">as they ended</span>
          </h2>
          <OverTime moments={overTime} />
        </div>
      )}
      <Counted
        title="Stop reasons"
        counts={stopReasons}
        onSelect={(reason) => narrow(`stop_reason = ${reason}`)}
      />
      {turns && (
        <div class="panel">
          <h2>
            Turns{' '}
            <span class="faint">
              median {number(turns.quantiles[2] ?? 0)}
              {seconds && `, ${formatDuration((seconds.quantiles[2] ?? 0) * 1000)} each`}
            </span>
          </h2>
          <Histogram bins={histograms.turns} what="Turns" format={number} onSelect={within('turns')} />
        </div>
      )}
      {cost && (
        <div class="panel">
          <h2>
            Cost{' '}
            <span class="faint">
              median {formatCost(cost.quantiles[2] ?? 0)}, p90 {formatCost(cost.quantiles[4] ?? 0)}
            </span>
          </h2>
          <Histogram bins={histograms.cost} what="Cost" format={formatCost} onSelect={within('cost')} />
        </div>
      )}
      {errors.length > 0 && (
        <div class="panel">
          <h2>Errors</h2>
          <table class="bars">
            <tbody>
              {errors.slice(0, 6).map((one) => (
                <tr title={one.example}>
                  <th scope="row">
                    <Visible text={`${one.boundary} ${one.code}`} />
                  </th>
                  <td class="number bad">{formatCount(one.count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {children}
    </section>
  )
}

const number = (value: number): string => String(Number(value.toPrecision(6)))

interface CountedProps {
  title: string
  counts: Record<string, number>
  onSelect: (name: string) => void
}

function Counted({ title, counts, onSelect }: CountedProps) {
  const entries = Object.entries(counts).sort((a, b) => b[1] - a[1])
  const total = entries.reduce((sum, [, count]) => sum + count, 0)
  if (total === 0) return null
  return (
    <div class="panel">
      <h2>{title}</h2>
      <table class="bars">
        <tbody>
          {entries.map(([name, count]) => (
            <tr>
              <th scope="row">
                <button type="button" class="text-button" onClick={() => onSelect(name)}>
                  <Visible text={name} />
                </button>
              </th>
              <td class="bar-cell">
                <span
                  class={`stop-bar tone-${endingTone(name)}`}
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
