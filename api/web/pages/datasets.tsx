// The training sets that were made, newest first, and those in the making.
import type { ExportView } from '../../http/routes/exports.ts'
import { readDatasets, readExports } from '../client.ts'
import { formatAge, formatCount, formatInstant, plural } from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, ScriptedBadge, StatusChip } from '../parts/chips.tsx'
import { Link } from '../parts/link.tsx'
import { navigate } from '../router.ts'
import { Visible } from '../text/text.tsx'
import { useInterval, useLoaded } from '../use-loaded.ts'
import { useRows } from './use-rows.ts'

export function DatasetsPage() {
  const { value, error, reload } = useLoaded('datasets', readDatasets)
  const made = useLoaded('exports', readExports)
  const open = (made.value?.items ?? []).filter(({ status }) => status !== 'done')
  useInterval(
    open.some(({ endedAt }) => endedAt === null),
    1500,
    () => {
      made.reload()
      reload()
    },
  )
  const items = value?.items ?? []
  const current = useRows(items.map((dataset) => `/datasets/${dataset.id}`))
  useKeys({ Escape: () => navigate('/') })
  document.title = 'Datasets · Descent'
  return (
    <main class="page">
      <header class="page-head">
        <h1>Datasets</h1>
        <Link to="/datasets/new" class="small-button" title="Of the newest run">
          New dataset
        </Link>
      </header>
      {open.length > 0 && <InTheMaking exports={open} />}
      {error !== null && <ErrorLine text={error} />}
      {value && items.length === 0 && (
        <div class="empty">
          <p>No dataset yet.</p>
          <p>
            Filter the trajectories of a run, then choose “Make a dataset”; or{' '}
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

function InTheMaking({ exports }: { exports: ExportView[] }) {
  return (
    <ul class="panel making" aria-label="In the making">
      {exports.map(({ id, name, status, progress, error }) => (
        <li key={id}>
          <Link to={`/exports/${id}`} class="row-link">
            <Visible text={name} />
          </Link>
          <StatusChip status={status} />
          {progress && status === 'running' && (
            <span class="faint">
              {formatCount(progress.trajectories)} of {formatCount(progress.of)} trajectories
            </span>
          )}
          {error && (
            <span class="bad">
              <Visible text={error.message} />
            </span>
          )}
        </li>
      ))}
    </ul>
  )
}
