// Changes told to many readers at the cost of one: a feed asks the store while somebody listens and keeps
// the last changes. A reader who is within them is served from there; one who is behind, because it is slow
// or was away, reads the store by page. No queue grows with a reader: what it has not taken is not kept for
// it, since the store has it.
import type { Change } from '../../src/store/contract.ts'

export type ReadChanges<Event> = (cursor: string | null, limit: number) => Promise<Change<Event>[]>

export interface Feed<Event> {
  /** The changes after `cursor` as they come, without end; ends when `signal` is aborted. */
  follow(cursor: string | null, signal: AbortSignal): AsyncGenerator<Change<Event>>
}

const kept = 500
const pageSize = 200

export function createFeed<Event>(read: ReadChanges<Event>, pauseMilliseconds = 500): Feed<Event> {
  let recent: Change<Event>[] = []
  /** The place before `recent`; undefined until the first look. */
  let start: string | null | undefined
  const audience = { listeners: 0 }
  let wake = Promise.withResolvers<void>()
  let watching = false

  function end(): string | null | undefined {
    return recent.at(-1)?.cursor ?? start
  }

  async function watch(from: string | null): Promise<void> {
    watching = true
    recent = []
    start = from
    try {
      while (audience.listeners > 0) {
        const changes = await read(end() ?? null, pageSize)
        if (changes.length > 0) {
          recent.push(...changes)
          const dropped = recent.splice(0, Math.max(0, recent.length - kept))
          start = dropped.at(-1)?.cursor ?? start
          wake.resolve()
          wake = Promise.withResolvers()
        }
        if (changes.length < pageSize) await pause(pauseMilliseconds)
      }
    } catch (error) {
      // Each reader hears of it and may come back; the next one starts the feed anew.
      wake.reject(error)
      wake.promise.catch(() => {})
      wake = Promise.withResolvers()
    } finally {
      watching = false
      start = undefined
      recent = []
    }
  }

  /** What the memory holds after `cursor`; null when it does not reach back that far. */
  function remembered(cursor: string | null): Change<Event>[] | null {
    if (start === undefined) return null
    if (cursor === start) return recent
    const at = recent.findIndex((change) => change.cursor === cursor)
    return at < 0 ? null : recent.slice(at + 1)
  }

  async function* follow(from: string | null, signal: AbortSignal): AsyncGenerator<Change<Event>> {
    audience.listeners += 1
    let cursor = from
    const aborted = new Promise<'aborted'>((resolve) =>
      signal.addEventListener('abort', () => resolve('aborted'), { once: true }),
    )
    try {
      while (!signal.aborted) {
        const waiting = wake.promise
        const known = remembered(cursor)
        const changes = known ?? (await read(cursor, pageSize))
        for (const change of changes.slice(0, pageSize)) {
          if (signal.aborted) return
          yield change
          cursor = change.cursor
        }
        if (changes.length > 0) continue
        if (!watching) void watch(cursor)
        // A reader whose place the memory does not know looks again by itself.
        else if (known === null) await Promise.race([pause(pauseMilliseconds), aborted])
        if ((await Promise.race([known === null ? Promise.resolve() : waiting, aborted])) === 'aborted')
          return
      }
    } finally {
      audience.listeners -= 1
    }
  }

  return { follow }
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
}
