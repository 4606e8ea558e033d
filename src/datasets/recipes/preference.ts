// Pairs of trajectories of one task that differ in reward, as preferences over the first root turn at
// which they differ: what both were shown up to there is the prompt. For forks of one trajectory this
// is the turn after the shared ones.
import { Bool, Float64, Int32, Utf8 } from 'apache-arrow'
import type { Trajectory, Turn } from '../../trajectory.ts'
import { defineRecipe, required } from '../recipe.ts'
import type { RecipeOptions } from '../recipe-options.ts'
import { characterCounter, conversation, responseOf, rootInvocation, sameMessage, tooLong } from './shapes.ts'

/** A trajectory without what pairs do not need: its cells and sub-calls. */
interface Candidate {
  id: string
  runId: string
  reward: number
  rollout: number
  protocolHash: string
  turns: Turn[]
}

interface Pair {
  chosen: Candidate
  rejected: Candidate
  margin: number
  first: Turn
  second: Turn
}

type Verdict = { pair: Pair } | { reason: string }

export const preference = defineRecipe({
  name: 'preference',
  version: '1',
  description:
    'One row per pair of rollouts of a task: the first root turn at which they differ, the better one as chosen.',
  trainers: ['TRL DPOTrainer (conversational preference, explicit prompt)'],
  statuses: ['done'],
  options: ['minMargin', 'maxLengthRatio', 'pairsPerTask', 'maxPromptCharacters'],
  columns: [
    required('prompt', conversation(), 'The messages that both were sent before they differed.'),
    required('chosen', conversation(), 'One assistant message: the response of the better trajectory.'),
    required('rejected', conversation(), 'One assistant message: the response of the other one.'),
    required('margin', new Float64(), 'Difference of the rewards: above 0.'),
    required('chosen_reward', new Float64(), 'Reward of the whole trajectory of `chosen`.'),
    required('rejected_reward', new Float64(), 'Reward of the whole trajectory of `rejected`.'),
    required('turn', new Int32(), 'The root turn at which they differ, from 0.'),
    required('task_id', new Utf8(), 'The id of the task line.'),
    required('chosen_run_id', new Utf8(), 'The run of `chosen`.'),
    required('rejected_run_id', new Utf8(), 'The run of `rejected`.'),
    required('chosen_trajectory_id', new Utf8(), 'The trajectory of `chosen`.'),
    required('rejected_trajectory_id', new Utf8(), 'The trajectory of `rejected`.'),
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
    'A pair is of whole trajectories: what made one better may have come after the turn in which they first differ.',
  ],

  async *groupRows({ task, read }, { options, leaveOut }) {
    const candidates: Candidate[] = []
    for await (const trajectory of read()) {
      const { reward } = trajectory
      if (reward === null) leaveOut('trajectories without a reward', [trajectory])
      else candidates.push(toCandidate(trajectory, reward))
    }
    const countCharacters = characterCounter()
    const pairs: Pair[] = []
    for (const [index, one] of candidates.entries()) {
      for (const other of candidates.slice(index + 1)) {
        const verdict = judge(one, other, options, countCharacters)
        if ('pair' in verdict) pairs.push(verdict.pair)
        else leaveOut(verdict.reason, [one, other])
      }
    }
    const taken = choose(pairs, options.pairsPerTask)
    for (const { chosen, rejected } of pairs.filter((pair) => !taken.includes(pair))) {
      leaveOut(`pairs above ${options.pairsPerTask} of a task, or the same as another`, [chosen, rejected])
    }
    for (const { chosen, rejected, margin, first, second } of taken) {
      const row = {
        prompt: first.call.messages,
        chosen: [{ role: 'assistant', content: responseOf(first) }],
        rejected: [{ role: 'assistant', content: responseOf(second) }],
        margin,
        chosen_reward: chosen.reward,
        rejected_reward: rejected.reward,
        turn: first.index,
        task_id: task.id,
        chosen_run_id: chosen.runId,
        rejected_run_id: rejected.runId,
        chosen_trajectory_id: chosen.id,
        rejected_trajectory_id: rejected.id,
        protocol_hash: chosen.protocolHash,
        scripted: first.call.scripted || second.call.scripted,
      }
      yield { row, members: [chosen, rejected] }
    }
  },
})

function toCandidate(trajectory: Trajectory, reward: number): Candidate {
  const turns = (rootInvocation(trajectory)?.turns ?? []).map((turn) => ({ ...turn, cells: [] }))
  const { id, runId, rollout, protocol } = trajectory
  return { id, runId, rollout, reward, protocolHash: protocol.hash, turns }
}

function judge(
  one: Candidate,
  other: Candidate,
  options: RecipeOptions,
  countCharacters: ReturnType<typeof characterCounter>,
): Verdict {
  const [chosen, rejected] = one.reward >= other.reward ? [one, other] : [other, one]
  const margin = chosen.reward - rejected.reward
  if (!(margin > 0)) return { reason: 'pairs of equal reward' }
  if (margin < options.minMargin) return { reason: `pairs with a margin below ${options.minMargin}` }
  const turn = firstDifference(chosen.turns, rejected.turns)
  if (typeof turn === 'string') return { reason: turn }
  const first = chosen.turns[turn]
  const second = rejected.turns[turn]
  if (!first || !second) return { reason: 'pairs of which one ends where the other goes on' }
  const limit = options.maxPromptCharacters
  if (limit !== null && countCharacters(first.call.messages) > limit) return { reason: tooLong(limit) }
  const lengths = [first, second].map((one_) => Math.max(1, (responseOf(one_) ?? '').length))
  const ratio = Math.max(...lengths) / Math.min(...lengths)
  if (options.maxLengthRatio !== null && ratio > options.maxLengthRatio) {
    return { reason: `pairs with a length ratio above ${options.maxLengthRatio}` }
  }
  return { pair: { chosen, rejected, margin, first, second } }
}

/** The index of the turn with the same prompt and another response, or why there is none. */
function firstDifference(a: Turn[], b: Turn[]): number | string {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [left, right] = [a[index], b[index]]
    if (!left || !right) return 'pairs of which one ends where the other goes on'
    const { messages } = left.call
    const shared =
      messages.length === right.call.messages.length &&
      messages.every((message, place) => sameMessage(message, right.call.messages[place]))
    if (!shared) return 'pairs that were shown different things before they said different things'
    const [said, heard] = [responseOf(left), responseOf(right)]
    if (said === null || heard === null) return 'pairs with a failed call before they differ'
    if (said !== heard) return index
  }
  return 'pairs that say the same'
}

/** Each text pair once; trajectories that are in few pairs come first, then wide margins. */
function choose(pairs: Pair[], most: number): Pair[] {
  const texts = new Set<string>()
  const unique = pairs.filter(({ first, second }) => {
    const key = JSON.stringify([
      first.index,
      first.call.messages.length,
      responseOf(first),
      responseOf(second),
    ])
    return texts.size < texts.add(key).size
  })
  const uses = new Map<string, number>()
  const used = ({ chosen, rejected }: Pair) => (uses.get(chosen.id) ?? 0) + (uses.get(rejected.id) ?? 0)
  const left = unique.toSorted((a, b) => b.margin - a.margin)
  const taken: Pair[] = []
  while (taken.length < most && left.length > 0) {
    const best = left.reduce((least, pair) => (used(pair) < used(least) ? pair : least))
    left.splice(left.indexOf(best), 1)
    for (const { id } of [best.chosen, best.rejected]) uses.set(id, (uses.get(id) ?? 0) + 1)
    taken.push(best)
  }
  return taken
}
