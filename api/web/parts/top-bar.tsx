// The bar that every page has: where one can go, the search field, light and dark.
import { useRef } from 'preact/hooks'
import { useKeys } from '../keyboard.ts'
import { navigate, usePath } from '../router.ts'
import { useTheme } from '../theme.ts'
import { Link } from './link.tsx'

const places = [
  ['/', 'Runs'],
  ['/search', 'Search'],
  ['/datasets', 'Datasets'],
  ['/docs', 'API'],
] as const

/** Runs and their trajectories are one place, datasets and their making another. */
function within(path: string, place: string): boolean {
  if (place === '/') return path === '/' || /^\/(?:runs|trajectories|compare)/.test(path)
  return path.startsWith(place) || (place === '/datasets' && path.startsWith('/exports'))
}

export function TopBar() {
  const path = usePath()
  const field = useRef<HTMLInputElement>(null)
  const [, turn] = useTheme()
  useKeys({
    '/': () => (document.querySelector<HTMLInputElement>('[data-main-field]') ?? field.current)?.focus(),
    'g r': () => navigate('/'),
    'g s': () => navigate('/search'),
    'g d': () => navigate('/datasets'),
    'g a': () => navigate('/docs'),
    'g t': turn,
  })
  function find(event: Event): void {
    event.preventDefault()
    const text = field.current?.value.trim() ?? ''
    if (text !== '') navigate(`/search?text=${encodeURIComponent(text)}`)
  }
  return (
    <header class="top-bar">
      <Link to="/" class="brand" title="All runs">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2 3h4v4.5h4V12h4" />
          <circle cx="2.6" cy="3" r="1.6" />
        </svg>
        Descent
      </Link>
      <nav aria-label="Places">
        {places.map(([to, name]) => {
          const here = within(path, to)
          return (
            <Link to={to} class={here ? 'place here' : 'place'} current={here}>
              {name}
            </Link>
          )
        })}
      </nav>
      {path !== '/search' && (
        <form class="top-search" role="search" onSubmit={find}>
          <input
            ref={field}
            type="search"
            placeholder="Search code, outputs, prompts, answers"
            aria-label="Search"
            spellcheck={false}
            autocomplete="off"
          />
          <kbd aria-hidden="true">/</kbd>
        </form>
      )}
      <button
        type="button"
        class="icon-button"
        onClick={turn}
        aria-label="Light or dark"
        title="Light or dark (g t)"
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="1.3" />
          <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" />
        </svg>
      </button>
    </header>
  )
}
