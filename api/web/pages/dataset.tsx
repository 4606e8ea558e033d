// One training set: what was selected, how it narrowed, and its files.
import { fileAddress, readDataset } from '../client.ts'
import { formatBytes, formatCount, formatInstant } from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, Fact, ScriptedBadge } from '../parts/chips.tsx'
import { Crumbs, CrumbSlash } from '../parts/crumbs.tsx'
import { Link } from '../parts/link.tsx'
import { navigate } from '../router.ts'
import { LongText, Visible } from '../text/text.tsx'
import { useLoaded } from '../use-loaded.ts'

interface Step {
  step: string
  trajectories: number
  rows?: number
}

export function DatasetPage({ id }: { id: string }) {
  const { value: dataset, error } = useLoaded(id, (signal) => readDataset(id, signal))
  useKeys({ Escape: () => navigate('/datasets'), h: () => navigate('/datasets') })
  document.title = `${dataset?.name ?? 'Dataset'} · Descent`
  return (
    <main class="page">
      <Crumbs>
        <Link to="/datasets">Datasets</Link>
        <CrumbSlash />
        <code>{id.slice(-8)}</code>
      </Crumbs>
      {error !== null && <ErrorLine text={error} />}
      {dataset && (
        <>
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
              <Fact name="Recipe">
                <Visible text={dataset.recipe} />
              </Fact>
            </dl>
          </header>
          <section class="panels">
            <Funnel steps={dataset.funnel as Step[]} />
            <div class="panel">
              <h2>Selection</h2>
              <p class="faint">Made {formatInstant(dataset.createdAt)}</p>
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
      )}
    </main>
  )
}

function Funnel({ steps }: { steps: Step[] }) {
  const top = Math.max(1, ...steps.map((step) => step.trajectories))
  return (
    <div class="panel">
      <h2>Funnel</h2>
      <table class="bars">
        <tbody>
          {steps.map(({ step, trajectories }) => (
            <tr>
              <th scope="row">
                <Visible text={step} />
              </th>
              <td class="bar-cell">
                <span class="stop-bar tone-good" style={{ width: `${(100 * trajectories) / top}%` }} />
              </td>
              <td class="number">{formatCount(trajectories)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
