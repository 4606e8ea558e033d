// Bodies of calls and cells, fetched when they are looked at. The last ones stay, as a reader goes
// back and forth; quick steps through the tree fetch nothing.
import { useEffect, useState } from 'preact/hooks'
import type { CellBody } from '../../http/tree.ts'
import type { Call } from '../../../src/trajectory.ts'
import { readCall, readCell } from '../client.ts'

const kept = 60
const shownCharacters = 4000
/** Above this, a text is for an editor and not for a page. */
export const mostCharacters = 2_000_000
const patienceMs = 70

export interface Body<T> {
  value: T | null
  error: string | null
}

function remembering<T>(read: (trajectory: string, id: string, signal: AbortSignal) => Promise<T>) {
  const cache = new Map<string, T>()
  function remember(id: string, value: T): void {
    cache.set(id, value)
    const [oldest] = cache.keys()
    if (cache.size > kept && oldest !== undefined) cache.delete(oldest)
  }
  return function useBody(trajectory: string, id: string | null): Body<T> {
    const [body, setBody] = useState<Body<T> & { id: string | null }>({ id, value: null, error: null })
    useEffect(() => {
      if (id === null || cache.has(id)) return undefined
      const aborter = new AbortController()
      const { signal } = aborter
      async function fetchBody(wanted: string): Promise<void> {
        try {
          const value = await read(trajectory, wanted, signal)
          remember(wanted, value)
          if (!signal.aborted) setBody({ id: wanted, value, error: null })
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error)
          if (!signal.aborted) setBody({ id: wanted, value: null, error: message })
        }
      }
      const timer = setTimeout(() => void fetchBody(id), patienceMs)
      return () => {
        clearTimeout(timer)
        aborter.abort()
      }
    }, [trajectory, id])
    const known = id === null ? undefined : cache.get(id)
    if (known !== undefined) return { value: known, error: null }
    return body.id === id ? body : { value: null, error: null }
  }
}

/** The whole call; pass null to fetch nothing. */
export const useCallBody = remembering<Call>(readCall)

/** The texts of a cell, their beginnings where they are long; pass null to fetch nothing. */
export const useCellBody = remembering<CellBody>((trajectory, id, signal) =>
  readCell(trajectory, id, shownCharacters, signal),
)

/** The texts of a cell up to what a page can hold; pass null to fetch nothing. */
export const useWholeCell = remembering<CellBody>((trajectory, id, signal) =>
  readCell(trajectory, id, mostCharacters, signal),
)
