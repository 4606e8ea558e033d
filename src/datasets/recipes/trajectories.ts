// One row per trajectory, for analysis and as the source of other formats: the task, how it ended,
// the root's whole conversation, its cells, and every sub-call of the tree.
import { Bool, Float64, Int32, Int64, List, Field, TimestampMicrosecond, Utf8 } from 'apache-arrow'
import type { Call, Cell, Invocation, Trajectory } from '../../trajectory.ts'
import { defineRecipe, optional, required } from '../recipe.ts'
import { rootInvocation } from '../looks.ts'
import { conversation, listOf } from './shapes.ts'

const scoreList = listOf({
  reward: new Utf8(),
  version: new Utf8(),
  value: new Float64(),
  weight: new Float64(),
})

const cellList = listOf({
  turn: new Int32(),
  index: new Int32(),
  code: new Utf8(),
  stdout: new Utf8(),
  stderr: new Utf8(),
  error: new Utf8(),
  duration_ms: new Float64(),
  calls: new Int32(),
})

const callList = listOf({
  kind: new Utf8(),
  depth: new Int32(),
  model: new Utf8(),
  prompt: new Utf8(),
  response: new Utf8(),
  error: new Utf8(),
  input_tokens: new Int64(),
  output_tokens: new Int64(),
  cost_usd: new Float64(),
  latency_ms: new Float64(),
})

export const trajectories = defineRecipe({
  name: 'trajectories',
  version: '1',
  description: 'One row per trajectory: task, outcome, scores, usage, conversation, cells and sub-calls.',
  trainers: [],
  statuses: ['done', 'failed'],
  options: [],
  columns: [
    required('run_id', new Utf8(), 'The run that collected it.'),
    required('trajectory_id', new Utf8(), 'Its id.'),
    required('task_id', new Utf8(), 'The id of the task line.'),
    required('task_hash', new Utf8(), 'Content hash of the task: equal over runs and files.'),
    required('rollout', new Int32(), 'Which rollout of its task, from 0.'),
    required('prompt', new Utf8(), 'The question that the root sees.'),
    required('context_type', new Utf8(), 'Python type of the context that only the REPL sees.'),
    required('context_characters', new Int64(), 'Size of that context; the context itself is not exported.'),
    required('metadata', new Utf8(), 'Metadata of the task, as JSON.'),
    optional('gold_answer', new Utf8(), 'Gold answer of the task, as JSON; null when it has none.'),
    optional('answer', new Utf8(), 'The final answer.'),
    required('status', new Utf8(), '`done`, or `failed`: ended by an error that is not of the policy.'),
    optional('stop_reason', new Utf8(), 'Why it ended.'),
    optional('error', new Utf8(), 'The error that ended it, as `boundary/code: message`.'),
    optional('reward', new Float64(), 'Weighted sum of the scores; null when not scored.'),
    required('scores', scoreList, 'The value each reward gave; null where it failed.'),
    required('input_tokens', new Int64(), 'Tokens sent, over the whole tree.'),
    required('output_tokens', new Int64(), 'Tokens received, over the whole tree.'),
    optional('cost_usd', new Float64(), 'Dollars for the whole tree; null when prices are unknown.'),
    required('requests', new Int32(), 'Requests to models in the whole tree.'),
    required('turn_count', new Int32(), 'Turns of the root.'),
    required('cell_count', new Int32(), 'Length of `cells`.'),
    required('call_count', new Int32(), 'Length of `calls`.'),
    optional('sandbox', new Utf8(), 'The isolation level in force.'),
    required('protocol', new Utf8(), 'How the model was talked to.'),
    required('protocol_hash', new Utf8(), 'Hash of the protocol, its prompts included.'),
    required('model', new Utf8(), 'The model of the run.'),
    required('models', new List(new Field('element', new Utf8(), true)), 'All models that were called.'),
    optional('policy_version', new Utf8(), 'The version of the policy, when the run named one.'),
    required('scripted', new Bool(), 'True when a script answered in place of a model: never train on it.'),
    optional('started_at', new TimestampMicrosecond('UTC'), 'When it began (UTC).'),
    optional('ended_at', new TimestampMicrosecond('UTC'), 'When it ended (UTC).'),
    required('messages', conversation(), 'The whole conversation of the root, the last response included.'),
    required('cells', cellList, "The root's cells, each with the turn it belongs to."),
    required(
      'calls',
      callList,
      'Sub-calls of the whole tree. `prompt` is the message; several messages are one JSON list.',
    ),
  ],
  loading: [
    {
      trainer: 'Analysis',
      language: 'python',
      text: `solved = train.filter(lambda row: row["reward"] is not None and row["reward"] > 0.5)
print(solved[0]["messages"])`,
    },
  ],

  *rows(trajectory, task, { run }) {
    const root = rootInvocation(trajectory)
    const cells = root ? rootCells(root) : []
    const calls = subCalls(trajectory)
    yield {
      run_id: trajectory.runId,
      trajectory_id: trajectory.id,
      task_id: task.id,
      task_hash: task.hash,
      rollout: trajectory.rollout,
      prompt: task.prompt,
      context_type: task.contextType,
      context_characters: task.contextCharacters,
      metadata: JSON.stringify(task.metadata),
      gold_answer: task.answer === null ? null : JSON.stringify(task.answer),
      answer: trajectory.answer,
      status: trajectory.status,
      stop_reason: trajectory.stopReason,
      error: trajectory.error && errorText(trajectory.error),
      reward: trajectory.reward,
      scores: trajectory.scores,
      input_tokens: trajectory.usage.inputTokens,
      output_tokens: trajectory.usage.outputTokens,
      cost_usd: trajectory.usage.costUsd,
      requests: trajectory.usage.calls,
      turn_count: root?.turns.length ?? 0,
      cell_count: cells.length,
      call_count: calls.length,
      sandbox: trajectory.sandbox,
      protocol: trajectory.protocol.id,
      protocol_hash: trajectory.protocol.hash,
      model: run.model,
      models: allModels(trajectory),
      policy_version: run.policyVersion,
      scripted: trajectory.scripted,
      started_at: trajectory.startedAt,
      ended_at: trajectory.endedAt,
      messages: root ? wholeConversation(root) : [],
      cells,
      calls: calls.map(callRow),
    }
  },
})

function errorText(error: { boundary: string; code: string; message: string }): string {
  return `${error.boundary}/${error.code}: ${error.message}`
}

function wholeConversation(root: Invocation): { role: string; content: string }[] {
  const last = root.turns.at(-1)
  if (!last) return []
  const { text } = last.call.response
  return text === null ? last.call.messages : [...last.call.messages, { role: 'assistant', content: text }]
}

function rootCells(root: Invocation) {
  return root.turns.flatMap((turn) => turn.cells.map((cell) => cellRow(turn.index, cell)))
}

function cellRow(turn: number, cell: Cell) {
  const error = cell.death
    ? `${cell.death.reason}: ${cell.death.detail}`
    : cell.error && `${cell.error.type}: ${cell.error.message}`
  return {
    turn,
    index: cell.index,
    code: cell.code,
    stdout: cell.stdout,
    stderr: cell.stderr,
    error,
    duration_ms: cell.durationMs,
    calls: cell.calls.length,
  }
}

function subCalls(trajectory: Trajectory): Call[] {
  return trajectory.invocations.flatMap((invocation) =>
    invocation.turns.flatMap((turn) => turn.cells.flatMap((cell) => cell.calls)),
  )
}

function callRow(call: Call) {
  const [first, ...others] = call.messages
  return {
    kind: call.kind,
    depth: call.depth,
    model: call.model,
    prompt: others.length === 0 ? (first?.content ?? '') : JSON.stringify(call.messages),
    response: call.response.text,
    error: call.error && errorText(call.error),
    input_tokens: call.usage?.inputTokens,
    output_tokens: call.usage?.outputTokens,
    cost_usd: call.usage?.costUsd,
    latency_ms: call.latencyMs,
  }
}

function allModels(trajectory: Trajectory): string[] {
  const policies = trajectory.invocations.flatMap(({ turns }) => turns.map(({ call }) => call.model))
  return [...new Set([...policies, ...subCalls(trajectory).map(({ model }) => model)])]
}
