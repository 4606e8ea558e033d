// The credit methods that a run can be given, by name: an explicit list. Each says from which level its
// advantages come; they are carried down to finer levels, never up.
import { z } from 'zod'
import { UsageError } from '../../src/errors.ts'
import { groupMethods } from './group.ts'
import type { Advantages, GroupRewards } from './method.ts'

/** From the coarsest to the finest. */
export const creditLevels = ['trajectory', 'invocation', 'turn', 'token'] as const
export type CreditLevel = (typeof creditLevels)[number]

interface MethodFacts {
  name: string
  version: string
  description: string
  source: string
  /** The coarsest level at which it says anything. */
  from: CreditLevel
}

export type RunMethod = MethodFacts &
  (
    | { kind: 'group'; options: typeof noOptions; compute: (rewards: GroupRewards) => Advantages }
    | { kind: 'rae'; options: typeof raeOptions }
    | { kind: 'rao'; options: typeof raoOptions }
    | { kind: 'steps'; options: typeof noOptions }
  )

const noOptions = z.strictObject({})
const raeOptions = z.strictObject({
  decay: z.number().min(0).lt(1).default(0.95).meta({ description: 'α of the moving baseline.' }),
  role: z.string().min(1).optional().meta({
    description: 'The metadata field of the task that is the role; without it all rollouts have one role.',
  }),
})
const raoOptions = z.strictObject({
  lambda: z.number().min(0).default(0.4).meta({ description: 'Weight of the delegation bonus.' }),
  childReward: z.string().min(1).optional().meta({
    description:
      'The reward whose scores of invocations are the successes of children; else the newest of any.',
  }),
})

export const runMethods: readonly RunMethod[] = [
  ...groupMethods.map(
    (method) => ({ ...method, kind: 'group', from: 'trajectory', options: noOptions }) as const,
  ),
  {
    kind: 'rae',
    name: 'rae',
    version: '1',
    description: 'Reward minus a moving baseline of its role, in the order in which rollouts ended.',
    source: 'arXiv 2506.24119',
    from: 'trajectory',
    options: raeOptions,
  },
  {
    kind: 'rao',
    name: 'rao',
    version: '1',
    description: 'Every invocation by its own success and that of its children, minus the other rollouts.',
    source: 'arXiv 2605.06639',
    from: 'invocation',
    options: raoOptions,
  },
  {
    kind: 'steps',
    name: 'monte_carlo',
    version: '1',
    description: 'Every root turn by how forks of it before and after end.',
    source: 'arXiv 2410.01679',
    from: 'turn',
    options: noOptions,
  },
]

/** Errors raised: UsageError that lists the methods there are. */
export function findRunMethod(name: string): RunMethod {
  const method = runMethods.find((candidate) => candidate.name === name)
  if (method) return method
  const names = runMethods.map((candidate) => candidate.name).join(', ')
  throw new UsageError(`--method: unknown method ${JSON.stringify(name)}; there are ${names}`)
}
