// One row per turn of the root: the messages exactly as they were sent, and the response exactly as
// it came; on demand child invocations and plain sub-calls too, the sub-calls of an
// invocation after its turns. The rows of a conversation follow each other, so that a compressor finds
// the shared prefixes.
import { Bool, Float64, Int32, Int64, Utf8 } from 'apache-arrow'
import type { Call, Invocation, Trajectory, Turn } from '../../trajectory.ts'
import { defineRecipe, optional, required } from '../recipe.ts'
import type { turnRoles } from '../recipe-options.ts'
import { characterCounter, countFailed, tooLong } from '../looks.ts'
import { conversation } from './shapes.ts'

export const sftTurns = defineRecipe({
  name: 'sft-turns',
  version: '2',
  description:
    'One row per root turn: what the policy was shown and what it said, for supervised fine-tuning. On demand rows of child invocations and sub-calls too.',
  trainers: ['TRL SFTTrainer (conversational prompt-completion; loss on the completion)'],
  statuses: ['done'],
  options: ['maxPromptCharacters', 'roles'],
  needsCells: ({ roles }) => roles.some((role) => role !== 'root'),
  columns: [
    required('prompt', conversation(), 'The messages exactly as they were sent.'),
    required('completion', conversation(), 'One assistant message: the response exactly as it came.'),
    required('role', new Utf8(), 'Who was asked: `root`, `child` (an invocation below it) or `sub-call`.'),
    required('run_id', new Utf8(), 'The run that collected it.'),
    required('trajectory_id', new Utf8(), 'The rollout it is a turn of.'),
    required('task_id', new Utf8(), 'The id of the task line.'),
    required('rollout', new Int32(), 'Which rollout of its task, from 0.'),
    required('invocation_id', new Utf8(), 'The invocation whose turn it is, or in whose turn it was asked.'),
    required('depth', new Int32(), 'Of that invocation: 0 for the root.'),
    required('turn', new Int32(), 'Which turn of the invocation, from 0.'),
    required('turns', new Int32(), 'Turns of the invocation, those left out included.'),
    required('forced', new Bool(), 'True for the one last answer that is asked for at a limit.'),
    optional(
      'reward',
      new Float64(),
      'Weighted sum of the scores of the whole trajectory; null when not scored.',
    ),
    optional('stop_reason', new Utf8(), 'Why the trajectory ended.'),
    required('model', new Utf8(), 'The model that answered, as the server knows it.'),
    required('protocol', new Utf8(), 'How the model was talked to.'),
    required('protocol_hash', new Utf8(), 'Hash of the protocol, its prompts included.'),
    required('prompt_characters', new Int64(), 'Code points in the contents of `prompt`.'),
    optional('policy_version', new Utf8(), 'The version of the policy, when the run named one.'),
    required('scripted', new Bool(), 'True when no model but a script answered: never train on it.'),
  ],
  loading: [
    {
      trainer: 'TRL',
      language: 'python',
      text: `from trl import SFTConfig, SFTTrainer

train = train.select_columns(["prompt", "completion"])
SFTTrainer(model="MODEL", args=SFTConfig(), train_dataset=train).train()`,
    },
  ],
  limits: [
    'Without the option `roles` turns of the root alone: what child invocations and sub-calls said is not here.',
    'The reward is that of the whole trajectory, also in rows of children and sub-calls.',
  ],

  *rows(trajectory, task, { run, options, leaveOut }) {
    const countCharacters = characterCounter()
    for (const { role, invocation, turn, call } of asked(trajectory, new Set(options.roles))) {
      if (call.error !== null || call.response.text === null) {
        if (role === 'sub-call') leaveOut('sub-calls that failed')
        else countFailed(turn, leaveOut)
        continue
      }
      const characters = countCharacters(call.messages)
      if (options.maxPromptCharacters !== null && characters > options.maxPromptCharacters) {
        leaveOut(tooLong(options.maxPromptCharacters))
        continue
      }
      yield {
        prompt: call.messages,
        completion: [{ role: 'assistant', content: call.response.text }],
        role,
        run_id: trajectory.runId,
        trajectory_id: trajectory.id,
        task_id: task.id,
        rollout: trajectory.rollout,
        invocation_id: invocation.id,
        depth: invocation.depth,
        turn: turn.index,
        turns: invocation.turns.length,
        forced: role !== 'sub-call' && turn.forced,
        reward: trajectory.reward,
        stop_reason: trajectory.stopReason,
        model: call.model,
        protocol: trajectory.protocol.id,
        protocol_hash: trajectory.protocol.hash,
        prompt_characters: characters,
        policy_version: run.policyVersion,
        scripted: call.scripted,
      }
    }
  },
})

type Role = (typeof turnRoles)[number]

/** The calls of these roles: invocation by invocation, its turns, then the sub-calls of its cells. */
function* asked(
  trajectory: Trajectory,
  roles: Set<Role>,
): Generator<{ role: Role; invocation: Invocation; turn: Turn; call: Call }> {
  for (const invocation of trajectory.invocations) {
    const own = invocation.depth === 0 ? 'root' : 'child'
    if (roles.has(own)) {
      for (const turn of invocation.turns) yield { role: own, invocation, turn, call: turn.call }
    }
    if (!roles.has('sub-call')) continue
    for (const turn of invocation.turns) {
      for (const { calls } of turn.cells) {
        // A call that started a child was answered by that child's turns.
        for (const call of calls)
          if (call.invocationId === null) yield { role: 'sub-call', invocation, turn, call }
      }
    }
  }
}
