// A link to another view. It is a real link, so that it opens in a new tab like any other.
import type { ComponentChildren } from 'preact'
import { navigate } from '../router.ts'

interface LinkProps {
  to: string
  class?: string
  title?: string
  /** It leads to where one is. */
  current?: boolean
  children: ComponentChildren
}

export function Link({ to, class: className, title, current, children }: LinkProps) {
  function follow(event: MouseEvent): void {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
  }
  return (
    <a href={to} class={className} title={title} onClick={follow} aria-current={current ? 'page' : undefined}>
      {children}
    </a>
  )
}
