// Credit methods by name: an explicit list. The group methods give a trajectory's advantage; `rae` keeps a
// baseline per role over time; `rao` gives every node of a tree its own; `inheritAdvantage` spreads a root's
// advantage over its tree and `tokenAdvantages` over tokens; `monteCarloSteps` gives turns their own from forks.
// `creditRun` does any of them over a stored run.
import { UsageError } from '../../src/errors.ts'
import { groupMethods } from './group.ts'
import type { CreditMethod } from './method.ts'

export { drGrpo, drGrpoTokenWeight, groupMethods, grpo, grpoCentered, maxRl, rloo } from './group.ts'
export type { Advantages, CreditMethod, GroupRewards } from './method.ts'
export { refine, type Credit } from './levels.ts'
export { creditLevels, findRunMethod, runMethods, type CreditLevel, type RunMethod } from './methods.ts'
export { rae, type RoleReward } from './rae.ts'
export { rao, type RaoCredit, type RaoNode } from './rao.ts'
export { creditRun, type CreditStageOptions } from './stage.ts'
export { monteCarloSteps, type Fork, type StepCredit } from './steps.ts'
export { inheritAdvantage, tokenAdvantages, type InvocationCredit, type TokenCredit } from './tree.ts'

/** Errors raised: UsageError that lists the names there are. */
export function findCreditMethod(name: string): CreditMethod {
  const method = groupMethods.find((candidate) => candidate.name === name)
  if (method) return method
  const names = groupMethods.map((candidate) => candidate.name).join(', ')
  throw new UsageError(`credit: unknown method ${JSON.stringify(name)}; there are ${names}`)
}
