// Small marks: status, stop reason, reward, who made it.
import { absent, formatReward } from '../format.ts'
import type { PartScore } from '../../http/tree.ts'
import { Visible } from '../text/text.tsx'

export function StatusChip({ status }: { status: string }) {
  return (
    <span class={`chip status status-${status}`}>
      <span class="dot" aria-hidden="true" />
      {status}
    </span>
  )
}

const endings: Record<string, string> = {
  answered: 'good',
  cancelled: 'quiet',
  model_error: 'bad',
  sandbox_error: 'bad',
}

/** Whether an ending is good, bad, quiet, or a limit. */
export function endingTone(stopReason: string): string {
  return endings[stopReason] ?? 'limit'
}

export function StopReason({ reason }: { reason: string | null }) {
  if (reason === null) return <span class="faint">{absent}</span>
  return (
    <span class={`stop tone-${endingTone(reason)}`}>
      <Visible text={reason} />
    </span>
  )
}

export function RewardChip({ value, name, title }: { value: number | null; name?: string; title?: string }) {
  const tone =
    value === null ? 'none' : value <= 0 ? 'low' : value < 0.5 ? 'lower' : value < 1 ? 'higher' : 'high'
  return (
    <span class={`chip reward reward-${tone}`} title={title}>
      {name !== undefined && (
        <span class="reward-name">
          <Visible text={name} />
        </span>
      )}
      <b>{value === null ? 'not scored' : formatReward(value)}</b>
    </span>
  )
}

export function ScriptedBadge() {
  return (
    <span class="badge" title="Made by the scripted model: a test of the machinery, not data to train on">
      SCRIPTED
    </span>
  )
}

export function ErrorLine({ text }: { text: string }) {
  return (
    <p class="error-line" role="alert">
      <Visible text={text} />
    </p>
  )
}

export function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** Of a turn, or of an agent below: in a row the first of them, the others when it is pointed at. */
export function PartScores({ scores, named = false }: { scores: PartScore[]; named?: boolean }) {
  if (scores.length === 0) return null
  const title = scores.map(({ reward, value }) => `${reward} ${formatReward(value)}`).join(', ')
  return (
    <span class="part-scores">
      {(named ? scores : scores.slice(0, 1)).map(({ reward, value }) => (
        <RewardChip value={value} title={title} {...(named ? { name: reward } : {})} />
      ))}
    </span>
  )
}
