// A score by hand: a number, why, and under which name.
import { useState } from 'preact/hooks'
import { addScore } from '../client.ts'
import { ErrorLine } from '../parts/chips.tsx'

interface ScoreFormProps {
  trajectory: string
  onScored: () => void
}

export function ScoreForm({ trajectory, onScored }: ScoreFormProps) {
  const [error, setError] = useState<string | null>(null)
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const text = (name: string) => (form.elements.namedItem(name) as HTMLInputElement).value.trim()
    const [value, weight] = [Number(text('value')), Number(text('weight') || '0')]
    if (text('value') === '' || !Number.isFinite(value) || !Number.isFinite(weight)) {
      setError('Value and weight are numbers, such as 0.5 and 0.')
      return
    }
    try {
      await addScore(trajectory, { value, weight, reason: text('reason'), reward: text('reward') || 'human' })
      form.reset()
      setError(null)
      onScored()
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure))
    }
  }
  return (
    <form class="score-form" aria-label="Score by hand" onSubmit={(event) => void submit(event)}>
      <label>
        Value
        <input name="value" type="text" inputMode="decimal" required autocomplete="off" placeholder="0.5" />
      </label>
      <label class="long">
        Why
        <input
          name="reason"
          type="text"
          required
          maxLength={4000}
          autocomplete="off"
          placeholder="right, but by luck"
        />
      </label>
      <label>
        Name
        <input name="reward" type="text" autocomplete="off" spellcheck={false} placeholder="human" />
      </label>
      <label title="What it weighs in the reward; with 0 it only stands beside it">
        Weight
        <input name="weight" type="text" inputMode="decimal" autocomplete="off" placeholder="0" />
      </label>
      <button type="submit" class="small-button">
        Add
      </button>
      {error !== null && <ErrorLine text={error} />}
    </form>
  )
}
