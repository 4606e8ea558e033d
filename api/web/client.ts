// Reads and changes through the API. Types are those of the routes; an error answer becomes an Error with
// its own words, and a missing token makes the page ask for one.
import type { CellBody, TrajectoryItem, TrajectoryTree } from '../http/tree.ts'
import type { CallTokensView } from '../http/routes/call-tokens.ts'
import type { Comparison } from '../http/routes/compare.ts'
import type { ScoreItem } from '../http/routes/judgements.ts'
import type { GroupDetail, GroupItem } from '../http/routes/run-trajectories.ts'
import type { DatasetRow, DatasetRowPage } from '../http/routes/dataset-rows.ts'
import type { Dataset } from '../http/routes/datasets.ts'
import type { DatasetPreviewView, ExportView } from '../http/routes/exports.ts'
import type { ReplayedCellView } from '../http/routes/rerun.ts'
import type { RecipeList } from '../http/routes/rows.ts'
import type { Run, RunItem } from '../http/routes/runs.ts'
import type { Problem } from '../http/problem.ts'
import type { Annotation, Page, RunStatistics, SearchHit } from '../../src/store/contract.ts'
import type { Call } from '../../src/trajectory.ts'

export const signedOut = 'descent:signed-out'

type Values = Record<string, string | number | null | undefined>

function address(path: string, query: Values = {}): string {
  const given = Object.entries(query).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  )
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text === '' ? path : `${path}?${text}`
}

const part = encodeURIComponent

async function answerOf<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T
  if (response.status === 401) dispatchEvent(new Event(signedOut))
  const problem = (await response.json().catch(() => null)) as Problem | null
  throw new Error(problem?.detail ?? `The server answered ${response.status}.`)
}

async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return await answerOf(
    await fetch(path, { headers: { accept: 'application/json' }, signal: signal ?? null }),
  )
}

async function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const text = body === undefined ? null : JSON.stringify(body)
  const headers: Record<string, string> = text === null ? {} : { 'content-type': 'application/json' }
  return await answerOf(await fetch(path, { method, headers, body: text, signal: signal ?? null }))
}

export function readRuns(cursor: string | null, signal?: AbortSignal): Promise<Page<RunItem>> {
  return read(address('/v1/runs', { limit: 50, cursor }), signal)
}

export function readRun(id: string, signal?: AbortSignal): Promise<Run> {
  return read(`/v1/runs/${part(id)}`, signal)
}

export interface Selection {
  where: string
  sort: string
  order: string
}

export function readTrajectories(
  run: string,
  selection: Selection,
  cursor: string | null,
  signal?: AbortSignal,
): Promise<Page<TrajectoryItem>> {
  return read(address(`/v1/runs/${part(run)}/trajectories`, { ...selection, limit: 100, cursor }), signal)
}

export function readStatistics(run: string, where: string, signal?: AbortSignal): Promise<RunStatistics> {
  return read(address(`/v1/runs/${part(run)}/statistics`, { where }), signal)
}

export function readGroups(
  run: string,
  cursor: string | null,
  signal?: AbortSignal,
): Promise<Page<GroupItem>> {
  return read(address(`/v1/runs/${part(run)}/groups`, { limit: 100, cursor }), signal)
}

export function readGroup(
  run: string,
  task: string,
  method: string,
  signal?: AbortSignal,
): Promise<GroupDetail> {
  return read(address(`/v1/runs/${part(run)}/group`, { task, method }), signal)
}

export function readComparison(runs: string, signal?: AbortSignal): Promise<Comparison> {
  return read(address('/v1/compare', { runs }), signal)
}

export function search(
  query: { text: string; run: string; fields: string },
  cursor: string | null,
  signal?: AbortSignal,
): Promise<Page<SearchHit>> {
  return read(address('/v1/search', { ...query, limit: 30, cursor }), signal)
}

export function readTree(id: string, signal?: AbortSignal): Promise<TrajectoryTree> {
  return read(`/v1/trajectories/${part(id)}`, signal)
}

export function readCall(trajectory: string, call: string, signal?: AbortSignal): Promise<Call> {
  return read(address(`/v1/calls/${part(trajectory)}/${part(call)}`, { limit: 500_000 }), signal)
}

export function readCallTokens(
  trajectory: string,
  call: string,
  signal?: AbortSignal,
): Promise<CallTokensView> {
  return read(`/v1/calls/${part(trajectory)}/${part(call)}/tokens`, signal)
}

/** `limit`: characters of each text. */
export function readCell(
  trajectory: string,
  cell: string,
  limit: number,
  signal?: AbortSignal,
): Promise<CellBody> {
  return read(address(`/v1/cells/${part(trajectory)}/${part(cell)}`, { limit }), signal)
}

export function rawAddress(trajectory: string): string {
  return `/v1/trajectories/${part(trajectory)}/raw`
}

export function readScores(trajectory: string, signal?: AbortSignal): Promise<{ items: ScoreItem[] }> {
  return read(`/v1/trajectories/${part(trajectory)}/scores`, signal)
}

export interface NewScore {
  value: number
  reason: string
  reward: string
  weight: number
}

export function addScore(trajectory: string, score: NewScore): Promise<{ items: ScoreItem[] }> {
  return send('POST', `/v1/trajectories/${part(trajectory)}/scores`, score)
}

export function readAnnotations(trajectory: string, signal?: AbortSignal): Promise<Page<Annotation>> {
  return read(address(`/v1/trajectories/${part(trajectory)}/annotations`, { limit: 200 }), signal)
}

export function annotate(
  trajectory: string,
  given: { target: Annotation['target']; targetId: string; label: string | null; note: string },
): Promise<Annotation> {
  return send('POST', `/v1/trajectories/${part(trajectory)}/annotations`, given)
}

export function removeAnnotation(id: string): Promise<Annotation> {
  return send('DELETE', `/v1/annotations/${part(id)}`)
}

export function signIn(token: string): Promise<unknown> {
  return send('POST', '/v1/session', { token })
}

/** Each cell as it was executed. Throws what keeps the replay from going on. */
export async function* replayTrajectory(
  trajectory: string,
  signal: AbortSignal,
): AsyncGenerator<ReplayedCellView> {
  const response = await fetch(`/v1/trajectories/${part(trajectory)}/replay`, { method: 'POST', signal })
  if (!response.ok || !response.body) {
    await answerOf<unknown>(response)
    return
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { value, done } = await reader.read()
    const lines = (rest + (value ?? '')).split('\n')
    rest = done ? '' : (lines.pop() ?? '')
    for (const line of lines) {
      if (line === '') continue
      const told = JSON.parse(line) as ReplayedCellView | { error: string }
      if ('error' in told) throw new Error(told.error)
      yield told
    }
    if (done) return
  }
}

export interface NewFork {
  turns: number
  rollouts: number
  temperature?: number
  model?: string
}

export function forkTrajectory(trajectory: string, fork: NewFork): Promise<Run> {
  return send('POST', `/v1/trajectories/${part(trajectory)}/forks`, fork)
}

export function tagRun(run: string, tags: string[]): Promise<Run> {
  return send('PUT', `/v1/runs/${part(run)}/tags`, { tags })
}

export function actOnRun(run: string, action: 'pause' | 'resume' | 'cancel'): Promise<Run> {
  return send('POST', `/v1/runs/${part(run)}/${action}`)
}

export type DatasetItem = Omit<Dataset, 'files' | 'selection' | 'options' | 'funnel' | 'directory'> & {
  files: number
}

export function readDatasets(signal?: AbortSignal): Promise<Page<DatasetItem>> {
  return read('/v1/datasets', signal)
}

export function readDataset(id: string, signal?: AbortSignal): Promise<Dataset> {
  return read(`/v1/datasets/${part(id)}`, signal)
}

export function readRecipes(signal?: AbortSignal): Promise<RecipeList> {
  return read('/v1/recipes', signal)
}

/** A plan in the words of the API. */
export type WantedDataset = Record<string, unknown>

export function planDataset(wanted: WantedDataset, signal?: AbortSignal): Promise<DatasetPreviewView> {
  return send('POST', '/v1/datasets/plan', wanted, signal)
}

export function previewDataset(wanted: WantedDataset, signal?: AbortSignal): Promise<DatasetPreviewView> {
  return send('POST', '/v1/datasets/preview?rows=5', wanted, signal)
}

export function makeDataset(wanted: WantedDataset): Promise<ExportView> {
  return send('POST', '/v1/datasets', wanted)
}

export function readExports(signal?: AbortSignal): Promise<{ items: ExportView[] }> {
  return read('/v1/exports', signal)
}

export function readExport(id: string, signal?: AbortSignal): Promise<ExportView> {
  return read(`/v1/exports/${part(id)}`, signal)
}

export function cancelExport(id: string): Promise<ExportView> {
  return send('POST', `/v1/exports/${part(id)}/cancel`)
}

export function exportEvents(id: string): string {
  return `/v1/exports/${part(id)}/events`
}

export interface RowSelection {
  config: string
  split: string
  where: string
  sort: string
  order: string
}

export function readDatasetRows(
  dataset: string,
  selection: RowSelection,
  cursor: string | null,
  signal?: AbortSignal,
): Promise<DatasetRowPage> {
  return read(address(`/v1/datasets/${part(dataset)}/rows`, { ...selection, limit: 25, cursor }), signal)
}

export function readDatasetRow(
  dataset: string,
  file: number,
  row: number,
  signal?: AbortSignal,
): Promise<DatasetRow> {
  return read(`/v1/datasets/${part(dataset)}/rows/${file}/${row}`, signal)
}

export async function readCard(dataset: string, signal?: AbortSignal): Promise<string> {
  const response = await fetch(`/v1/datasets/${part(dataset)}/card`, { signal: signal ?? null })
  return response.ok ? await response.text() : await answerOf<string>(response)
}

export function figureAddress(dataset: string, name: string): string {
  return `/v1/datasets/${part(dataset)}/figures/${part(name)}`
}

export function fileAddress(dataset: string, index: number): string {
  return `/v1/datasets/${part(dataset)}/files/${index}`
}

export function readDescription(signal?: AbortSignal): Promise<unknown> {
  return read('/openapi.json', signal)
}
