// Preferences over one root turn: what was shown up to there is the prompt, two responses to it are chosen
// and rejected. Which is better is told by the rewards of two rollouts, by the mean rewards of all that
// went on from each response, by how its code ended, or by the labels of people.
import { Bool, Float64, Int32, Utf8 } from 'apache-arrow'
import { defineRecipe, type GroupContext, optional, required } from '../recipe.ts'
import type { RecipeOptions } from '../recipe-options.ts'
import {
  type Branch,
  type Candidate,
  choosePairs,
  meanReward,
  type Pair,
  placesOf,
  refusalOf,
  samePrompt,
  type Step,
  stepsOf,
  toCandidate,
} from './pairs.ts'
import { characterCounter, responseOf } from '../looks.ts'
import { conversation } from './shapes.ts'

type Verdict = Pair | { reason: string }

export const preference = defineRecipe({
  name: 'preference',
  version: '2',
  description:
    'One row per pair of responses to one prompt: a root turn at which rollouts of a task differ, the better response as chosen.',
  trainers: ['TRL DPOTrainer (conversational preference, explicit prompt)'],
  statuses: ['done'],
  // How code ended, and the ids of cells that people labelled.
  needsCells: ({ pairBy }) => pairBy === 'code' || pairBy === 'label',
  options: ['pairBy', 'minMargin', 'maxLengthRatio', 'pairsPerTask', 'maxPromptCharacters'],
  columns: [
    required('prompt', conversation(), 'The messages that both were sent before they differed.'),
    required('chosen', conversation(), 'One assistant message: the better response.'),
    required('rejected', conversation(), 'One assistant message: the other one.'),
    required(
      'margin',
      new Float64(),
      'Above 0: the difference of the two rewards; 1 when code or labels decided.',
    ),
    optional(
      'chosen_reward',
      new Float64(),
      'Mean reward of the trajectories that said `chosen` there; of the one trajectory with `pairBy: rollout`.',
    ),
    optional('rejected_reward', new Float64(), 'Likewise of `rejected`.'),
    required('chosen_rollouts', new Int32(), 'How many trajectories said `chosen` there.'),
    required('rejected_rollouts', new Int32(), 'How many said `rejected`.'),
    required('pair_by', new Utf8(), 'What told which is better: rollout, value, code or label.'),
    required('turn', new Int32(), 'The root turn at which they differ, from 0.'),
    required('task_id', new Utf8(), 'The id of the task line.'),
    required('chosen_run_id', new Utf8(), 'The run of `chosen`: of the first that said it.'),
    required('rejected_run_id', new Utf8(), 'The run of `rejected`, likewise.'),
    required('chosen_trajectory_id', new Utf8(), 'The trajectory of `chosen`, likewise.'),
    required('rejected_trajectory_id', new Utf8(), 'The trajectory of `rejected`, likewise.'),
    required('protocol_hash', new Utf8(), 'Hash of the protocol, its prompts included: the same in both.'),
    required('scripted', new Bool(), 'True when a script answered in either: never train on it.'),
  ],
  loading: [
    {
      trainer: 'TRL',
      language: 'python',
      text: `from trl import DPOConfig, DPOTrainer

train = train.select_columns(["prompt", "chosen", "rejected"])
DPOTrainer(model="MODEL", args=DPOConfig(), train_dataset=train).train()`,
    },
  ],
  limits: [
    'With `pair_by` rollout, a pair is of whole trajectories: what made one better may have come after the turn in which they differ.',
  ],

  async *groupRows({ task, read }, context) {
    const { options, leaveOut } = context
    const byReward = options.pairBy === 'rollout' || options.pairBy === 'value'
    const candidates: Candidate[] = []
    for await (const trajectory of read()) {
      if (byReward && trajectory.reward === null) leaveOut('trajectories without a reward', [trajectory])
      else candidates.push(toCandidate(trajectory))
    }
    const pairs: Pair[] = []
    for await (const { verdict, about } of verdictsOn(candidates, context)) {
      if ('reason' in verdict) leaveOut(verdict.reason, about)
      else pairs.push(verdict)
    }
    const taken = new Set(choosePairs(pairs, options.pairsPerTask))
    for (const pair of pairs) {
      if (!taken.has(pair))
        leaveOut(`pairs above ${options.pairsPerTask} of a task, or the same as another`, membersOf(pair))
    }
    for (const pair of taken) {
      const { chosen, rejected } = pair
      const [first] = chosen.members
      const [second] = rejected.members
      if (!first || !second) continue
      const { turn } = chosen.step
      const row = {
        prompt: turn.call.messages,
        chosen: [{ role: 'assistant', content: responseOf(turn) }],
        rejected: [{ role: 'assistant', content: responseOf(rejected.step.turn) }],
        margin: pair.margin,
        chosen_reward: pair.chosenReward,
        rejected_reward: pair.rejectedReward,
        chosen_rollouts: chosen.members.length,
        rejected_rollouts: rejected.members.length,
        pair_by: options.pairBy,
        turn: turn.index,
        task_id: task.id,
        chosen_run_id: first.runId,
        rejected_run_id: second.runId,
        chosen_trajectory_id: first.id,
        rejected_trajectory_id: second.id,
        protocol_hash: first.protocolHash,
        scripted: turn.call.scripted || rejected.step.turn.call.scripted,
      }
      yield { row, members: membersOf(pair) }
    }
  },
})

function membersOf({ chosen, rejected }: Pair): Candidate[] {
  return [...chosen.members, ...rejected.members]
}

/** On each two rollouts, or on each two responses to one prompt; with the trajectories that it is about. */
async function* verdictsOn(
  candidates: Candidate[],
  context: GroupContext,
): AsyncGenerator<{ verdict: Verdict; about: Candidate[] }> {
  const { options } = context
  const countCharacters = characterCounter()
  if (options.pairBy === 'rollout') {
    for (const [index, one] of candidates.entries()) {
      for (const other of candidates.slice(index + 1))
        yield { verdict: judgeRollouts(one, other, options, countCharacters), about: [one, other] }
    }
    return
  }
  const worth = options.pairBy === 'label' ? await labelWorth(candidates, context) : worthBy[options.pairBy]
  for (const branches of placesOf(candidates)) {
    for (const [index, one] of branches.entries()) {
      for (const other of branches.slice(index + 1)) {
        const [left, right] = [worth(one), worth(other)]
        const about = [...one.members, ...other.members]
        if (left === null || right === null) {
          yield { verdict: { reason: unknown[options.pairBy] }, about }
          continue
        }
        const [chosen, rejected] = left >= right ? [one, other] : [other, one]
        yield { verdict: toPair(chosen, rejected, Math.abs(left - right), options, countCharacters), about }
      }
    }
  }
}

const worthBy = {
  value: ({ members }: Branch) => meanReward(members),
  code(branch: Branch) {
    const [ending, ...others] = new Set(stepsOf(branch).map((step) => step.ending))
    return ending === undefined || ending === 'none' || others.length > 0 ? null : Number(ending === 'ran')
  },
}

const unknown = {
  value: 'pairs without a reward',
  code: 'pairs of which one ran no code, or not always with the same end',
  label: 'pairs of which one has no label good or bad, or both',
}

/** 1 for a turn that people labelled good, 0 for bad: themselves, their cells or their call. */
async function labelWorth(
  candidates: Candidate[],
  { readLabels }: GroupContext,
): Promise<(branch: Branch) => number | null> {
  const labels = new Map<string, Set<string>>()
  for (const { id } of candidates) {
    for (const { targetId, label } of await readLabels(id))
      labels.set(targetId, (labels.get(targetId) ?? new Set()).add(label))
  }
  const of = ({ ids }: Step) => new Set(ids.flatMap((id) => [...(labels.get(id) ?? [])]))
  return (branch) => {
    const said = new Set(stepsOf(branch).flatMap((step) => [...of(step)]))
    return said.has('good') === said.has('bad') ? null : Number(said.has('good'))
  }
}

function judgeRollouts(
  one: Candidate,
  other: Candidate,
  options: RecipeOptions,
  countCharacters: ReturnType<typeof characterCounter>,
): Verdict {
  const [chosen, rejected] = (one.reward ?? 0) >= (other.reward ?? 0) ? [one, other] : [other, one]
  const margin = (chosen.reward ?? 0) - (rejected.reward ?? 0)
  const low = lowMargin(margin, options)
  if (low !== null) return { reason: low }
  const place = firstDifference(chosen.steps, rejected.steps)
  if (typeof place === 'string') return { reason: place }
  const [first, second] = [chosen.steps[place], rejected.steps[place]]
  if (!first || !second) return { reason: 'pairs of which one ends where the other goes on' }
  const better = { step: first, members: [chosen] }
  const worse = { step: second, members: [rejected] }
  return toPair(better, worse, margin, options, countCharacters)
}

function toPair(
  chosen: Branch,
  rejected: Branch,
  margin: number,
  options: RecipeOptions,
  countCharacters: ReturnType<typeof characterCounter>,
): Verdict {
  const reason =
    lowMargin(margin, options) ?? refusalOf(chosen.step.turn, rejected.step.turn, options, countCharacters)
  if (reason !== null) return { reason }
  const [chosenReward, rejectedReward] = [meanReward(chosen.members), meanReward(rejected.members)]
  return { chosen, rejected, chosenReward, rejectedReward, margin }
}

const equal: Record<RecipeOptions['pairBy'], string> = {
  rollout: 'pairs of equal reward',
  value: 'pairs of equal mean reward',
  code: 'pairs whose code ended alike',
  label: 'pairs with the same label',
}

function lowMargin(margin: number, { minMargin, pairBy }: RecipeOptions): string | null {
  if (!(margin > 0)) return equal[pairBy]
  return margin < minMargin ? `pairs with a margin below ${minMargin}` : null
}

/** The index of the turn with the same prompt and another response, or why there is none. */
function firstDifference(a: Step[], b: Step[]): number | string {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [left, right] = [a[index]?.turn, b[index]?.turn]
    if (!left || !right) return 'pairs of which one ends where the other goes on'
    if (!samePrompt(left, right))
      return 'pairs that were shown different things before they said different things'
    const [said, heard] = [responseOf(left), responseOf(right)]
    if (said === null || heard === null) return 'pairs with a failed call before they differ'
    if (said !== heard) return index
  }
  return 'pairs that say the same'
}
