// Reads the API. Types are those of the routes; an error answer becomes an Error with its own words.
import type { CellBody, TrajectoryItem, TrajectoryTree } from '../http/tree.ts'
import type { Run, RunItem } from '../http/routes/runs.ts'
import type { Problem } from '../http/problem.ts'
import type { Page } from '../../src/store/contract.ts'
import type { Call } from '../../src/trajectory.ts'

async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(path, { headers: { accept: 'application/json' }, signal: signal ?? null })
  if (response.ok) return (await response.json()) as T
  const problem = (await response.json().catch(() => null)) as Problem | null
  throw new Error(problem?.detail ?? `The server answered ${response.status}.`)
}

function page(path: string, limit: number, cursor: string | null): string {
  return `${path}?limit=${limit}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
}

export function readRuns(cursor: string | null, signal?: AbortSignal): Promise<Page<RunItem>> {
  return read(page('/v1/runs', 50, cursor), signal)
}

export function readRun(id: string, signal?: AbortSignal): Promise<Run> {
  return read(`/v1/runs/${encodeURIComponent(id)}`, signal)
}

export function readTrajectories(
  run: string,
  cursor: string | null,
  signal?: AbortSignal,
): Promise<Page<TrajectoryItem>> {
  return read(page(`/v1/runs/${encodeURIComponent(run)}/trajectories`, 200, cursor), signal)
}

export function readTree(id: string, signal?: AbortSignal): Promise<TrajectoryTree> {
  return read(`/v1/trajectories/${encodeURIComponent(id)}`, signal)
}

export function readCall(trajectory: string, call: string, signal?: AbortSignal): Promise<Call> {
  return read(`/v1/calls/${encodeURIComponent(trajectory)}/${encodeURIComponent(call)}`, signal)
}

export function readCell(trajectory: string, cell: string, signal?: AbortSignal): Promise<CellBody> {
  return read(`/v1/cells/${encodeURIComponent(trajectory)}/${encodeURIComponent(cell)}`, signal)
}

export function rawAddress(trajectory: string): string {
  return `/v1/trajectories/${encodeURIComponent(trajectory)}/raw`
}
