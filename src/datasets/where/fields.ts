// The fields of a condition: their names, their types and where their values come from.
import type { Json } from '../../json.ts'
import { stopReasons, type TrajectoryStatus } from '../../trajectory.ts'
import type { GroupFacts, TrajectoryFacts } from './facts.ts'

export type { GroupFacts, TrajectoryFacts } from './facts.ts'

export type Value = number | string | null

export interface FieldKind {
  name: string
  /** `time`: milliseconds since 1970, compared with a date. `any`: a number or a text, as it was given. */
  type: 'number' | 'text' | 'time' | 'any'
  /** All values there are, when they can be listed. */
  values?: readonly string[]
  /** Of a field with several values, all of them. */
  read: (facts: TrajectoryFacts) => Value | Value[]
  /** What has to be read for it beside the lists of trajectories. */
  needs?: 'task' | 'tree'
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
  number('tokens', (facts) => facts.inputTokens + facts.outputTokens),
  number('cost', (facts) => facts.costUsd),
  number('seconds', ({ startedAt, endedAt }) =>
    startedAt && endedAt ? (Date.parse(endedAt) - Date.parse(startedAt)) / 1000 : null,
  ),
  number('rollout', (facts) => facts.rollout),
  { name: 'stop_reason', type: 'text', values: stopReasons, read: (facts) => facts.stopReason },
  { name: 'status', type: 'text', values: statuses, read: (facts) => facts.status },
  {
    name: 'scripted',
    type: 'text',
    values: ['yes', 'no'],
    read: ({ scripted }) => (scripted ? 'yes' : 'no'),
  },
  text('answer', (facts) => facts.answer),
  text('trajectory', (facts) => facts.id),
  text('task', (facts) => facts.task),
  text('run', (facts) => facts.run),
  text('run_id', (facts) => facts.runId),
  text('model', (facts) => facts.model),
  text('protocol', (facts) => facts.protocol),
  text('policy_version', (facts) => facts.policyVersion),
  text('tag', (facts) => facts.tags),
  time('started', (facts) => facts.startedAt),
  time('ended', (facts) => facts.endedAt),
  { ...text('taskset', (facts) => facts.taskFacts?.taskset ?? null), needs: 'task' },
  { ...number('context_characters', (facts) => facts.taskFacts?.contextCharacters ?? null), needs: 'task' },
  { ...number('prompt_characters', (facts) => facts.tree?.promptCharacters ?? null), needs: 'tree' },
  { ...number('root_turns', (facts) => facts.tree?.rootTurns ?? null), needs: 'tree' },
  { ...number('sub_calls', (facts) => facts.tree?.subCalls ?? null), needs: 'tree' },
  { ...number('failed_calls', (facts) => facts.tree?.failedCalls ?? null), needs: 'tree' },
  number('group.mean', (facts) => facts.group.mean),
  number('group.min', (facts) => facts.group.min),
  number('group.max', (facts) => facts.group.max),
  number('group.size', (facts) => facts.group.scored),
]

export const fieldNames = [...fixed.map(({ name }) => name), 'group.pass_at_K', 'score.NAME', 'metadata.KEY']

function number(name: string, read: FieldKind['read']): FieldKind {
  return { name, type: 'number', read }
}

function text(name: string, read: FieldKind['read']): FieldKind {
  return { name, type: 'text', read }
}

function time(name: string, read: (facts: TrajectoryFacts) => string | null): FieldKind {
  return {
    name,
    type: 'time',
    read(facts) {
      const instant = read(facts)
      return instant === null ? null : Date.parse(instant)
    },
  }
}

/** The field of this name; undefined when there is none. */
export function findField(name: string): FieldKind | undefined {
  const score = /^score\.(.+)$/.exec(name)?.[1]
  if (score !== undefined) {
    return number(name, ({ scores }) => scores.findLast(({ reward }) => reward === score)?.value ?? null)
  }
  const attempts = /^group\.pass(?:_at_|At)([1-9]\d{0,5})$/.exec(name)?.[1]
  if (attempts !== undefined) return number(name, ({ group }) => passAt(Number(attempts), group))
  const key = /^metadata\.(.+)$/.exec(name)?.[1]
  if (key !== undefined) {
    return {
      name,
      type: 'any',
      needs: 'task',
      read: ({ taskFacts }) => metadataValue(taskFacts?.metadata[key]),
    }
  }
  return fixed.find((field) => field.name === name)
}

/** A list gives each of its elements; true and false are texts; an object has no value to compare. */
function metadataValue(value: Json | undefined): Value | Value[] {
  if (Array.isArray(value)) return value.map((element) => metadataValue(element)).flat()
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'string' || typeof value === 'number' ? value : null
}

/**
 * The chance that at least one of `attempts` rollouts drawn from the group is correct, without bias:
 * 1 - C(wrong, attempts) / C(scored, attempts). Null when the group has fewer with a reward.
 */
export function passAt(
  attempts: number,
  { scored, correct }: Pick<GroupFacts, 'scored' | 'correct'>,
): number | null {
  if (attempts > scored) return null
  let allWrong = 1
  for (let drawn = 0; drawn < attempts; drawn += 1) {
    allWrong *= Math.max(0, scored - correct - drawn) / (scored - drawn)
  }
  return 1 - allWrong
}
