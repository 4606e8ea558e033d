// Walking a table by keys: one row is current, `j` and `k` move, Enter opens.
import { useEffect, useState } from 'preact/hooks'
import { useKeys } from '../keyboard.ts'
import { navigate } from '../router.ts'

/** `addresses` of the rows, top to bottom. Returns the current row, -1 for none yet. */
export function useRows(addresses: string[], marked = 'tr[aria-current="true"]'): number {
  const [current, setCurrent] = useState(-1)
  function move(step: number): void {
    setCurrent((old) => Math.max(0, Math.min(addresses.length - 1, old + step)))
  }
  function open(): void {
    const address = addresses[current]
    if (address !== undefined) navigate(address)
  }
  const keys = { j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) }
  useKeys(current === -1 ? keys : { ...keys, Enter: open, l: open })
  useEffect(() => {
    document.querySelector(marked)?.scrollIntoView({ block: 'nearest' })
  }, [current, marked])
  return current
}
