// The tags of a run: each can be taken away, and another one added.
import { useRef, useState } from 'preact/hooks'
import { tagRun } from '../client.ts'
import { Visible } from '../text/text.tsx'
import { ErrorLine } from './chips.tsx'

interface TagEditorProps {
  run: string
  tags: string[]
  onChange: () => void
}

export function TagEditor({ run, tags, onChange }: TagEditorProps) {
  const [adding, setAdding] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const field = useRef<HTMLInputElement>(null)
  async function change(next: string[]): Promise<void> {
    try {
      await tagRun(run, next)
      setError(null)
      setAdding(false)
      onChange()
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure))
    }
  }
  function add(event: Event): void {
    event.preventDefault()
    const tag = field.current?.value.trim() ?? ''
    if (tag === '') setAdding(false)
    else void change([...tags, tag])
  }
  return (
    <>
      {tags.map((tag) => (
        <span class="tag removable" key={tag}>
          <Visible text={tag} />
          <button
            type="button"
            class="text-button"
            aria-label={`Take the tag ${tag} away`}
            onClick={() => void change(tags.filter((one) => one !== tag))}
          >
            ×
          </button>
        </span>
      ))}
      {adding ? (
        <form class="tag-form" onSubmit={add}>
          <input
            ref={(input) => {
              field.current = input
              input?.focus()
            }}
            type="text"
            aria-label="New tag"
            placeholder="tag, then Enter"
            maxLength={60}
            autocomplete="off"
            onKeyDown={(event) => event.key === 'Escape' && setAdding(false)}
          />
        </form>
      ) : (
        <button type="button" class="tag add-tag" onClick={() => setAdding(true)}>
          + tag
        </button>
      )}
      {error !== null && <ErrorLine text={error} />}
    </>
  )
}
