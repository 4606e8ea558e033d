// Going on from a turn: what is kept, what it costs, and the button that asks the models.
import { useState } from 'preact/hooks'
import type { TrajectoryTree } from '../../http/tree.ts'
import { forkTrajectory } from '../client.ts'
import { formatCost, plural } from '../format.ts'
import { ErrorLine } from '../parts/chips.tsx'
import { navigate } from '../router.ts'
import { costAfter } from './cost-after.ts'
import { Section } from './section.tsx'

/** `index`: of the last turn of the root that is kept. */
export function ForkForm({ tree, index }: { tree: TrajectoryTree; index: number }) {
  const [rollouts, setRollouts] = useState('4')
  const [temperature, setTemperature] = useState('')
  const [model, setModel] = useState('')
  const [error, setError] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const turns = index + 1
  const rest = costAfter(tree, index)
  const many = Number(rollouts)
  async function fork(event: Event): Promise<void> {
    event.preventDefault()
    setBusy(true)
    try {
      const run = await forkTrajectory(tree.id, {
        turns,
        rollouts: many,
        ...(temperature.trim() === '' ? {} : { temperature: Number(temperature) }),
        ...(model.trim() === '' ? {} : { model: model.trim() }),
      })
      navigate(`/runs/${run.id}`)
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure))
      setBusy(false)
    }
  }
  return (
    <Section title="Fork" note={`keeps ${plural(turns, 'turn')}`} folded>
      <p>
        {turns === 1 ? 'The first turn stays as it is' : `The first ${turns} turns stay as they are`}, and
        each new rollout goes on from there. <b>This asks the models of the run</b>
        {rest === null
          ? '; what that costs is not known.'
          : `: here the rest cost ${formatCost(rest)}, so about ${formatCost(rest * (many > 0 ? many : 1))} in all.`}
      </p>
      <form class="score-form" aria-label="Fork" onSubmit={(event) => void fork(event)}>
        <Field label="Rollouts" value={rollouts} onInput={setRollouts} placeholder="4" />
        <Field label="Temperature" value={temperature} onInput={setTemperature} placeholder="as it was" />
        <Field label="Model" value={model} onInput={setModel} placeholder="the same" long />
        <button type="submit" class="small-button" disabled={busy}>
          Ask the models
        </button>
        {error !== null && <ErrorLine text={error} />}
      </form>
    </Section>
  )
}

interface FieldProps {
  label: string
  value: string
  onInput: (value: string) => void
  placeholder: string
  long?: boolean
}

function Field({ label, value, onInput, placeholder, long = false }: FieldProps) {
  return (
    <label class={long ? 'long' : undefined}>
      {label}
      <input
        type="text"
        value={value}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  )
}
