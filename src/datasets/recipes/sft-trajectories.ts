// One row per branch of an invocation: the longest conversation in which each prompt extends the one
// before. Each response is trained in one row only: where it was sampled.
import { Bool, Float64, Int32, Utf8 } from 'apache-arrow'
import type { Invocation, Trajectory } from '../../trajectory.ts'
import { defineRecipe, optional, required } from '../recipe.ts'
import { countFailed, type Message, responseOf, sameMessage } from '../looks.ts'
import { listOf } from './shapes.ts'

interface TrainedMessage extends Message {
  train: boolean
}

interface Branch {
  messages: TrainedMessage[]
  firstTurn: number
  model: string
  scripted: boolean
}

export const sftTrajectories = defineRecipe({
  name: 'sft-trajectories',
  version: '1',
  description:
    'One row per branch of each invocation, children included: a whole conversation, with a flag on each message that says whether to train on it.',
  trainers: [
    'Axolotl (chat_template with message_field_training: train)',
    'TRL SFTTrainer (conversational, assistant_only_loss)',
    'prime-rl sft (messages)',
  ],
  statuses: ['done'],
  options: ['children'],
  columns: [
    required(
      'messages',
      listOf({ role: new Utf8(), content: new Utf8(), train: new Bool() }),
      'The conversation, the last response included. `train` is true for a response where it was sampled; ' +
        'false for what the harness wrote, for responses that an earlier branch trains, and for those a fork took over.',
    ),
    required('trained_messages', new Int32(), 'How many messages have `train` true: at least 1.'),
    required('repeated_messages', new Int32(), 'Assistant messages with `train` false.'),
    required('run_id', new Utf8(), 'The run that collected it.'),
    required('trajectory_id', new Utf8(), 'The rollout.'),
    required('task_id', new Utf8(), 'The id of the task line.'),
    required('rollout', new Int32(), 'Which rollout of its task, from 0.'),
    required('invocation_id', new Utf8(), 'The invocation whose conversation it is.'),
    optional('parent_invocation_id', new Utf8(), 'The invocation that started it; null for the root.'),
    optional('parent_cell_id', new Utf8(), 'The cell that started it; null for the root.'),
    required('depth', new Int32(), '0 for the root.'),
    required('branch', new Int32(), 'Which branch of the invocation, from 0; above 0 after a compaction.'),
    required('first_turn', new Int32(), 'The turn with which the branch begins.'),
    optional('reward', new Float64(), 'Weighted sum of the scores of the whole trajectory.'),
    optional('stop_reason', new Utf8(), 'Why the invocation ended.'),
    required('model', new Utf8(), 'The model that answered, as the server knows it.'),
    required('protocol', new Utf8(), 'How the model was talked to.'),
    required('protocol_hash', new Utf8(), 'Hash of the protocol, its prompts included.'),
    optional('policy_version', new Utf8(), 'The version of the policy, when the run named one.'),
    required('scripted', new Bool(), 'True when no model but a script answered: never train on it.'),
  ],
  loading: [
    {
      trainer: 'Axolotl',
      language: 'yaml',
      text: `datasets:
  - path: DIRECTORY
    name: CONFIG
    split: train
    type: chat_template
    field_messages: messages
    message_field_training: train`,
    },
    {
      trainer: 'TRL',
      language: 'python',
      text: `from trl import SFTConfig, SFTTrainer

# All assistant messages are trained: a chat template with generation marks, and no flag per message.
train = train.select_columns(["messages"])
SFTTrainer(model="MODEL", args=SFTConfig(assistant_only_loss=True), train_dataset=train).train()`,
    },
    {
      trainer: 'prime-rl sft',
      language: 'toml',
      text: `[data]
name = "DIRECTORY"
subsets = ["CONFIG"]
splits = ["train"]`,
    },
    {
      trainer: 'verl sft',
      language: 'sh',
      text: `python3 -m verl.trainer.sft_trainer \\
  data.train_files=FILE data.messages_key=messages`,
    },
  ],
  limits: [
    'TRL, prime-rl and verl train every assistant message by its role and see no `train`: rows with `repeated_messages` above 0 repeat those responses there.',
  ],

  *rows(trajectory, task, { run, options, leaveOut }) {
    const invocationOfCell = cellOwners(trajectory)
    for (const invocation of trajectory.invocations) {
      if (invocation.depth > 0 && !options.children) continue
      // What a fork took over was sampled in, and is trained in, the trajectory it comes from.
      const taken = invocation.depth === 0 ? (trajectory.origin?.turns ?? 0) : 0
      for (const [index, branch] of branchesOf(invocation, taken, leaveOut).entries()) {
        const trained = branch.messages.filter(({ train }) => train).length
        if (trained === 0) {
          leaveOut('branches in which nothing is trained')
          continue
        }
        yield {
          messages: branch.messages,
          trained_messages: trained,
          repeated_messages: branch.messages.filter(({ role }) => role === 'assistant').length - trained,
          run_id: trajectory.runId,
          trajectory_id: trajectory.id,
          task_id: task.id,
          rollout: trajectory.rollout,
          invocation_id: invocation.id,
          parent_invocation_id: invocationOfCell.get(invocation.parentCellId ?? '') ?? null,
          parent_cell_id: invocation.parentCellId,
          depth: invocation.depth,
          branch: index,
          first_turn: branch.firstTurn,
          reward: trajectory.reward,
          stop_reason: invocation.stopReason,
          model: branch.model,
          protocol: trajectory.protocol.id,
          protocol_hash: trajectory.protocol.hash,
          policy_version: run.policyVersion,
          scripted: branch.scripted,
        }
      }
    }
  },
})

function cellOwners(trajectory: Trajectory): Map<string, string> {
  const owners = new Map<string, string>()
  for (const { id, turns } of trajectory.invocations) {
    for (const { cells } of turns) for (const cell of cells) owners.set(cell.id, id)
  }
  return owners
}

function branchesOf(invocation: Invocation, taken: number, leaveOut: (reason: string) => void): Branch[] {
  const branches: Branch[] = []
  let current: Branch | null = null
  for (const turn of invocation.turns) {
    const text = responseOf(turn)
    if (text === null) {
      countFailed(turn, leaveOut)
      continue
    }
    const { messages, model, scripted } = turn.call
    const known: TrainedMessage[] = current?.messages ?? []
    if (!current || !known.every((message, index) => sameMessage(message, messages[index]))) {
      current = { messages: messages.map(untrained), firstTurn: turn.index, model, scripted }
      branches.push(current)
    } else current.messages.push(...messages.slice(known.length).map(untrained))
    current.messages.push({ role: 'assistant', content: text, train: turn.index >= taken })
    current.scripted ||= scripted
  }
  return branches
}

function untrained({ role, content }: Message): TrainedMessage {
  return { role, content, train: false }
}
