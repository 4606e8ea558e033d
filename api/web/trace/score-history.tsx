// Every score that the trajectory was given, with who gave it and when.
import type { ScoreItem } from '../../http/routes/judgements.ts'
import { readScores } from '../client.ts'
import { formatInstant, formatReward } from '../format.ts'
import { Visible } from '../text/text.tsx'
import { useLoaded } from '../use-loaded.ts'
import { Section, Waiting } from './section.tsx'

/** `round` counts the scores that were given meanwhile. */
export function ScoreHistory({ trajectory, round }: { trajectory: string; round: number }) {
  const { value, error } = useLoaded(`scores ${trajectory} ${round}`, (signal) =>
    readScores(trajectory, signal),
  )
  if (!value) return <Waiting error={error} />
  if (value.items.length === 0) return null
  return (
    <Section title="Score history" note={`${value.items.length}`} folded>
      <div class="table-frame">
        <table class="score-table">
          <tbody>
            {value.items.map((score) => (
              <tr key={score.id}>
                <td>
                  <Visible text={score.reward} />{' '}
                  <span class="faint">
                    v<Visible text={score.version} />
                  </span>
                </td>
                <td class="number strong">{formatReward(score.value)}</td>
                <td>
                  <Visible text={score.author} />
                </td>
                <td class="faint">{formatInstant(score.createdAt)}</td>
                <td class="detail-cell">
                  <Visible text={reasonOf(score)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  )
}

function reasonOf({ details, error }: ScoreItem): string {
  const reason = details?.['reason']
  return typeof reason === 'string' ? reason : (error?.message ?? '')
}
