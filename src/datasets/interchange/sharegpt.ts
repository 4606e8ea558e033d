// ShareGPT, as LLaMA-Factory reads it: conversations of human and gpt in turn, the system prompt apart. A
// row is a branch of the root. Source: hiyouga/LLaMA-Factory, data/README.md.
import { Float64, Int32, Utf8 } from 'apache-arrow'
import { defineRecipe, optional, required } from '../recipe.ts'
import { type Message, responseOf, rootInvocation, sameMessage } from '../looks.ts'
import { listOf } from '../recipes/shapes.ts'

export const sharegpt = defineRecipe({
  name: 'sharegpt',
  version: '1',
  description:
    "ShareGPT: the root's conversation as human and gpt in turn, with the system prompt in a column of its own.",
  trainers: ['LLaMA-Factory (sharegpt; dataset_info.json lies beside the data)'],
  statuses: ['done'],
  options: [],
  columns: [
    required(
      'conversations',
      listOf({ from: new Utf8(), value: new Utf8() }),
      '`human` and `gpt` in turn; neighbouring messages of one side are joined by an empty line.',
    ),
    required('system', new Utf8(), 'The system prompt; empty when there was none.'),
    required('run_id', new Utf8(), 'The run that collected it.'),
    required('trajectory_id', new Utf8(), 'The rollout.'),
    required('task_id', new Utf8(), 'The id of the task line.'),
    required('branch', new Int32(), 'Which branch of the root, from 0; above 0 after a compaction.'),
    optional('reward', new Float64(), 'Weighted sum of the scores of the whole trajectory.'),
  ],
  loading: [
    {
      trainer: 'LLaMA-Factory',
      language: 'yaml',
      text: `dataset_dir: FOLDER
dataset: descent_train`,
    },
  ],
  limits: ['Turns of the root alone: what child invocations and sub-calls said is not here.'],

  sidecar: (files) => ({ name: 'dataset_info.json', text: datasetInfo(files) }),

  *rows(trajectory, task, { leaveOut }) {
    const branches: Message[][] = []
    for (const turn of rootInvocation(trajectory)?.turns ?? []) {
      const content = responseOf(turn)
      if (content === null) {
        leaveOut('turns whose call failed')
        continue
      }
      const current = branches.at(-1)
      const { messages } = turn.call
      const whole = [...messages, { role: 'assistant', content }]
      const extended = current?.every((message, index) => sameMessage(message, messages[index])) ?? false
      if (extended) branches[branches.length - 1] = whole
      else branches.push(whole)
    }
    for (const [branch, messages] of branches.entries()) {
      const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content)
      const conversations = inTurn(messages.filter(({ role }) => role !== 'system'))
      if (conversations[0]?.from !== 'human') {
        leaveOut('conversations that do not begin with a user')
        continue
      }
      yield {
        conversations,
        system: system.join('\n\n'),
        run_id: trajectory.runId,
        trajectory_id: trajectory.id,
        task_id: task.id,
        branch,
        reward: trajectory.reward,
      }
    }
  },
})

/** The trainer refuses two messages of one side in a row. */
function inTurn(messages: Message[]): { from: string; value: string }[] {
  const conversation: { from: string; value: string }[] = []
  for (const { role, content } of messages) {
    const from = role === 'assistant' ? 'gpt' : 'human'
    const last = conversation.at(-1)
    if (last?.from === from) last.value += `\n\n${content}`
    else conversation.push({ from, value: content })
  }
  return conversation
}

/** What LLaMA-Factory looks its datasets up in: one for each file, named by its split. */
function datasetInfo(files: { path: string; split: string }[]): string {
  const entries = files.map(({ path, split }, index) => {
    const alone = files.filter((file) => file.split === split).length === 1
    const name = path.split('/').at(-1) ?? path
    const entry = {
      file_name: name,
      formatting: 'sharegpt',
      columns: { messages: 'conversations', system: 'system' },
    }
    return [`descent_${split}${alone ? '' : `_${index}`}`, entry] as const
  })
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`
}
