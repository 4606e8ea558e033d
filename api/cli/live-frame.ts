// The live view: one frame as a pure function of the state, never wider than the terminal.
import { stripVTControlCharacters, styleText } from 'node:util'
import type { EndpointStatistics } from '../../src/models/index.ts'
import type { LiveRollout, LiveState } from './live-state.ts'
import { formatCount, formatDuration, formatMoney, formatScore, plainLine } from './format.ts'

export interface FrameOptions {
  columns: number
  rows: number
  now: number
  /** The servers that requests were sent to. */
  servers?: EndpointStatistics[]
}

type Style = Parameters<typeof styleText>[0]

export function renderFrame(state: LiveState, { columns, rows, now, servers = [] }: FrameOptions): string {
  const width = Math.max(40, Math.min(columns, 160))
  const lines = [
    header(state, width),
    paint('dim', fit(` ${state.setup}`, width)),
    bar(state, width, now),
    outcomes(state, width),
    traffic(state, servers, width, now),
    spending(state, width),
  ]
  if (state.errors.size > 0) lines.push(...errors(state, width))
  const space = Math.max(0, Math.min(rows - lines.length - 3, 32))
  const running = [...state.rollouts.values()]
  if (space > 0 && running.length > 0) {
    lines.push('', ...running.slice(0, space).map((rollout) => rolloutLine(rollout, width, now)))
  }
  if (running.length > space) lines.push(paint('dim', fit(`   … and ${running.length - space} more`, width)))
  return lines.join('\n')
}

function header(state: LiveState, width: number): string {
  const right = state.runId ? `run ${state.runId.slice(-8)}` : ''
  const name = clip(state.name, Math.min(30, width - right.length - 4))
  const models = clip(state.models, Math.max(1, width - name.length - right.length - 5))
  const left = ` ${paint('bold', name)}  ${paint('cyan', models)}`
  return `${left}${' '.repeat(Math.max(1, width - visible(left) - right.length - 1))}${paint('dim', right)}`
}

function bar(state: LiveState, width: number, now: number): string {
  if (state.total === 0) return paint('dim', fit(` reading tasks … ${formatCount(state.planned)}`, width))
  const finished = state.alreadyDone + state.done + state.failed
  const elapsed = now - state.startedAt
  const fresh = state.done + state.failed
  const left = fresh > 0 ? formatDuration((elapsed / fresh) * (state.total - finished)) : '–'
  const share = finished / state.total
  const state_ = state.stopping ? 'stopping' : finished === state.total ? 'done' : `left ${left}`
  const text = `  ${String(Math.floor(share * 100)).padStart(3)}%  ${formatCount(finished)}/${formatCount(state.total)}  ${formatDuration(elapsed)}  ${state_}`
  const cells = Math.max(4, width - text.length - 2)
  const filled = Math.round(share * cells)
  return fit(
    ` ${paint('green', '━'.repeat(filled))}${paint('dim', '─'.repeat(cells - filled))}${text}`,
    width,
  )
}

function outcomes(state: LiveState, width: number): string {
  const mean = state.rewardCount > 0 ? formatScore(state.rewardSum / state.rewardCount) : '–'
  const reasons = [...state.stopReasons.entries()]
    .toSorted((a, b) => b[1] - a[1])
    .map(([reason, count]) => `${reason} ${count}`)
  const failed = state.failed > 0 ? paint('red', `  failed ${state.failed}`) : ''
  return fit(
    ` ${paint('dim', 'reward')} ${paint('bold', mean)}   ${reasons.join(' · ') || paint('dim', 'nothing ended yet')}${failed}`,
    width,
  )
}

function traffic(state: LiveState, servers: EndpointStatistics[], width: number, now: number): string {
  const seconds = Math.max(0.001, (now - state.startedAt) / 1000)
  const ended = state.done + state.failed
  const perSecond = (count: number): string => formatCount(Math.round(count / seconds))
  const parts = [
    `${formatCount(Math.round((ended / seconds) * 60))} rollouts/min`,
    `${perSecond(state.calls)} calls/s`,
    `${perSecond(state.inputTokens + state.outputTokens)} tokens/s`,
    ...(servers.length > 0 ? [serverTraffic(servers)] : []),
  ]
  return fit(` ${paint('dim', 'speed')}  ${parts.join('   ')}`, width)
}

/** Refusals of all servers, and how many requests each now may hold at once. */
export function serverTraffic(servers: EndpointStatistics[]): string {
  const refused = servers.reduce((sum, { rateLimited }) => sum + rateLimited, 0)
  const limits = servers.map(({ limit }) => formatCount(limit)).join(' + ')
  const paused = servers.some(({ pausedMs }) => pausedMs > 0) ? ', paused' : ''
  return `429s ${formatCount(refused)}, limit ${limits}${paused}`
}

function spending(state: LiveState, width: number): string {
  const budget = state.budgetUsd === null ? '' : ` of ${formatMoney(state.budgetUsd * state.total)}`
  const parts = [
    `${formatCount(state.calls)} calls`,
    `${formatCount(state.inputTokens)} + ${formatCount(state.outputTokens)} tokens`,
    `cost ${formatMoney(state.costUsd)}${budget}`,
    `${formatCount(state.retries)} retries`,
  ]
  return fit(` ${paint('dim', 'spent')}  ${parts.join(width < 100 ? '  ' : '   ')}`, width)
}

function errors(state: LiveState, width: number): string[] {
  const counts = [...state.errors.entries()].toSorted((a, b) => b[1] - a[1])
  const line = fit(
    ` ${paint('yellow', 'errors')} ${counts.map(([code, count]) => `${code} ${count}`).join(' · ')}`,
    width,
  )
  return state.lastError ? [line, paint('dim', fit(`   last: ${plainLine(state.lastError)}`, width))] : [line]
}

const phases: Record<LiveRollout['phase'], [string, Style]> = {
  start: ['start ', 'dim'],
  policy: ['policy', 'blue'],
  cell: ['cell  ', 'magenta'],
}

/** The columns beside the label: phase, turn, calls, tokens, time, errors. */
const factsWidth = 56

function rolloutLine(rollout: LiveRollout, width: number, now: number): string {
  const [word, style] = phases[rollout.phase]
  const room = Math.min(60, Math.max(12, width - factsWidth))
  const number = `#${rollout.rollout}`
  const label = `${clip(rollout.taskId, room - number.length)}${number}`.padEnd(room)
  const failed = rollout.failedCells > 0 ? paint('red', `  ${rollout.failedCells} err`) : ''
  const turn = `turn ${String(rollout.turn).padStart(2)}${rollout.depth > 0 ? `/${rollout.depth}` : '  '}`
  const calls = `${formatCount(rollout.calls).padStart(5)} calls`
  const tokens = `${formatCount(rollout.tokens).padStart(5)} tok`
  return fit(
    `   ${label} ${paint(style, word)} ${turn} ${calls} ${tokens} ${formatDuration(now - rollout.startedAt).padStart(5)}${failed}`,
    width,
  )
}

function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr })
}

function visible(text: string): number {
  return stripVTControlCharacters(text).length
}

function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`
}

/** Cuts a line that may hold colours to `width` visible characters. */
function fit(line: string, width: number): string {
  if (visible(line) <= width) return line
  return clip(stripVTControlCharacters(line), width)
}
