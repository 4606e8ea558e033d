// Does the trajectory do the same again? Asked with a button, answered cell by cell.
import { useRef, useState } from 'preact/hooks'
import type { ReplayedCellView } from '../../http/routes/rerun.ts'
import type { TrajectoryTree } from '../../http/tree.ts'
import { replayTrajectory } from '../client.ts'
import { formatCount, plural } from '../format.ts'
import { ErrorLine } from '../parts/chips.tsx'
import { LongText } from '../text/text.tsx'
import { Section } from './section.tsx'

interface ReplayProps {
  tree: TrajectoryTree
  onOpen: (key: string) => void
}

export function Replay({ tree, onOpen }: ReplayProps) {
  const [cells, setCells] = useState<ReplayedCellView[] | null>(null)
  const [error, setError] = useState<string | null>(null)
  const aborter = useRef<AbortController | null>(null)
  const [busy, setBusy] = useState(false)
  const count = tree.invocations.flatMap(({ turns }) => turns.flatMap((turn) => turn.cells)).length
  async function start(): Promise<void> {
    const mine = new AbortController()
    aborter.current = mine
    setBusy(true)
    setError(null)
    const seen: ReplayedCellView[] = []
    setCells(seen)
    try {
      for await (const cell of replayTrajectory(tree.id, mine.signal)) {
        seen.push(cell)
        setCells([...seen])
      }
    } catch (failure) {
      if (!mine.signal.aborted) setError(failure instanceof Error ? failure.message : String(failure))
    } finally {
      setBusy(false)
    }
  }
  if (count === 0 || tree.status === 'running' || tree.status === 'pending') return null
  const differing = (cells ?? []).filter(({ outcome }) => outcome === 'differs')
  return (
    <Section title="Replay">
      <p class="rerun">
        <button
          type="button"
          class="small-button"
          onClick={() => (busy ? aborter.current?.abort() : void start())}
        >
          {busy ? 'Stop' : 'Replay'}
        </button>
        <span class="faint">
          executes its {plural(count, 'cell')} again in the sandbox, with the recorded answers: no model is
          asked, nothing is paid or stored
        </span>
      </p>
      {error !== null && <ErrorLine text={error} />}
      {cells && (
        <p role="status">
          {formatCount(cells.length)} of {formatCount(count)} executed
          {!busy && error === null && cells.length > 0 && (
            <>
              {': '}
              {differing.length === 0 ? (
                <b class="good">all did the same again</b>
              ) : (
                <b class="bad">{plural(differing.length, 'cell')} did something else</b>
              )}
            </>
          )}
        </p>
      )}
      {differing.map(({ cellId, turn, cell, divergence }) => (
        <div class="callout bad-callout" role="note" key={cellId}>
          <button type="button" class="text-button" onClick={() => onOpen(cellId)}>
            Turn {turn + 1}, cell {cell + 1}
          </button>{' '}
          differs in its {divergence?.what}
          <div class="beside">
            <LongText text={divergence?.recorded ?? ''} label="Recorded" />
            <LongText text={divergence?.replayed ?? ''} label="Replayed" />
          </div>
        </div>
      ))}
    </Section>
  )
}
