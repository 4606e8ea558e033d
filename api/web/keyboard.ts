// Keys, as in an editor: one letter, or `g` (go) or `m` (mark) and a letter. Never while somebody types, never with a
// modifier, so that the browser keeps its own.
import { useEffect, useRef } from 'preact/hooks'

export type Keymap = Record<string, () => void>

/** Listens for the keys of `keymap`, such as `j`, `ArrowDown` or `g r`. */
export function useKeys(keymap: Keymap): void {
  const current = useRef(keymap)
  current.current = keymap
  useEffect(() => {
    let prefix = ''
    let forget: ReturnType<typeof setTimeout> | undefined
    function press(event: KeyboardEvent): void {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
      if (event.target instanceof Element && event.target.closest('input, textarea, select, dialog[open]'))
        return
      const pressed = prefix + event.key
      clearTimeout(forget)
      prefix = ''
      const action = current.current[pressed]
      if (action) {
        event.preventDefault()
        action()
      } else if (event.key === 'g' || event.key === 'm') {
        prefix = `${event.key} `
        forget = setTimeout(() => (prefix = ''), 1000)
      }
    }
    addEventListener('keydown', press)
    return () => {
      clearTimeout(forget)
      removeEventListener('keydown', press)
    }
  }, [])
}
