// How a selection narrows, step by step.
import { formatCount } from '../format.ts'
import { Visible } from '../text/text.tsx'

export interface Step {
  step: string
  trajectories: number
  rows?: number | undefined
}

export function Funnel({ steps, stale = false }: { steps: Step[]; stale?: boolean }) {
  const top = Math.max(1, ...steps.map((step) => step.trajectories))
  return (
    <div class={stale ? 'panel stale' : 'panel'}>
      <h2>
        Funnel <span class="faint">trajectories that each step leaves</span>
      </h2>
      <table class="bars funnel">
        <tbody>
          {steps.map(({ step, trajectories, rows }) => {
            const leftOut = step.startsWith('left out: ')
            return (
              <tr>
                <th scope="row" title={step}>
                  <Visible text={step} />
                </th>
                <td class="bar-cell">
                  <span
                    class={leftOut ? 'stop-bar tone-quiet' : 'stop-bar tone-good'}
                    style={{ width: `${(100 * trajectories) / top}%` }}
                  />
                </td>
                <td class="number">{formatCount(trajectories)}</td>
                <td class="number faint">
                  {rows === undefined ? '' : `${formatCount(rows)} ${leftOut ? 'times' : 'rows'}`}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}
