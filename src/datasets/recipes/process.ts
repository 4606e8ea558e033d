// One row per trajectory with a label on each root turn, for process reward models. A turn is good
// when it ran code and no cell of it failed; a turn without code only when it is the answer.
import { Bool, Field, Float64, Int32, List, Utf8 } from 'apache-arrow'
import type { Trajectory, Turn } from '../../trajectory.ts'
import { defineRecipe, optional, required } from '../recipe.ts'
import { countFailed, responseOf, rootInvocation } from '../looks.ts'

const texts = new List(new Field('element', new Utf8(), true))
const booleans = new List(new Field('element', new Bool(), true))

export const processLabels = defineRecipe({
  name: 'process',
  version: '1',
  description: 'One row per trajectory: the root turns as steps, each labelled by what its code did.',
  trainers: [
    'Axolotl (stepwise_supervised: prompt, completions, labels)',
    'TRL PRMTrainer, in the versions of TRL that have it',
  ],
  statuses: ['done'],
  options: [],
  columns: [
    required('prompt', new Utf8(), 'The first messages to the root (system, then user) as one text.'),
    required('completions', texts, 'The responses of the root, turn by turn.'),
    required(
      'labels',
      booleans,
      'One per completion. Code that ran: true when no cell raised an error or killed the REPL. ' +
        'No code: true for the last turn of a trajectory that answered, else false.',
    ),
    required(
      'observations',
      texts,
      'One per completion: what the root was shown after it; empty after the last one.',
    ),
    optional('reward', new Float64(), 'Weighted sum of the scores; null when not scored.'),
    optional('stop_reason', new Utf8(), 'Why the trajectory ended.'),
    required('run_id', new Utf8(), 'The run that collected it.'),
    required('trajectory_id', new Utf8(), 'Its id.'),
    required('task_id', new Utf8(), 'The id of the task line.'),
    required('rollout', new Int32(), 'Which rollout of its task, from 0.'),
    required('protocol_hash', new Utf8(), 'Hash of the protocol, its prompts included.'),
    required('scripted', new Bool(), 'True when a script answered in place of a model: never train on it.'),
  ],
  loading: [
    {
      trainer: 'Axolotl',
      language: 'yaml',
      text: `process_reward_model: true
datasets:
  - path: DIRECTORY
    name: CONFIG
    split: train
    type: stepwise_supervised`,
    },
    {
      trainer: 'TRL, where it still has a PRMTrainer',
      language: 'python',
      text: `from trl.experimental.prm import PRMConfig, PRMTrainer

train = train.select_columns(["prompt", "completions", "labels"])
PRMTrainer(model=MODEL, processing_class=TOKENIZER, args=PRMConfig(), train_dataset=train).train()`,
    },
  ],
  limits: ['A label says that the code of a turn ran, not that it was of use.'],

  *rows(trajectory, task, { leaveOut }) {
    const turns = rootInvocation(trajectory)?.turns ?? []
    const steps = turns.filter((turn) => responseOf(turn) !== null)
    for (const turn of turns) if (responseOf(turn) === null) countFailed(turn, leaveOut)
    const [first] = steps
    if (!first) return
    yield {
      prompt: first.call.messages.map(({ content }) => content).join('\n\n'),
      completions: steps.map(responseOf),
      labels: steps.map((turn, index) => isGood(turn, index === steps.length - 1, trajectory)),
      observations: steps.map((turn, index) => shownAfter(turn, steps[index + 1])),
      reward: trajectory.reward,
      stop_reason: trajectory.stopReason,
      run_id: trajectory.runId,
      trajectory_id: trajectory.id,
      task_id: task.id,
      rollout: trajectory.rollout,
      protocol_hash: trajectory.protocol.hash,
      scripted: trajectory.scripted,
    }
  },
})

function isGood(turn: Turn, isLast: boolean, trajectory: Trajectory): boolean {
  if (turn.cells.length === 0) return isLast && trajectory.stopReason === 'answered'
  return turn.cells.every((cell) => cell.error === null && cell.death === null)
}

/** The messages of the next prompt behind this turn's response. */
function shownAfter(turn: Turn, next: Turn | undefined): string {
  const added = next?.call.messages.slice(turn.call.messages.length + 1) ?? []
  return added.map(({ content }) => content).join('\n\n')
}
