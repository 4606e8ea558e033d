// The fields of a condition: what is known of a trajectory without reading its tree, and of its group,
// the rollouts of one task in one run.
import { type StopReason, stopReasons, type TrajectoryStatus } from '../../trajectory.ts'

export interface GroupFacts {
  /** Mean and highest reward of the rollouts that have one; null when none has. */
  mean: number | null
  max: number | null
  /** How many have a reward, and how many of these are correct. */
  scored: number
  correct: number
}

export interface TrajectoryFacts {
  status: TrajectoryStatus
  stopReason: StopReason | null
  answer: string | null
  reward: number | null
  scores: { reward: string; value: number | null }[]
  turns: number
  cells: number
  calls: number
  inputTokens: number
  outputTokens: number
  costUsd: number | null
  rollout: number
  task: string
  run: string
  model: string
  protocol: string
  /** Depth of the deepest invocation, and cells that ended in an error. */
  depth: number
  errors: number
  group: GroupFacts
}

export type Value = number | string | null

export interface FieldKind {
  name: string
  type: 'number' | 'text'
  /** All values there are, when they can be listed. */
  values?: readonly string[]
  read: (facts: TrajectoryFacts) => Value
}

const statuses: TrajectoryStatus[] = ['pending', 'running', 'done', 'failed']

const fixed: FieldKind[] = [
  number('reward', (facts) => facts.reward),
  number('turns', (facts) => facts.turns),
  number('cells', (facts) => facts.cells),
  number('calls', (facts) => facts.calls),
  number('depth', (facts) => facts.depth),
  number('errors', (facts) => facts.errors),
  number('input_tokens', (facts) => facts.inputTokens),
  number('output_tokens', (facts) => facts.outputTokens),
  number('cost', (facts) => facts.costUsd),
  number('rollout', (facts) => facts.rollout),
  { name: 'stop_reason', type: 'text', values: stopReasons, read: (facts) => facts.stopReason },
  { name: 'status', type: 'text', values: statuses, read: (facts) => facts.status },
  { name: 'answer', type: 'text', read: (facts) => facts.answer },
  { name: 'task', type: 'text', read: (facts) => facts.task },
  { name: 'run', type: 'text', read: (facts) => facts.run },
  { name: 'model', type: 'text', read: (facts) => facts.model },
  { name: 'protocol', type: 'text', read: (facts) => facts.protocol },
  number('group.mean', (facts) => facts.group.mean),
  number('group.max', (facts) => facts.group.max),
  number('group.size', (facts) => facts.group.scored),
]

export const fieldNames = [...fixed.map(({ name }) => name), 'group.pass_at_K', 'score.NAME']

function number(name: string, read: FieldKind['read']): FieldKind {
  return { name, type: 'number', read }
}

/** The field of this name; undefined when there is none. */
export function findField(name: string): FieldKind | undefined {
  const score = /^score\.(.+)$/.exec(name)?.[1]
  if (score !== undefined) {
    return number(name, ({ scores }) => scores.findLast(({ reward }) => reward === score)?.value ?? null)
  }
  const attempts = /^group\.pass_at_([1-9]\d{0,5})$/.exec(name)?.[1]
  if (attempts !== undefined) return number(name, ({ group }) => passAt(Number(attempts), group))
  return fixed.find((field) => field.name === name)
}

/**
 * The chance that at least one of `attempts` rollouts drawn from the group is correct, without bias:
 * 1 - C(wrong, attempts) / C(scored, attempts). Null when the group has fewer with a reward.
 */
export function passAt(attempts: number, { scored, correct }: GroupFacts): number | null {
  if (attempts > scored) return null
  let allWrong = 1
  for (let drawn = 0; drawn < attempts; drawn += 1) {
    allWrong *= Math.max(0, scored - correct - drawn) / (scored - drawn)
  }
  return 1 - allWrong
}
