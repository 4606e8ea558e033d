// Addresses of views, by the history API. The hash belongs to the view: it names the selected node.
import { useEffect, useState } from 'preact/hooks'

export type View =
  | { name: 'runs' }
  | { name: 'run'; id: string }
  | { name: 'trajectory'; id: string }
  | { name: 'unknown' }

export function parseAddress(path: string): View {
  if (path === '/' || path === '/runs') return { name: 'runs' }
  const match = /^\/(runs|trajectories)\/([0-9A-Za-z-]+)\/?$/.exec(path)
  const [, noun, id] = match ?? []
  if (id === undefined) return { name: 'unknown' }
  return { name: noun === 'runs' ? 'run' : 'trajectory', id }
}

const moved = 'descent:moved'

export function navigate(path: string): void {
  history.pushState(null, '', path)
  scrollTo(0, 0)
  dispatchEvent(new Event(moved))
}

/** Names the selected node in the address; stepping through nodes leaves no trail of history. */
export function replaceHash(hash: string): void {
  history.replaceState(null, '', hash === '' ? location.pathname : `#${hash}`)
}

export function currentHash(): string {
  return location.hash.slice(1)
}

export function usePath(): string {
  const [path, setPath] = useState(location.pathname)
  useEffect(() => {
    const update = (): void => setPath(location.pathname)
    addEventListener('popstate', update)
    addEventListener(moved, update)
    return () => {
      removeEventListener('popstate', update)
      removeEventListener(moved, update)
    }
  }, [])
  return path
}

/** Follows the hash when a person edits it or goes back. */
export function useHashChange(follow: (hash: string) => void): void {
  useEffect(() => {
    const update = (): void => follow(currentHash())
    addEventListener('hashchange', update)
    return () => removeEventListener('hashchange', update)
  }, [follow])
}
