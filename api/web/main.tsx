// The trace browser: finds the view of the address and shows it.
import { render } from 'preact'
import { useState } from 'preact/hooks'
import { useKeys } from './keyboard.ts'
import { RunPage } from './pages/run.tsx'
import { RunsPage } from './pages/runs.tsx'
import { TrajectoryPage } from './pages/trajectory.tsx'
import { Help } from './parts/help.tsx'
import { Link } from './parts/link.tsx'
import { navigate, parseAddress, usePath } from './router.ts'

function App() {
  const view = parseAddress(usePath())
  const [help, setHelp] = useState(false)
  useKeys({ 'g r': () => navigate('/'), '?': () => setHelp(true) })
  return (
    <>
      {view.name === 'runs' && <RunsPage />}
      {view.name === 'run' && <RunPage key={view.id} id={view.id} />}
      {view.name === 'trajectory' && <TrajectoryPage key={view.id} id={view.id} />}
      {view.name === 'unknown' && (
        <main class="page">
          <p>There is no view at this address.</p>
          <Link to="/">Runs</Link>
        </main>
      )}
      <button type="button" class="help-button" onClick={() => setHelp(true)} aria-label="Keys">
        ?
      </button>
      <Help open={help} onClose={() => setHelp(false)} />
    </>
  )
}

const root = document.getElementById('app')
if (root) render(<App />, root)
