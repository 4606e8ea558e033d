// `descent show ID`: one trajectory as a tree of turns, cells and sub-calls; whole with --json.
import { styleText } from 'node:util'
import type { Call, Cell, Invocation, Trajectory, Turn } from '../../../src/trajectory.ts'
import { formatCount, formatMoney, formatScore, plainLine } from '../format.ts'
import { printJson, usingStore, type StoreOption } from '../store-option.ts'

export async function show(reference: string, options: StoreOption & { json?: boolean }): Promise<void> {
  await usingStore(options, async (store) => {
    const trajectory = await store.readTrajectory(await store.findTrajectory(reference))
    if (options.json) printJson(trajectory)
    else process.stdout.write(`${treeText(trajectory)}\n`)
  })
}

function treeText(trajectory: Trajectory): string {
  const { usage } = trajectory
  const head = [
    styleText('bold', `trajectory ${trajectory.id}`),
    `task ${trajectory.taskId}, rollout ${trajectory.rollout}, ${trajectory.status}${trajectory.stopReason ? ` (${trajectory.stopReason})` : ''}${trajectory.scripted ? ', scripted' : ''}`,
    `${usage.calls} calls, ${formatCount(usage.inputTokens)} tokens in, ${formatCount(usage.outputTokens)} out, cost ${formatMoney(usage.costUsd)}, sandbox ${trajectory.sandbox ?? 'none used'}`,
    `answer ${clean(trajectory.answer ?? '–', 200)}`,
    ...trajectory.scores.map(
      (score) =>
        `score  ${score.reward}@${score.version} ${formatScore(score.value)}${score.error ? ` (${score.error.message})` : ''}`,
    ),
  ]
  const byId = new Map(trajectory.invocations.map((invocation) => [invocation.id, invocation]))
  const root = trajectory.invocations.find((invocation) => invocation.depth === 0)
  return [...head, '', ...(root ? invocationLines(root, byId, '') : [])].join('\n')
}

function invocationLines(invocation: Invocation, byId: Map<string, Invocation>, indent: string): string[] {
  return invocation.turns.flatMap((turn) => turnLines(turn, byId, indent))
}

function turnLines(turn: Turn, byId: Map<string, Invocation>, indent: string): string[] {
  const { call } = turn
  const reply = call.error ? styleText('red', call.error.message) : clean(call.response.text ?? '', 100)
  return [
    `${indent}${styleText('cyan', `turn ${turn.index + 1}`)}${turn.forced ? ' (forced)' : ''}  ${call.model}  ${milliseconds(call)}  ${reply}`,
    ...turn.cells.flatMap((cell) => cellLines(cell, byId, `${indent}  `)),
  ]
}

function cellLines(cell: Cell, byId: Map<string, Invocation>, indent: string): string[] {
  const code = clean(cell.code, 100)
  const outcome = cell.error
    ? styleText('red', `${cell.error.type}: ${clean(cell.error.message, 80)}`)
    : clean(cell.stdout, 100)
  return [
    `${indent}${styleText('magenta', `cell ${cell.index + 1}`)}  ${Math.round(cell.durationMs)} ms${limitsText(cell)}  ${code}`,
    `${indent}  → ${outcome || '(no output)'}`,
    ...cell.calls.flatMap((call) => callLines(call, byId, `${indent}  `)),
  ]
}

function limitsText({ limits = [] }: Cell): string {
  return limits.length === 0 ? '' : styleText('yellow', ` (at its limit: ${limits.join(', ')})`)
}

function callLines(call: Call, byId: Map<string, Invocation>, indent: string): string[] {
  const prompt = clean(call.messages[0]?.content ?? '', 50)
  const reply = call.error ? styleText('red', call.error.message) : clean(call.response.text ?? '', 60)
  const child = call.invocationId ? byId.get(call.invocationId) : undefined
  return [
    `${indent}${styleText('blue', `${call.kind} ${call.order + 1}`)}  ${milliseconds(call)}  ${prompt} → ${reply}`,
    ...(child ? invocationLines(child, byId, `${indent}  `) : []),
  ]
}

function milliseconds(call: Call): string {
  return call.latencyMs === null ? '–' : `${Math.round(call.latencyMs)} ms`
}

function clean(text: string, length: number): string {
  const line = plainLine(text)
  return line.length > length ? `${line.slice(0, length - 1)}…` : line
}
