// Where the view stands below the places of the top bar.
import type { ComponentChildren } from 'preact'

export function Crumbs({ children }: { children?: ComponentChildren }) {
  return (
    <nav class="crumbs" aria-label="Where you are">
      {children}
    </nav>
  )
}

export function CrumbSlash() {
  return <span aria-hidden="true">/</span>
}
