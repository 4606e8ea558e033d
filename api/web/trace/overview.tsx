// The root of the tree: the task, what came out, and how it was judged.
import { useState } from 'preact/hooks'
import type { TrajectoryTree } from '../../http/tree.ts'
import { formatCount, formatReward, plural } from '../format.ts'
import { Fact } from '../parts/chips.tsx'
import { Link } from '../parts/link.tsx'
import { LongText, Visible } from '../text/text.tsx'
import { Replay } from './replay.tsx'
import { ScoreForm } from './score-form.tsx'
import { ScoreHistory } from './score-history.tsx'
import { Section } from './section.tsx'

interface OverviewProps {
  tree: TrajectoryTree
  onOpen: (key: string) => void
  onChange: () => void
}

export function Overview({ tree, onOpen, onChange }: OverviewProps) {
  const [round, setRound] = useState(0)
  const gold = tree.task?.answer
  return (
    <>
      {tree.error && (
        <div class="callout bad-callout" role="note">
          <b>
            <Visible text={`${tree.error.boundary} · ${tree.error.code}`} />
          </b>
          <LongText text={tree.error.message} label="Error" />
        </div>
      )}
      {tree.divergence && <DivergenceNote divergence={tree.divergence} />}
      {tree.task && (
        <Section
          title="Task"
          note={
            <>
              context: <Visible text={tree.task.contextType} /> of {formatCount(tree.task.contextCharacters)}{' '}
              characters
            </>
          }
        >
          <LongText text={tree.task.prompt.text} label="Task prompt" />
        </Section>
      )}
      <div class="beside">
        <Section title="Answer">
          {tree.answer ? <LongText text={tree.answer.text} label="Answer" /> : <p class="faint">None.</p>}
        </Section>
        {gold !== undefined && gold !== null && (
          <Section title="Gold answer">
            <LongText
              text={typeof gold === 'string' ? gold : JSON.stringify(gold, null, 2)}
              label="Gold answer"
            />
          </Section>
        )}
      </div>
      <Section title="Scores" note={tree.scores.length === 0 ? 'not scored' : undefined}>
        {tree.scores.length > 0 && <ScoreTable tree={tree} />}
        <ScoreForm
          trajectory={tree.id}
          onScored={() => {
            setRound(round + 1)
            onChange()
          }}
        />
      </Section>
      <ScoreHistory trajectory={tree.id} round={round} />
      <Replay tree={tree} onOpen={onOpen} />
      <Section title="Conditions">
        <dl class="facts">
          <Fact name="Sandbox">
            <Visible text={tree.sandbox ?? 'none'} />
          </Fact>
          <Fact name="Protocol">
            <Visible text={tree.protocol.id} /> <code class="faint">{tree.protocol.hash.slice(0, 12)}</code>
          </Fact>
          <Fact name="Seed">{tree.seed}</Fact>
          <Fact name="Attempt">{tree.attempt}</Fact>
          <Fact name="Schema">{tree.schemaVersion}</Fact>
          {tree.origin && (
            <Fact name="Fork of">
              <Link to={`/trajectories/${encodeURIComponent(tree.origin.trajectoryId)}`}>
                <code>{tree.origin.trajectoryId.slice(-8)}</code>
              </Link>{' '}
              after {plural(tree.origin.turns, 'turn')}
            </Fact>
          )}
          {tree.lostCalls.length > 0 && (
            <Fact name="Lost calls">
              {plural(tree.lostCalls.length, 'call')} given up or failed before the rollout was taken up again
            </Fact>
          )}
          <Fact name="Trajectory">
            <code>{tree.id}</code>
          </Fact>
        </dl>
      </Section>
    </>
  )
}

function DivergenceNote({ divergence }: { divergence: NonNullable<TrajectoryTree['divergence']> }) {
  const { turn, cell, what, recorded, replayed } = divergence
  return (
    <div class="callout bad-callout" role="note">
      <b>
        Taken up again, turn {turn + 1}, cell {cell + 1} differed in its {what}
      </b>
      <LongText text={recorded} label="Recorded" />
      <LongText text={replayed} label="Replayed" />
    </div>
  )
}

function ScoreTable({ tree }: { tree: TrajectoryTree }) {
  return (
    <div class="table-frame">
      <table class="score-table">
        <thead>
          <tr>
            <th>Reward</th>
            <th class="number">Value</th>
            <th class="number">Weight</th>
            <th>Details</th>
          </tr>
        </thead>
        <tbody>
          {tree.scores.map((score) => (
            <tr>
              <td>
                <Visible text={score.reward} />{' '}
                <span class="faint">
                  v<Visible text={score.version} />
                </span>
              </td>
              <td class="number strong">{formatReward(score.value)}</td>
              <td class="number">{score.weight}</td>
              <td class="detail-cell">
                {score.error ? (
                  <span class="bad">
                    <Visible text={`${score.error.code}: ${score.error.message}`} />
                  </span>
                ) : (
                  score.details && (
                    <code>
                      <Visible text={JSON.stringify(score.details)} />
                    </code>
                  )
                )}
              </td>
            </tr>
          ))}
        </tbody>
        {tree.reward !== null && (
          <tfoot>
            <tr>
              <td>Weighted sum</td>
              <td class="number strong">{formatReward(tree.reward)}</td>
              <td />
              <td />
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  )
}
