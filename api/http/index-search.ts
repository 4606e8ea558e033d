// Keeps the index of full-text search up while a server runs: what ended before it started, and what ends
// while it is there. In small steps, so that requests do not wait for it.
import { setTimeout } from 'node:timers/promises'
import type { ApiStore } from './read-store.ts'

/** Milliseconds of work, and of rest: after a step, and when there was nothing to do. */
const step = 200
const rest = 100
const idle = 3000

/** Stops when `signal` is aborted. `onError` hears of a store that failed; it is tried again. */
export async function keepSearchIndexed(
  store: Pick<ApiStore, 'indexForSearch'>,
  signal: AbortSignal,
  onError: (error: unknown) => void = () => {},
): Promise<void> {
  let failing = false
  while (!signal.aborted) {
    let left = 0
    try {
      left = await store.indexForSearch({ milliseconds: step })
      failing = false
    } catch (error) {
      // The store of a server that is being stopped is closed at some time.
      if (!failing && !signal.aborted) onError(error)
      failing = true
    }
    await setTimeout(left > 0 ? rest : idle, undefined, { signal, ref: false }).catch(() => {})
  }
}
