// Loads something for as long as its key stays the same; an answer for an older key is dropped.
import { useEffect, useRef, useState } from 'preact/hooks'

export interface Loaded<T> {
  value: T | null
  error: string | null
  reload: () => void
}

export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string; value: T | null; error: string | null }>({
    key,
    value: null,
    error: null,
  })
  const [round, setRound] = useState(0)
  useEffect(() => {
    const aborter = new AbortController()
    const { signal } = aborter
    load(signal).then(
      (value) => signal.aborted || setState({ key, value, error: null }),
      (error: unknown) => {
        if (signal.aborted) return
        const message = error instanceof Error ? error.message : String(error)
        setState((old) => ({ key, value: old.key === key ? old.value : null, error: message }))
      },
    )
    return () => aborter.abort()
    // `load` is made anew at each rendering; the key says when it means something else.
  }, [key, round])
  const current = state.key === key ? state : { value: null, error: null }
  return { value: current.value, error: current.error, reload: () => setRound((n) => n + 1) }
}

/** Calls `action` soon after events of the stream at `path`, however many come; the browser reconnects. */
export function useEvents(path: string | null, action: () => void): void {
  const current = useRef(action)
  current.current = action
  useEffect(() => {
    if (path === null) return undefined
    const source = new EventSource(path)
    let timer: ReturnType<typeof setTimeout> | undefined
    function wake(): void {
      timer ??= setTimeout(() => {
        timer = undefined
        current.current()
      }, 700)
    }
    for (const name of ['trajectory', 'turn', 'cell', 'call']) source.addEventListener(name, wake)
    return () => {
      clearTimeout(timer)
      source.close()
    }
  }, [path])
}

/** Calls `action` every `milliseconds` while `active` and while the page is looked at. */
export function useInterval(active: boolean, milliseconds: number, action: () => void): void {
  useEffect(() => {
    if (!active) return undefined
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') action()
    }, milliseconds)
    return () => clearInterval(timer)
  }, [active, milliseconds])
}
