// One row per turn of the root: the messages exactly as they were sent, and the response exactly as
// it came. The rows of a trajectory follow each other, so that a compressor finds the shared prefixes.
import { Bool, Float64, Int32, Int64, Utf8 } from 'apache-arrow'
import { defineRecipe, optional, required } from '../recipe.ts'
import { characterCounter, conversation, countFailed, rootInvocation, tooLong } from './shapes.ts'

export const sftTurns = defineRecipe({
  name: 'sft-turns',
  version: '1',
  description:
    'One row per root turn: what the policy was shown and what it said, for supervised fine-tuning.',
  trainers: ['TRL SFTTrainer (conversational prompt-completion; loss on the completion)'],
  statuses: ['done'],
  options: ['maxPromptCharacters'],
  columns: [
    required('prompt', conversation(), 'The messages exactly as they were sent.'),
    required('completion', conversation(), 'One assistant message: the response exactly as it came.'),
    required('run_id', new Utf8(), 'The run that collected it.'),
    required('trajectory_id', new Utf8(), 'The rollout it is a turn of.'),
    required('task_id', new Utf8(), 'The id of the task line.'),
    required('rollout', new Int32(), 'Which rollout of its task, from 0.'),
    required('turn', new Int32(), 'Which turn of the root, from 0.'),
    required('turns', new Int32(), 'Turns of the root in this trajectory, those left out included.'),
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
    'Turns of the root alone: what child invocations and sub-calls said is not here (`sft-trajectories` has the children).',
  ],

  *rows(trajectory, task, { run, options, leaveOut }) {
    const turns = rootInvocation(trajectory)?.turns ?? []
    const countCharacters = characterCounter()
    for (const turn of turns) {
      const { call } = turn
      if (call.error !== null || call.response.text === null) {
        countFailed(turn, leaveOut)
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
        run_id: trajectory.runId,
        trajectory_id: trajectory.id,
        task_id: task.id,
        rollout: trajectory.rollout,
        turn: turn.index,
        turns: turns.length,
        forced: turn.forced,
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
