// Labels and notes on the selected node: `m g` good, `m b` bad, `m n` a note.
import { useRef, useState } from 'preact/hooks'
import type { Annotation } from '../../../src/store/contract.ts'
import { annotate, readAnnotations, removeAnnotation } from '../client.ts'
import { formatAge } from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine } from '../parts/chips.tsx'
import { Visible } from '../text/text.tsx'
import { useLoaded } from '../use-loaded.ts'
import type { TraceNode } from './nodes.ts'

/** What a node is to an annotation; a batch belongs to its cell. */
export function targetOf(node: TraceNode, trajectory: string): Pick<Annotation, 'target' | 'targetId'> {
  if (node.kind === 'turn') return { target: 'turn', targetId: node.turn.id }
  if (node.kind === 'cell') return { target: 'cell', targetId: node.cell.id }
  if (node.kind === 'call') return { target: 'call', targetId: node.call.id }
  return { target: 'trajectory', targetId: trajectory }
}

export function LabelsPanel({ trajectory, node }: { trajectory: string; node: TraceNode }) {
  const { value, error, reload } = useLoaded(`labels ${trajectory}`, (signal) =>
    readAnnotations(trajectory, signal),
  )
  const [failure, setFailure] = useState<string | null>(null)
  const field = useRef<HTMLInputElement>(null)
  const at = targetOf(node, trajectory)
  async function change(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
      setFailure(null)
    } catch (thrown) {
      setFailure(thrown instanceof Error ? thrown.message : String(thrown))
    }
    reload()
  }
  const mark = (label: string | null, note: string) =>
    void change(() => annotate(trajectory, { ...at, label, note }))
  useKeys({
    'm g': () => mark('good', ''),
    'm b': () => mark('bad', ''),
    'm n': () => field.current?.focus(),
  })
  function submit(event: Event): void {
    event.preventDefault()
    const note = field.current?.value.trim() ?? ''
    if (note === '') return
    mark(null, note)
    if (field.current) field.current.value = ''
    field.current?.blur()
  }
  const here = (value?.items ?? []).filter((one) => one.targetId === at.targetId)
  return (
    <section class="labels" aria-label={`Labels of this ${at.target}`}>
      <div class="label-buttons">
        <button type="button" class="small-button" onClick={() => mark('good', '')} title="m g">
          Good
        </button>
        <button type="button" class="small-button" onClick={() => mark('bad', '')} title="m b">
          Bad
        </button>
        <form onSubmit={submit}>
          <input
            ref={field}
            type="text"
            placeholder={`Note on this ${at.target}`}
            aria-label={`Note on this ${at.target}`}
            title="m n"
            autocomplete="off"
            onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
          />
        </form>
      </div>
      {(failure ?? error) !== null && <ErrorLine text={failure ?? error ?? ''} />}
      <ul>
        {here.map((one) => (
          <li key={one.id}>
            {one.label !== null && (
              <span class={`chip label-${one.label === 'good' || one.label === 'bad' ? one.label : 'other'}`}>
                <Visible text={one.label} />
              </span>
            )}
            <Visible text={one.note} />
            <span class="faint">
              <Visible text={one.author} />, {formatAge(one.createdAt, Date.now())}
            </span>
            <button
              type="button"
              class="text-button"
              aria-label="Take this label away"
              onClick={() => void change(() => removeAnnotation(one.id))}
            >
              remove
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
