// A dataset in the making: how far, how fast, how long yet. When it is done, the dataset takes its place.
import { useEffect, useState } from 'preact/hooks'
import type { ExportView } from '../../http/routes/exports.ts'
import { cancelExport, exportEvents, readExport } from '../client.ts'
import { formatBytes, formatCount, formatDuration, formatInstant } from '../format.ts'
import { planAddress } from '../dataset/plan.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, Fact, StatusChip } from '../parts/chips.tsx'
import { Crumbs, CrumbSlash } from '../parts/crumbs.tsx'
import { Link } from '../parts/link.tsx'
import { navigate, replaceAddress } from '../router.ts'
import { LongText, Visible } from '../text/text.tsx'

export function ExportPage({ id }: { id: string }) {
  const { state, error } = useExport(id)
  useKeys({ Escape: () => navigate('/datasets') })
  document.title = `${state?.name ?? 'Export'} · Descent`
  const done = state?.status === 'done' ? state.datasetId : null
  useEffect(() => {
    if (done !== null) replaceAddress(`/datasets/${done}`)
  }, [done])
  return (
    <main class="page">
      <Crumbs>
        <Link to="/datasets">Datasets</Link>
        <CrumbSlash />
        <code>{id.slice(-8)}</code>
      </Crumbs>
      {error !== null && <ErrorLine text={error} />}
      {state && <Making state={state} />}
    </main>
  )
}

function useExport(id: string): { state: ExportView | null; error: string | null } {
  const [state, setState] = useState<ExportView | null>(null)
  const [error, setError] = useState<string | null>(null)
  useEffect(() => {
    const source = new EventSource(exportEvents(id))
    source.addEventListener('export', (event) => {
      const news = JSON.parse((event as MessageEvent<string>).data) as ExportView
      setState(news)
      setError(null)
      if (news.endedAt !== null) source.close()
    })
    // The stream says nothing of why it cannot be had; the address beside it does.
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED)
        readExport(id).then(setState, (failure: Error) => setError(failure.message))
    })
    return () => source.close()
  }, [id])
  return { state, error }
}

function Making({ state }: { state: ExportView }) {
  const { progress, status } = state
  const [error, setError] = useState<string | null>(null)
  const isOpen = status === 'waiting' || status === 'running'
  async function cancel(): Promise<void> {
    await cancelExport(state.id).then(
      () => setError(null),
      (failure: Error) => setError(failure.message),
    )
  }
  return (
    <>
      <header class="page-head">
        <div class="title">
          <h1>
            <Visible text={state.name} />
          </h1>
          <StatusChip status={status} />
          {isOpen && (
            <button type="button" class="small-button" onClick={() => void cancel()}>
              Cancel
            </button>
          )}
        </div>
        <dl class="headline">
          <Fact name="Rows">{formatCount(progress?.rows ?? state.rows)}</Fact>
          <Fact name="Rows a second">{speed(progress)}</Fact>
          <Fact name="Bytes a second">
            {progress && progress.seconds > 0 ? formatBytes(progress.bytes / progress.seconds) : '–'}
          </Fact>
          <Fact name="Time left">
            {isOpen && progress?.secondsLeft !== null && progress
              ? formatDuration(progress.secondsLeft * 1000)
              : '–'}
          </Fact>
        </dl>
      </header>
      {error !== null && <ErrorLine text={error} />}
      {state.error && <ErrorLine text={state.error.message} />}
      {(isOpen || progress) && <HowFar state={state} />}
      <section class="panel plan-shown">
        <h2>
          Plan{' '}
          <span class="faint">
            asked for {formatInstant(state.createdAt)} by {state.author}
          </span>
        </h2>
        <LongText text={JSON.stringify(state.plan, null, 2)} label="Plan" />
      </section>
      {(status === 'failed' || status === 'cancelled') && (
        <p class="after">
          <Link to={planAddress(state.plan)}>Change the plan and try again</Link>
        </p>
      )}
    </>
  )
}

function HowFar({ state }: { state: ExportView }) {
  const { progress, cleaned } = state
  const share = progress ? progress.trajectories / Math.max(1, progress.of) : 0
  return (
    <section class="panel" aria-label="How far it is">
      <div class="progress">
        <span
          class="track long"
          role="progressbar"
          aria-label="Trajectories done"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(100 * share)}
        >
          <span class="bar-done" style={{ width: `${100 * share}%` }} />
        </span>
        <span class="progress-text">{stepOf(state)}</span>
      </div>
      {cleaned && !progress && (
        <p class="faint">
          cleaning: {formatCount(cleaned.trajectories)} of {formatCount(cleaned.of)} trajectories
        </p>
      )}
      {state.notices.map((notice) => (
        <p class="faint">
          <Visible text={notice} />
        </p>
      ))}
    </section>
  )
}

function speed(progress: ExportView['progress']): string {
  return progress && progress.seconds > 0 ? formatCount(Math.round(progress.rows / progress.seconds)) : '–'
}

function stepOf({ status, progress, cleaned }: ExportView): string {
  if (progress) return `${formatCount(progress.trajectories)} of ${formatCount(progress.of)} trajectories`
  if (status === 'waiting') return 'waits for the export before it'
  if (status === 'running') return cleaned ? 'cleaning' : 'selecting'
  return status
}
