// The selection language in a field, with completion of the word under the cursor.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { StopReason } from '../../../src/trajectory.ts'
import { ErrorLine } from './chips.tsx'

/** Fields of the selection language, with what each means. */
const fields: [string, string][] = [
  ['reward', 'weighted sum of the scores'],
  ['score.NAME', 'one score, such as score.exact'],
  ['stop_reason', 'why it ended'],
  ['status', 'pending, running, done, failed'],
  ['turns', 'turns of the tree'],
  ['cells', 'executed cells'],
  ['calls', 'requests to models'],
  ['errors', 'cells that failed'],
  ['depth', 'deepest invocation'],
  ['input_tokens', 'tokens sent'],
  ['output_tokens', 'tokens received'],
  ['cost', 'dollars'],
  ['rollout', 'number within its group'],
  ['task', 'id of the task'],
  ['answer', 'the final answer'],
  ['group.mean', 'mean reward of the task'],
  ['group.max', 'best reward of the task'],
  ['group.size', 'scored rollouts of the task'],
  ['group.pass_at_4', 'chance that one of 4 is correct'],
]

/** All there are; by their type, as the list itself would bring the schemas along. */
const stopReasons = Object.keys({
  answered: true,
  max_turns: true,
  max_tokens: true,
  max_cost: true,
  max_calls: true,
  max_time: true,
  max_errors: true,
  cancelled: true,
  model_error: true,
  sandbox_error: true,
  no_code: true,
} satisfies Record<StopReason, true>)

const statuses = ['pending', 'running', 'done', 'failed']
const mostShown = 8

interface Completion {
  text: string
  meaning: string
}

/** What may stand where the word before `cursor` stands; `named` are the fields there are, with meanings. */
export function complete(
  text: string,
  cursor: number,
  named: readonly [string, string][] = fields,
): { from: number; options: Completion[] } {
  const before = text.slice(0, cursor)
  const word = /[\w.]*$/.exec(before)?.[0] ?? ''
  const from = cursor - word.length
  const rest = before.slice(0, from).trimEnd()
  const known = (values: readonly string[]) => values.map((value) => ({ text: value, meaning: '' }))
  const comparing = /(stop_reason|status)\s*(?:=|==|!=|(?:not\s+)?in\s*\([^)]*)$/.exec(rest)?.[1]
  const candidates = comparing
    ? known(comparing === 'status' ? statuses : stopReasons)
    : /(^|\band|\bor|\bnot|\(|[<>=])$/i.test(rest)
      ? named.map(([name, meaning]) => ({ text: name, meaning }))
      : /(\d|"|'|\)|\bnull|[=(,]\s*\w+)$/i.test(rest)
        ? known(['and', 'or'])
        : []
  const options = candidates.filter(
    (option) => option.text.toLowerCase().startsWith(word.toLowerCase()) && option.text !== word,
  )
  return { from, options: options.slice(0, mostShown) }
}

interface FilterBarProps {
  value: string
  error: string | null
  onChange: (where: string) => void
  /** The fields there are, with their meanings; those of trajectories by default. */
  named?: readonly [string, string][]
  label?: string
  placeholder?: string
}

export function FilterBar({
  value,
  error,
  onChange,
  named = fields,
  label = 'Filter by the selection language',
  placeholder = 'reward < 0.5 and stop_reason = answered',
}: FilterBarProps) {
  const [text, setText] = useState(value)
  const [cursor, setCursor] = useState<number | null>(null)
  const [chosen, setChosen] = useState(0)
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => setText(value), [value])
  const { from, options } = cursor === null ? { from: 0, options: [] } : complete(text, cursor, named)
  const open = options.length > 0

  function take(option: Completion): void {
    const input = field.current
    if (input === null) return
    // The field itself, now: a key that follows at once is typed behind the completed word.
    const end = cursor ?? from
    const blanks = /^\s*/.exec(input.value.slice(end))?.[0].length ?? 0
    input.setRangeText(`${option.text} `, from, end + blanks, 'end')
    setText(input.value)
    setChosen(0)
    setCursor(input.selectionStart)
  }

  function press(event: KeyboardEvent): void {
    const option = options[chosen]
    if (event.key === 'ArrowDown' && open) setChosen((chosen + 1) % options.length)
    else if (event.key === 'ArrowUp' && open) setChosen((chosen + options.length - 1) % options.length)
    else if (event.key === 'Tab' && option) take(option)
    else if (event.key === 'Escape' && cursor !== null && open) setCursor(null)
    else if (event.key === 'Escape') field.current?.blur()
    else if (event.key === 'Enter') {
      setCursor(null)
      // The field itself: the last keys may not have been drawn yet.
      onChange(field.current?.value.trim() ?? '')
    } else return
    event.preventDefault()
  }

  return (
    <div class="filter-bar">
      <div class="filter-field">
        <span class="filter-label" aria-hidden="true">
          where
        </span>
        <input
          ref={field}
          data-main-field
          type="text"
          role="combobox"
          aria-label={label}
          aria-expanded={open}
          aria-controls="filter-options"
          aria-activedescendant={open ? `filter-option-${chosen}` : undefined}
          aria-autocomplete="list"
          placeholder={placeholder}
          spellcheck={false}
          autocomplete="off"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value)
            setChosen(0)
            setCursor(event.currentTarget.selectionStart)
          }}
          onFocus={(event) => setCursor(event.currentTarget.selectionStart)}
          onBlur={() => setCursor(null)}
          onKeyDown={press}
        />
        {value !== '' && (
          <button type="button" class="text-button" onClick={() => onChange('')}>
            Clear
          </button>
        )}
        <kbd aria-hidden="true">/</kbd>
        <ul id="filter-options" role="listbox" aria-label="Completions" hidden={!open}>
          {options.map((option, index) => (
            <li
              id={`filter-option-${index}`}
              role="option"
              aria-selected={index === chosen}
              onMouseDown={(event) => {
                event.preventDefault()
                take(option)
              }}
            >
              <code>{option.text}</code>
              <span class="faint">{option.meaning}</span>
            </li>
          ))}
        </ul>
      </div>
      {error !== null && <ErrorLine text={error} />}
    </div>
  )
}
