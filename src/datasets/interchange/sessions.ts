// The Hub's format of session traces, STS: a file a trajectory, its first line the session, then a message
// a line. It knows no tree: cells are tool calls of the root, sub-calls stay out.
// Source: huggingface/hub-docs, docs/hub/session-traces-format.md.
import type { Turn } from '../../trajectory.ts'
import { defineRecipe } from '../recipe.ts'
import { outputOf, present, stepsOf } from './conversation.ts'

export const sessions = defineRecipe({
  name: 'sts',
  version: '1',
  description:
    "The Hub's session traces (STS), a file a trajectory: the root's messages, its cells as tool calls.",
  trainers: ['the trace viewer of the Hugging Face Hub', 'datasets (agent traces)'],
  statuses: ['done', 'failed'],
  options: [],
  documents: 'a file each',
  columns: [],
  loading: [
    {
      trainer: 'datasets',
      language: 'python',
      text: `print(train[0]["session_id"], train[0]["num_user_messages"])`,
    },
  ],
  limits: ['A session knows no tree: sub-calls and child invocations are not here.'],

  *rows(trajectory, task) {
    const root = trajectory.invocations.find(({ depth }) => depth === 0)
    if (!root) return
    const documents: unknown[] = [
      {
        type: 'session',
        harness: 'descent',
        id: trajectory.id,
        name: `${task.id} rollout ${trajectory.rollout}`,
      },
    ]
    const add = (message: object) => documents.push({ type: 'message', message })
    for (const { turn, added } of stepsOf(root)) {
      for (const { role, content } of added) add({ role, content })
      add(answerOf(turn))
      for (const cell of turn.cells) add({ role: 'tool', content: outputOf(cell), toolCallId: cell.id })
    }
    yield { documents }
  },
})

function answerOf({ call, cells }: Turn): object {
  const toolCalls = cells.map(({ id, code }) => ({
    id,
    function: { name: 'python', arguments: JSON.stringify({ code }) },
  }))
  return present({
    role: 'assistant',
    content: call.response.text ?? '',
    reasoningContent: call.response.reasoning,
    toolCalls: toolCalls.length > 0 ? toolCalls : null,
    timestamp: Date.parse(call.startedAt),
    model: call.model,
  })
}
