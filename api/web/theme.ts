// Light, dark, or as the system has it; kept for the next visit.
import { useState } from 'preact/hooks'

type Theme = 'system' | 'light' | 'dark'
const key = 'descent-theme'

function stored(): Theme {
  const value = localStorage.getItem(key)
  return value === 'light' || value === 'dark' ? value : 'system'
}

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}

apply(stored())

/** The theme and what turns to the next one. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(stored)
  function turn(): void {
    const dark = theme === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark'
    const next = dark ? 'light' : 'dark'
    localStorage.setItem(key, next)
    apply(next)
    setTheme(next)
  }
  return [theme, turn]
}
