// A titled part of a detail, and what stands in for one that is still being fetched.
import type { ComponentChildren } from 'preact'
import { ErrorLine } from '../parts/chips.tsx'

interface SectionProps {
  title: string
  note?: ComponentChildren
  /** Undefined: always open. Else it can be folded, and starts so. */
  folded?: boolean
  children: ComponentChildren
}

export function Section({ title, note, folded, children }: SectionProps) {
  const head = (
    <>
      <h3>{title}</h3>
      {note !== undefined && <span class="note">{note}</span>}
    </>
  )
  if (folded === undefined) {
    return (
      <section class="section">
        <div class="section-head">{head}</div>
        {children}
      </section>
    )
  }
  return (
    <details class="section" open={!folded}>
      <summary class="section-head">{head}</summary>
      {children}
    </details>
  )
}

export function Waiting({ error }: { error: string | null }) {
  return error === null ? <p class="waiting">Reading…</p> : <ErrorLine text={error} />
}
