// Transcripts as Inspect Scout reads them from Parquet: its column names, with messages as the JSON of
// Inspect's chat messages. Source: inspect_scout, _transcript/database/schema.py.
import { Bool, Float64, Int64, Utf8 } from 'apache-arrow'
import type { Invocation } from '../../trajectory.ts'
import { defineRecipe, optional, required } from '../recipe.ts'
import { errorText, outputOf, stepsOf } from './conversation.ts'

const text = new Utf8()

export const scout = defineRecipe({
  name: 'scout',
  version: '1',
  description:
    "Transcripts of the root for Inspect Scout: its column names, messages as Inspect's chat messages.",
  trainers: ['Inspect Scout (scout scan -T DIRECTORY)'],
  statuses: ['done', 'failed'],
  options: [],
  columns: [
    required('transcript_id', text, "The trajectory's id."),
    required('source_type', text, '`descent`.'),
    required('source_id', text, 'The run.'),
    required('source_uri', text, '`descent:` and the ids of run and trajectory.'),
    optional('date', text, 'When it began, ISO 8601.'),
    required('task_set', text, 'The name of the run.'),
    required('task_id', text, 'The id of the task line.'),
    required('task_repeat', new Int64(), 'Which rollout of its task, from 1.'),
    required('agent', text, 'How the model was talked to: the protocol.'),
    required('model', text, 'The model of the run.'),
    optional('score', text, 'The reward, as JSON.'),
    optional('success', new Bool(), 'Whether it is correct; null when not scored.'),
    required('message_count', new Int64(), 'Messages of the root.'),
    optional('total_time', new Float64(), 'Seconds from start to end.'),
    required('total_tokens', new Int64(), 'Sent and received, over the whole tree.'),
    optional('error', text, 'The error that ended it.'),
    optional('limit', text, 'The limit that ended it.'),
    required('messages', text, "JSON: the root's messages; cells are tool calls `python`."),
    optional('answer', text, 'The final answer.'),
    required('scripted', new Bool(), 'True when a script answered in place of a model.'),
  ],
  loading: [
    {
      trainer: 'Inspect Scout',
      language: 'python',
      text: `from inspect_scout import transcripts_from  # pip install inspect-scout

transcripts = transcripts_from("FOLDER")`,
    },
  ],

  *rows(trajectory, task, { run, threshold }) {
    const root = trajectory.invocations.find(({ depth }) => depth === 0)
    const messages = root ? messagesOf(root) : []
    const { startedAt, endedAt, usage, reward, stopReason } = trajectory
    yield {
      transcript_id: trajectory.id,
      source_type: 'descent',
      source_id: trajectory.runId,
      source_uri: `descent:${trajectory.runId}/${trajectory.id}`,
      date: startedAt,
      task_set: run.name,
      task_id: task.id,
      task_repeat: trajectory.rollout + 1,
      agent: trajectory.protocol.id,
      model: run.model,
      score: reward === null ? null : JSON.stringify(reward),
      success: reward === null ? null : reward >= threshold,
      message_count: messages.length,
      total_time: startedAt && endedAt ? (Date.parse(endedAt) - Date.parse(startedAt)) / 1000 : null,
      total_tokens: BigInt(usage.inputTokens) + BigInt(usage.outputTokens),
      error: trajectory.error && errorText(trajectory.error),
      limit: stopReason?.startsWith('max_') ? stopReason.slice(4) : null,
      messages: JSON.stringify(messages),
      answer: trajectory.answer,
      scripted: trajectory.scripted,
    }
  },
})

function messagesOf(root: Invocation): object[] {
  return stepsOf(root).flatMap(({ turn, added }, step) => {
    const { call, cells } = turn
    const calls = cells.map(({ id, code }) => ({
      id,
      function: 'python',
      arguments: { code },
      type: 'function',
    }))
    return [
      ...added.map(({ role, content }, index) => ({
        id: `${call.id}-${step}-${index}`,
        role: role === 'system' || role === 'assistant' ? role : 'user',
        content,
      })),
      {
        id: call.id,
        role: 'assistant',
        content: call.response.text ?? '',
        model: call.model,
        source: 'generate',
        ...(calls.length > 0 ? { tool_calls: calls } : {}),
      },
      ...cells.map((cell) => ({
        id: `${cell.id}-output`,
        role: 'tool',
        content: outputOf(cell),
        tool_call_id: cell.id,
        function: 'python',
      })),
    ]
  })
}
