// The training sets that were made, newest first.
import { readDatasets } from '../client.ts'
import { formatAge, formatCount, formatInstant, plural } from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, ScriptedBadge } from '../parts/chips.tsx'
import { Link } from '../parts/link.tsx'
import { navigate } from '../router.ts'
import { Visible } from '../text/text.tsx'
import { useLoaded } from '../use-loaded.ts'
import { useRows } from './use-rows.ts'

export function DatasetsPage() {
  const { value, error } = useLoaded('datasets', readDatasets)
  const items = value?.items ?? []
  const current = useRows(items.map((dataset) => `/datasets/${dataset.id}`))
  useKeys({ Escape: () => navigate('/') })
  document.title = 'Datasets · Descent'
  return (
    <main class="page">
      <header class="page-head">
        <h1>Datasets</h1>
      </header>
      {error !== null && <ErrorLine text={error} />}
      {value && items.length === 0 && (
        <div class="empty">
          <p>No dataset yet.</p>
          <p>
            <code>descent export sft-turns --run latest --out train-set</code> makes one.
          </p>
        </div>
      )}
      {items.length > 0 && (
        <div class="table-frame">
          <table>
            <thead>
              <tr>
                <th>Dataset</th>
                <th>Recipe</th>
                <th class="number">Rows</th>
                <th class="number spare">Files</th>
                <th class="number">Age</th>
              </tr>
            </thead>
            <tbody>
              {items.map((dataset, index) => (
                <tr key={dataset.id} aria-current={index === current ? 'true' : undefined}>
                  <td class="name-cell">
                    <Link to={`/datasets/${dataset.id}`} class="row-link">
                      <Visible text={dataset.name} />
                    </Link>
                    {dataset.scripted && <ScriptedBadge />}
                  </td>
                  <td>
                    <Visible text={dataset.recipe} />{' '}
                    <span class="faint">
                      v<Visible text={dataset.recipeVersion} />
                    </span>
                  </td>
                  <td class="number">{formatCount(dataset.rows)}</td>
                  <td class="number spare">{plural(dataset.files, 'file')}</td>
                  <td class="number" title={formatInstant(dataset.createdAt)}>
                    {formatAge(dataset.createdAt, Date.now())}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </main>
  )
}
