// The trace browser: finds the view of the address and shows it.
import { render } from 'preact'
import { useState } from 'preact/hooks'
import { useKeys } from './keyboard.ts'
import { CompareTrajectoriesPage } from './pages/compare-trajectories.tsx'
import { ComparePage } from './pages/compare.tsx'
import { DatasetPage } from './pages/dataset.tsx'
import { DatasetsPage } from './pages/datasets.tsx'
import { ExportPage } from './pages/export.tsx'
import { DocsPage } from './pages/docs.tsx'
import { GroupPage } from './pages/group.tsx'
import { GroupsPage } from './pages/groups.tsx'
import { NewDatasetPage } from './pages/new-dataset.tsx'
import { RunPage } from './pages/run.tsx'
import { RunsPage } from './pages/runs.tsx'
import { SearchPage } from './pages/search.tsx'
import { TrajectoryPage } from './pages/trajectory.tsx'
import { Help } from './parts/help.tsx'
import { Link } from './parts/link.tsx'
import { SignIn, useSignedOut } from './parts/sign-in.tsx'
import { TopBar } from './parts/top-bar.tsx'
import { parseAddress, usePath, type View } from './router.ts'

function App() {
  const view = parseAddress(usePath())
  const signedOut = useSignedOut()
  const [help, setHelp] = useState(false)
  useKeys({ '?': () => setHelp(true) })
  return (
    <>
      <TopBar />
      {signedOut ? <SignIn /> : <Shown view={view} />}
      <button type="button" class="help-button" onClick={() => setHelp(true)} aria-label="Keys">
        ?
      </button>
      <Help open={help} onClose={() => setHelp(false)} />
    </>
  )
}

function Shown({ view }: { view: View }) {
  if (view.name === 'runs') return <RunsPage />
  if (view.name === 'run') return <RunPage key={view.id} id={view.id} />
  if (view.name === 'groups') return <GroupsPage key={view.id} id={view.id} />
  if (view.name === 'group')
    return <GroupPage key={`${view.id} ${view.task}`} id={view.id} task={view.task} />
  if (view.name === 'trajectory') return <TrajectoryPage key={view.id} id={view.id} />
  if (view.name === 'compare') return <ComparePage />
  if (view.name === 'compare-trajectories') return <CompareTrajectoriesPage />
  if (view.name === 'search') return <SearchPage />
  if (view.name === 'datasets') return <DatasetsPage />
  if (view.name === 'dataset') return <DatasetPage key={view.id} id={view.id} />
  if (view.name === 'new-dataset') return <NewDatasetPage />
  if (view.name === 'export') return <ExportPage key={view.id} id={view.id} />
  if (view.name === 'docs') return <DocsPage />
  return (
    <main class="page">
      <h1>There is no view at this address.</h1>
      <Link to="/">Runs</Link>
    </main>
  )
}

const root = document.getElementById('app')
if (root) render(<App />, root)
