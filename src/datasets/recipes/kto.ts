// One row per root turn with a verdict on it: the trajectory's reward against a threshold.
import { Bool, Float64, Int32, Utf8 } from 'apache-arrow'
import { defineRecipe, optional, required } from '../recipe.ts'
import { characterCounter, countFailed, responseOf, rootInvocation, tooLong } from '../looks.ts'
import { conversation } from './shapes.ts'

export const kto = defineRecipe({
  name: 'kto',
  version: '1',
  description:
    'One row per root turn with a label: whether its trajectory reached the reward that counts as correct.',
  trainers: ['TRL KTOTrainer (conversational, unpaired)'],
  statuses: ['done'],
  options: ['maxPromptCharacters'],
  needsCells: () => false,
  columns: [
    required('prompt', conversation(), 'The messages exactly as they were sent.'),
    required('completion', conversation(), 'One assistant message: the response exactly as it came.'),
    required('label', new Bool(), 'True when the reward of the trajectory is at least `threshold`.'),
    required('reward', new Float64(), 'Weighted sum of the scores of the whole trajectory.'),
    required('threshold', new Float64(), 'The reward from which a trajectory counts as correct.'),
    required('run_id', new Utf8(), 'The run that collected it.'),
    required('trajectory_id', new Utf8(), 'The rollout it is a turn of.'),
    required('task_id', new Utf8(), 'The id of the task line.'),
    required('rollout', new Int32(), 'Which rollout of its task, from 0.'),
    required('turn', new Int32(), 'Which turn of the root, from 0.'),
    optional('stop_reason', new Utf8(), 'Why the trajectory ended.'),
    required('model', new Utf8(), 'The model that answered, as the server knows it.'),
    required('protocol_hash', new Utf8(), 'Hash of the protocol, its prompts included.'),
    required('scripted', new Bool(), 'True when no model but a script answered: never train on it.'),
  ],
  loading: [
    {
      trainer: 'TRL',
      language: 'python',
      text: `from trl import KTOConfig, KTOTrainer

train = train.select_columns(["prompt", "completion", "label"])
KTOTrainer(model="MODEL", args=KTOConfig(), train_dataset=train).train()`,
    },
  ],
  limits: ['The label is that of the whole trajectory: a good turn of one that failed is labelled false.'],

  *rows(trajectory, task, { options, threshold, leaveOut }) {
    const { reward } = trajectory
    if (reward === null) {
      leaveOut('trajectories without a reward')
      return
    }
    const countCharacters = characterCounter()
    for (const turn of rootInvocation(trajectory)?.turns ?? []) {
      const text = responseOf(turn)
      if (text === null) {
        countFailed(turn, leaveOut)
        continue
      }
      const limit = options.maxPromptCharacters
      if (limit !== null && countCharacters(turn.call.messages) > limit) {
        leaveOut(tooLong(limit))
        continue
      }
      yield {
        prompt: turn.call.messages,
        completion: [{ role: 'assistant', content: text }],
        label: reward >= threshold,
        reward,
        threshold,
        run_id: trajectory.runId,
        trajectory_id: trajectory.id,
        task_id: task.id,
        rollout: trajectory.rollout,
        turn: turn.index,
        stop_reason: trajectory.stopReason,
        model: turn.call.model,
        protocol_hash: trajectory.protocol.hash,
        scripted: turn.call.scripted,
      }
    }
  },
})
