// A dataset before it is made: what is asked for on the left, what would come of it on the right, and the
// first rows as the recipe makes them.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { DatasetPreviewView } from '../../http/routes/exports.ts'
import { makeDataset, planDataset, previewDataset, readRecipes, type WantedDataset } from '../client.ts'
import { Funnel } from '../dataset/funnel.tsx'
import { PlanForm } from '../dataset/plan-form.tsx'
import { planOf } from '../dataset/plan.ts'
import { RowDetail } from '../dataset/row-detail.tsx'
import { formatCount, plural } from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, ScriptedBadge } from '../parts/chips.tsx'
import { Crumbs, CrumbSlash } from '../parts/crumbs.tsx'
import { FilterBar } from '../parts/filter-bar.tsx'
import { Link } from '../parts/link.tsx'
import { changeQuery, navigate, useQuery } from '../router.ts'
import { Visible } from '../text/text.tsx'
import { useLoaded } from '../use-loaded.ts'

type Config = DatasetPreviewView['configs'][number]

export function NewDatasetPage() {
  const query = useQuery()
  const wanted = planOf(query)
  const key = JSON.stringify(wanted)
  const recipes = useLoaded('recipes', readRecipes)
  const plan = useLoaded(`plan ${key}`, (signal) => planDataset(wanted, signal))
  const rows = useLoaded(plan.value ? `preview ${key}` : 'nothing', async (signal) =>
    plan.value ? await previewDataset(wanted, signal) : null,
  )
  const shown = useLatest(plan.value)
  useKeys({ Escape: () => navigate(back(shown)) })
  useEffect(() => void (document.title = 'New dataset · Descent'), [])
  const [config] = shown?.configs ?? []
  return (
    <main class="page">
      <Crumbs>
        <Link to="/datasets">Datasets</Link>
        <CrumbSlash />
        new
      </Crumbs>
      <header class="page-head">
        <div class="title">
          <h1>New dataset</h1>
          {shown?.runs.map((run) => (
            <span class="faint">
              of{' '}
              <Link to={`/runs/${run.id}`}>
                <Visible text={run.name} />
              </Link>
            </span>
          ))}
          {shown?.scripted && <ScriptedBadge />}
        </div>
      </header>
      <FilterBar
        value={query.get('where') ?? ''}
        error={plan.error}
        onChange={(where) => changeQuery({ where })}
      />
      {recipes.error !== null && <ErrorLine text={recipes.error} />}
      <div class="maker">
        <div class="maker-side">
          {recipes.value && <PlanForm query={query} recipes={recipes.value} />}
          <Make
            wanted={wanted}
            ready={plan.value !== null && (plan.value.configs[0]?.trajectories ?? 0) > 0}
          />
        </div>
        <div class="maker-main">
          {config && <Outcome config={config} stale={plan.value === null} />}
          <Preview config={rows.value?.configs[0] ?? null} error={rows.error} busy={plan.error === null} />
        </div>
      </div>
    </main>
  )
}

function back(shown: DatasetPreviewView | null): string {
  const run = shown?.runs[0]
  return run ? `/runs/${run.id}` : '/datasets'
}

/** The last value there was, for as long as there is no newer one. */
function useLatest<T>(value: T | null): T | null {
  const latest = useRef(value)
  if (value !== null) latest.current = value
  return latest.current
}

function Outcome({ config, stale }: { config: Config; stale: boolean }) {
  return (
    <section class="panels" aria-label="What would be selected">
      <Funnel steps={config.funnel} stale={stale} />
      <div class={stale ? 'panel stale' : 'panel'}>
        <h2>
          Splits <span class="faint">trajectories, tasks</span>
        </h2>
        <table class="bars">
          <tbody>
            {config.splits.map(({ split, trajectories, tasks }) => (
              <tr>
                <th scope="row">{split}</th>
                <td class="bar-cell">
                  <span
                    class="stop-bar tone-good"
                    style={{ width: `${(100 * trajectories) / Math.max(1, config.trajectories)}%` }}
                  />
                </td>
                <td class="number">{formatCount(trajectories)}</td>
                <td class="number faint">{plural(tasks, 'task')}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {config.trajectories === 0 && <p class="faint">Nothing is left: loosen the filter or the choice.</p>}
      </div>
    </section>
  )
}

function Preview({ config, error, busy }: { config: Config | null; error: string | null; busy: boolean }) {
  const [at, setAt] = useState(0)
  if (error !== null) return <ErrorLine text={error} />
  if (config === null) return busy ? <p class="waiting">Making the first rows…</p> : null
  const place = Math.min(at, config.rows.length - 1)
  const row = config.rows[place]
  return (
    <section class="panel preview" aria-label="First rows">
      <header class="preview-head">
        <h2>
          First rows{' '}
          <span class="faint">
            of {config.recipe} v{config.recipeVersion}, as the export makes them
          </span>
        </h2>
        <div class="steps" role="group" aria-label="Row">
          {config.rows.map((_, index) => (
            <button
              type="button"
              class="small-button"
              aria-pressed={index === place}
              onClick={() => setAt(index)}
            >
              {index + 1}
            </button>
          ))}
        </div>
      </header>
      {row ? (
        <RowDetail columns={config.columns} values={row.values} cut={row.cut} />
      ) : (
        <p class="faint">
          {config.complete
            ? 'The recipe makes no row of this selection.'
            : 'No row was made in the time that a preview has; the export may find some.'}
        </p>
      )}
    </section>
  )
}

function Make({ wanted, ready }: { wanted: WantedDataset; ready: boolean }) {
  const [name, setName] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  async function make(event: Event): Promise<void> {
    event.preventDefault()
    setBusy(true)
    try {
      const { id } = await makeDataset({ ...wanted, ...(name.trim() === '' ? {} : { name: name.trim() }) })
      navigate(`/exports/${id}`)
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure))
      setBusy(false)
    }
  }
  return (
    <form class="panel plan-form" aria-label="Make" onSubmit={(event) => void make(event)}>
      <label>
        <span>Name</span>
        <input
          type="text"
          value={name}
          placeholder="recipe and time"
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="main-button" disabled={busy || !ready}>
        Make the dataset
      </button>
      {error !== null && <ErrorLine text={error} />}
    </form>
  )
}
