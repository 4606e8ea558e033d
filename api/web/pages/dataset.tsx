// One training set: how it was selected, its files, its rows, its card.
import type { Dataset } from '../../http/routes/datasets.ts'
import { fileAddress, readDataset } from '../client.ts'
import { Card } from '../dataset/card.tsx'
import { Funnel, type Step } from '../dataset/funnel.tsx'
import { Rows } from '../dataset/rows.tsx'
import { formatBytes, formatCount, formatInstant } from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, Fact, ScriptedBadge } from '../parts/chips.tsx'
import { Crumbs, CrumbSlash } from '../parts/crumbs.tsx'
import { Link } from '../parts/link.tsx'
import { navigate, useQuery } from '../router.ts'
import { LongText, Visible } from '../text/text.tsx'
import { useLoaded } from '../use-loaded.ts'

const views = [
  ['', 'Overview'],
  ['rows', 'Rows'],
  ['card', 'Card'],
] as const

export function DatasetPage({ id }: { id: string }) {
  const { value: dataset, error } = useLoaded(id, (signal) => readDataset(id, signal))
  const view = useQuery().get('view') ?? ''
  useKeys({ Escape: () => navigate('/datasets'), h: () => navigate('/datasets') })
  document.title = `${dataset?.name ?? 'Dataset'} · Descent`
  return (
    <main class="page">
      <Crumbs>
        <Link to="/datasets">Datasets</Link>
        <CrumbSlash />
        <code>{(dataset?.id ?? id).slice(-8)}</code>
      </Crumbs>
      {error !== null && <ErrorLine text={error} />}
      {dataset && (
        <>
          <Head dataset={dataset} />
          <nav class="tabs" aria-label="Views of the dataset">
            {views.map(([name, title]) => (
              <Link
                to={`/datasets/${id}${name === '' ? '' : `?view=${name}`}`}
                class={view === name ? 'tab here' : 'tab'}
                current={view === name}
              >
                {title}
              </Link>
            ))}
          </nav>
          {view === 'rows' ? (
            <Rows dataset={dataset} />
          ) : view === 'card' ? (
            <Card dataset={dataset.id} />
          ) : (
            <Overview dataset={dataset} />
          )}
        </>
      )}
    </main>
  )
}

function Head({ dataset }: { dataset: Dataset }) {
  const bytes = dataset.files.reduce<number | null>(
    (sum, file) => (sum === null || file.bytes === null ? null : sum + file.bytes),
    0,
  )
  return (
    <header class="page-head">
      <div class="title">
        <h1>
          <Visible text={dataset.name} />
        </h1>
        {dataset.scripted && <ScriptedBadge />}
      </div>
      <dl class="headline">
        <Fact name="Rows">{formatCount(dataset.rows)}</Fact>
        <Fact name="Files">{formatCount(dataset.files.length)}</Fact>
        {bytes !== null && <Fact name="Size">{formatBytes(bytes)}</Fact>}
        <Fact name="Recipe">
          <Visible text={dataset.recipe} />
        </Fact>
      </dl>
    </header>
  )
}

function Overview({ dataset }: { dataset: Dataset }) {
  return (
    <>
      <section class="panels">
        <Funnel steps={dataset.funnel as Step[]} />
        <div class="panel">
          <h2>Selection</h2>
          <p class="faint">
            Made {formatInstant(dataset.createdAt)} in{' '}
            <code>
              <Visible text={dataset.directory} />
            </code>
          </p>
          <LongText text={JSON.stringify(dataset.selection, null, 2)} label="Selection" />
        </div>
      </section>
      <div class="table-frame">
        <table>
          <thead>
            <tr>
              <th>File</th>
              <th class="number">Rows</th>
              <th class="number">Size</th>
              <th class="spare">SHA-256</th>
            </tr>
          </thead>
          <tbody>
            {dataset.files.map((file) => (
              <tr>
                <td>
                  <a href={fileAddress(dataset.id, file.index)} download>
                    <Visible text={file.path} />
                  </a>
                </td>
                <td class="number">{formatCount(file.rows)}</td>
                <td class="number">{file.bytes === null ? '–' : formatBytes(file.bytes)}</td>
                <td class="spare">
                  <code class="faint">{file.sha256?.slice(0, 16)}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}
