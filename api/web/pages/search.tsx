// Full-text search: hits with the words marked; each leads to its cell or call.
import { useCallback, useRef } from 'preact/hooks'
import type { SearchHit } from '../../../src/store/contract.ts'
import { search } from '../client.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, RewardChip } from '../parts/chips.tsx'
import { Link } from '../parts/link.tsx'
import { changeQuery, navigate, useQuery } from '../router.ts'
import { Visible } from '../text/text.tsx'
import { usePages } from './use-pages.ts'
import { useRows } from './use-rows.ts'

const fields = ['code', 'output', 'prompt', 'answer']

export function SearchPage() {
  const query = useQuery()
  const text = query.get('text') ?? ''
  const run = query.get('run') ?? ''
  const chosen = query.get('fields') ?? ''
  const field = useRef<HTMLInputElement>(null)
  useKeys({ Escape: () => navigate('/') })
  document.title = text === '' ? 'Search · Descent' : `${text} · Descent`
  function find(event: Event): void {
    event.preventDefault()
    changeQuery({ text: field.current?.value.trim() ?? '' })
  }
  function toggle(name: string): void {
    const on = new Set(chosen === '' ? fields : chosen.split(','))
    if (on.has(name)) on.delete(name)
    else on.add(name)
    changeQuery({ fields: on.size === 0 || on.size === fields.length ? '' : [...on].join(',') })
  }
  return (
    <main class="page">
      <header class="page-head">
        <h1>Search</h1>
      </header>
      <form class="search-form" role="search" onSubmit={find}>
        <input
          ref={field}
          key={text}
          data-main-field
          type="search"
          defaultValue={text}
          autofocus
          placeholder={'words, "a phrase", -without, or'}
          aria-label="Search"
          spellcheck={false}
          autocomplete="off"
        />
        <fieldset>
          <legend>in</legend>
          {fields.map((name) => (
            <label>
              <input
                type="checkbox"
                checked={chosen === '' || chosen.split(',').includes(name)}
                onChange={() => toggle(name)}
              />
              {name}
            </label>
          ))}
        </fieldset>
        {run !== '' && (
          <button type="button" class="small-button" onClick={() => changeQuery({ run: '' })}>
            in one run, show all
          </button>
        )}
      </form>
      {text !== '' && <Hits key={`${text} ${run} ${chosen}`} text={text} run={run} fields={chosen} />}
    </main>
  )
}

function Hits({ text, run, fields: chosen }: { text: string; run: string; fields: string }) {
  const read = useCallback(
    (cursor: string | null, signal?: AbortSignal) => search({ text, run, fields: chosen }, cursor, signal),
    [text, run, chosen],
  )
  const pages = usePages(read)
  const items = pages.items ?? []
  const current = useRows(items.map(addressOf), 'li[aria-current="true"]')
  if (pages.error !== null) return <ErrorLine text={pages.error} />
  if (pages.items === null) return <p class="waiting">Searching…</p>
  if (items.length === 0) return <p class="empty">Nothing has these words.</p>
  return (
    <>
      <ul class="hits">
        {items.map((hit, index) => (
          <li key={hit.id} aria-current={index === current ? 'true' : undefined}>
            <Link to={addressOf(hit)} class="hit-head">
              <span class="tag">{hit.kind === 'trajectory' ? 'answer' : hit.kind}</span>
              <b>
                <Visible text={hit.taskId} />
              </b>
              <span class="faint">
                #{hit.rollout} · <Visible text={hit.runName} />
              </span>
              <RewardChip value={hit.reward} />
            </Link>
            {hit.fragments.map((fragment) => (
              <p class="fragment">
                <span class="faint">{fragment.field}</span>
                <code>
                  {fragment.parts.map((part, at, parts) =>
                    part.match ? (
                      <mark>
                        <Visible text={part.text} />
                      </mark>
                    ) : (
                      <Visible text={at === parts.length - 1 ? part.text.trimEnd() : part.text} />
                    ),
                  )}
                </code>
              </p>
            ))}
          </li>
        ))}
      </ul>
      {pages.next !== null && (
        <button type="button" class="more" onClick={pages.more} disabled={pages.loading}>
          More hits
        </button>
      )}
    </>
  )
}

function addressOf(hit: SearchHit): string {
  const at = `/trajectories/${hit.trajectoryId}`
  return hit.kind === 'trajectory' ? at : `${at}#${hit.id}`
}
