// Addresses of views, by the history API. What a view shows is in its path and query; the hash names the
// selected node.
import { useEffect, useState } from 'preact/hooks'

export type View =
  | { name: 'runs' }
  | { name: 'run'; id: string }
  | { name: 'groups'; id: string }
  | { name: 'group'; id: string; task: string }
  | { name: 'trajectory'; id: string }
  | { name: 'compare' }
  | { name: 'compare-trajectories' }
  | { name: 'search' }
  | { name: 'datasets' }
  | { name: 'dataset'; id: string }
  | { name: 'new-dataset' }
  | { name: 'export'; id: string }
  | { name: 'docs' }
  | { name: 'unknown' }

const plain = ['compare', 'compare-trajectories', 'search', 'datasets', 'docs'] as const

const singular: Record<string, 'run' | 'trajectory' | 'dataset' | 'export'> = {
  runs: 'run',
  trajectories: 'trajectory',
  datasets: 'dataset',
  exports: 'export',
}

export function parseAddress(path: string): View {
  if (path === '/' || path === '/runs') return { name: 'runs' }
  const name = plain.find((one) => path === `/${one}` || path === `/${one}/`)
  if (name) return { name }
  if (/^\/datasets\/new\/?$/.test(path)) return { name: 'new-dataset' }
  const group = /^\/runs\/([0-9A-Za-z-]+)\/groups(?:\/(.+?))?\/?$/.exec(path)
  if (group) {
    const [, id = '', task] = group
    const named = task === undefined ? null : decode(task)
    return named === null ? { name: 'groups', id } : { name: 'group', id, task: named }
  }
  const [, noun = '', id] = /^\/(runs|trajectories|datasets|exports)\/([0-9A-Za-z-]+)\/?$/.exec(path) ?? []
  const one = singular[noun]
  return id === undefined || one === undefined ? { name: 'unknown' } : { name: one, id }
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

export function groupAddress(run: string, task: string): string {
  return `/runs/${run}/groups/${encodeURIComponent(task)}`
}

const moved = 'descent:moved'

export function navigate(path: string): void {
  history.pushState(null, '', path)
  scrollTo(0, 0)
  dispatchEvent(new Event(moved))
}

/** Goes where `back` does not lead to what was here. */
export function replaceAddress(path: string): void {
  history.replaceState(null, '', path)
  dispatchEvent(new Event(moved))
}

/** Names the selected node in the address; stepping through nodes leaves no trail of history. */
export function replaceHash(hash: string): void {
  history.replaceState(null, '', hash === '' ? location.pathname + location.search : `#${hash}`)
}

/** Changes the query of the address, where empty values are left out; back leads to what it was. */
export function changeQuery(change: Record<string, string>): void {
  const query = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(change)) {
    if (value === '') query.delete(name)
    else query.set(name, value)
  }
  const text = query.toString()
  history.pushState(null, '', text === '' ? location.pathname : `?${text}`)
  dispatchEvent(new Event(moved))
}

export function currentHash(): string {
  return location.hash.slice(1)
}

function useLocation<T>(read: () => T): T {
  const [value, setValue] = useState(read)
  useEffect(() => {
    const update = (): void => setValue(read)
    addEventListener('popstate', update)
    addEventListener(moved, update)
    return () => {
      removeEventListener('popstate', update)
      removeEventListener(moved, update)
    }
  }, [])
  return value
}

export function usePath(): string {
  return useLocation(() => location.pathname)
}

export function useQuery(): URLSearchParams {
  const text = useLocation(() => location.search)
  return new URLSearchParams(text)
}

/** Follows the hash when a person edits it or goes back. */
export function useHashChange(follow: (hash: string) => void): void {
  useEffect(() => {
    const update = (): void => follow(currentHash())
    addEventListener('hashchange', update)
    return () => removeEventListener('hashchange', update)
  }, [follow])
}
