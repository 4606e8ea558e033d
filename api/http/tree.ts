// A trajectory as its skeleton: everything that places, measures and explains a node, with texts cut
// short and message bodies left out. Bodies are fetched one call or one cell at a time.
import { z } from 'zod'
import {
  callSchema,
  cellSchema,
  invocationSchema,
  trajectoryRowSchema,
  trajectorySchema,
  turnSchema,
} from '../../src/trajectory.ts'
import type { Call, Cell, Invocation, Trajectory, TrajectoryRow, Turn } from '../../src/trajectory.ts'
import { preview, previewOrNull, previewSchema, tailPreview } from './preview.ts'

/** Limits in UTF-16 units: of code and outputs, of what a call's node shows, of an answer in a list. */
export const treeLimits = { output: 4000, call: 200, listAnswer: 300 }

export const callNodeSchema = callSchema
  .omit({ messages: true, response: true, sampling: true })
  .extend({
    messages: z.number().meta({ description: 'How many messages were sent.' }),
    prompt: previewSchema.meta({ description: 'The last message sent.' }),
    response: z.object({
      text: previewSchema.nullable(),
      reasoning: previewSchema.nullable(),
      finishReason: z.string().nullable(),
    }),
  })
  .meta({ id: 'CallNode', description: 'A call without its messages.' })
export type CallNode = z.infer<typeof callNodeSchema>

export const cellNodeSchema = cellSchema
  .omit({ stdoutCharacters: true, stderrCharacters: true })
  .extend({
    code: previewSchema,
    stdout: previewSchema,
    stderr: previewSchema,
    error: z.object({ type: z.string(), message: previewSchema, traceback: previewSchema }).nullable(),
    finalAnswer: previewSchema.nullable(),
    calls: z.array(callNodeSchema),
  })
  .meta({ id: 'CellNode' })
export type CellNode = z.infer<typeof cellNodeSchema>

export const turnNodeSchema = turnSchema
  .extend({ call: callNodeSchema, cells: z.array(cellNodeSchema) })
  .meta({ id: 'TurnNode' })
export type TurnNode = z.infer<typeof turnNodeSchema>

export const invocationNodeSchema = invocationSchema
  .extend({ answer: previewSchema.nullable(), turns: z.array(turnNodeSchema) })
  .meta({ id: 'InvocationNode' })
export type InvocationNode = z.infer<typeof invocationNodeSchema>

export const taskViewSchema = z
  .object({
    prompt: previewSchema,
    answer: z.unknown().meta({ description: 'The gold answer.' }),
    contextType: z.string(),
    contextCharacters: z.number(),
  })
  .meta({ id: 'TaskView' })
export type TaskView = z.infer<typeof taskViewSchema>

export const trajectoryTreeSchema = trajectorySchema
  .extend({
    answer: previewSchema.nullable(),
    invocations: z.array(invocationNodeSchema),
    lostCalls: z.array(callNodeSchema),
    task: taskViewSchema.nullable().meta({ description: 'Null when the task is not stored.' }),
  })
  .meta({ id: 'TrajectoryTree', description: 'A trajectory without message bodies; texts are previews.' })
export type TrajectoryTree = z.infer<typeof trajectoryTreeSchema>

export const trajectoryItemSchema = trajectoryRowSchema
  .extend({ answer: previewSchema.nullable() })
  .meta({ id: 'TrajectoryItem' })
export type TrajectoryItem = z.infer<typeof trajectoryItemSchema>

/** A cell with whole texts and without its calls. */
export const cellBodySchema = cellSchema.omit({ calls: true }).meta({ id: 'CellBody' })
export type CellBody = z.infer<typeof cellBodySchema>

export function trajectoryItem(row: TrajectoryRow): TrajectoryItem {
  return { ...row, answer: previewOrNull(row.answer, treeLimits.listAnswer) }
}

export function trajectoryTree(trajectory: Trajectory, task: TaskView | null): TrajectoryTree {
  return {
    ...trajectory,
    answer: previewOrNull(trajectory.answer, treeLimits.output),
    invocations: trajectory.invocations.map(invocationNode),
    lostCalls: trajectory.lostCalls.map(callNode),
    task,
  }
}

function invocationNode(invocation: Invocation): InvocationNode {
  return {
    ...invocation,
    answer: previewOrNull(invocation.answer, treeLimits.output),
    turns: invocation.turns.map(turnNode),
  }
}

function turnNode(turn: Turn): TurnNode {
  return { ...turn, call: callNode(turn.call), cells: turn.cells.map(cellNode) }
}

function cellNode({ stdoutCharacters, stderrCharacters, ...cell }: Cell): CellNode {
  return {
    ...cell,
    code: preview(cell.code, treeLimits.output),
    stdout: preview(cell.stdout, treeLimits.output, stdoutCharacters),
    stderr: preview(cell.stderr, treeLimits.output, stderrCharacters),
    error: cell.error && {
      type: cell.error.type,
      message: preview(cell.error.message, treeLimits.output),
      traceback: tailPreview(cell.error.traceback, treeLimits.output),
    },
    finalAnswer: previewOrNull(cell.finalAnswer, treeLimits.output),
    calls: cell.calls.map(callNode),
  }
}

function callNode({ sampling: _sampling, ...call }: Call): CallNode {
  return {
    ...call,
    messages: call.messages.length,
    prompt: preview(call.messages.at(-1)?.content ?? '', treeLimits.call),
    response: {
      text: previewOrNull(call.response.text, treeLimits.call),
      reasoning: previewOrNull(call.response.reasoning, treeLimits.call),
      finishReason: call.response.finishReason,
    },
  }
}

/** The call of this id anywhere in the tree. */
export function findCall(trajectory: Trajectory, callId: string): Call | undefined {
  for (const turn of allTurns(trajectory)) {
    if (turn.call.id === callId) return turn.call
    for (const cell of turn.cells) {
      const call = cell.calls.find((candidate) => candidate.id === callId)
      if (call) return call
    }
  }
  return trajectory.lostCalls.find((call) => call.id === callId)
}

export function findCell(trajectory: Trajectory, cellId: string): Cell | undefined {
  for (const turn of allTurns(trajectory)) {
    const cell = turn.cells.find((candidate) => candidate.id === cellId)
    if (cell) return cell
  }
  return undefined
}

function allTurns(trajectory: Trajectory): Turn[] {
  return trajectory.invocations.flatMap((invocation) => invocation.turns)
}
