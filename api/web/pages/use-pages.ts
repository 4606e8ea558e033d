// A list that grows by pages. Reloading reads the first page again and keeps the rest.
import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Page } from '../../../src/store/contract.ts'

export interface Pages<T> {
  items: T[] | null
  next: string | null
  error: string | null
  loading: boolean
  more: () => void
  refresh: () => void
}

export function usePages<T extends { id: string }>(
  read: (cursor: string | null, signal?: AbortSignal) => Promise<Page<T>>,
): Pages<T> {
  const [items, setItems] = useState<T[] | null>(null)
  const [next, setNext] = useState<string | null>(null)
  const [error, setError] = useState<string | null>(null)
  const [loading, setLoading] = useState(true)

  const load = useCallback(
    async (cursor: string | null, signal?: AbortSignal) => {
      setLoading(true)
      try {
        const page = await read(cursor, signal)
        setItems((old) => merge(old ?? [], page.items, cursor === null))
        setNext((old) => (cursor === null && old !== null ? old : page.next))
        setError(null)
      } catch (failure) {
        if (!signal?.aborted) setError(failure instanceof Error ? failure.message : String(failure))
      } finally {
        setLoading(false)
      }
    },
    [read],
  )

  useEffect(() => {
    setItems(null)
    setNext(null)
    const aborter = new AbortController()
    void load(null, aborter.signal)
    return () => aborter.abort()
  }, [load])

  return { items, next, error, loading, more: () => void load(next), refresh: () => void load(null) }
}

/** Rows that are known are renewed in place; new ones go where their page stands. */
function merge<T extends { id: string }>(old: T[], fresh: T[], atTop: boolean): T[] {
  const renewed = new Map(fresh.map((item) => [item.id, item]))
  const known = new Set(old.map((item) => item.id))
  const kept = old.map((item) => renewed.get(item.id) ?? item)
  const added = fresh.filter((item) => !known.has(item.id))
  return atTop && old.length > 0 ? [...added, ...kept] : [...kept, ...added]
}
