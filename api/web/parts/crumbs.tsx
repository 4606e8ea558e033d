// Where the view stands, from the top: the mark, the runs, and what is given.
import type { ComponentChildren } from 'preact'
import { Link } from './link.tsx'

export function Crumbs({ children }: { children?: ComponentChildren }) {
  return (
    <nav class="crumbs" aria-label="Where you are">
      <Link to="/" class="brand" title="All runs">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2 3h4v4.5h4V12h4" />
          <circle cx="2.6" cy="3" r="1.6" />
        </svg>
        Descent
      </Link>
      {children}
    </nav>
  )
}

export function CrumbSlash() {
  return <span aria-hidden="true">/</span>
}
