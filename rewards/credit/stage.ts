// Credit as a stage of its own: goes through a run's ended trajectories group by group and turns their scores
// into advantages at a level. Memory holds one group, and its trees where the level or the method needs them.
import type { z } from 'zod'
import { UsageError } from '../../src/errors.ts'
import type { Figures, Fork, Store } from '../../src/store/contract.ts'
import type { Score, Trajectory } from '../../src/trajectory.ts'
import { sampleOf } from '../statistics/run.ts'
import { groupsOf } from '../stage.ts'
import { refine, wholeCredit, type Credit } from './levels.ts'
import { creditLevels, type CreditLevel, type RunMethod } from './methods.ts'
import { childrenOf } from './tree.ts'
import { rae } from './rae.ts'
import { rao, type RaoNode } from './rao.ts'
import { monteCarloSteps } from './steps.ts'

export interface CreditStageOptions {
  store: Pick<
    Store,
    | 'listFigures'
    | 'listTrajectories'
    | 'listForks'
    | 'listInvocationScores'
    | 'readTrajectory'
    | 'readTokens'
    | 'readTask'
  >
  runId: string
  method: RunMethod
  /** Parsed by the method's schema. */
  options: Record<string, unknown>
  level: CreditLevel
  /** One reward in place of the weighted sum. */
  reward?: string | undefined
  signal?: AbortSignal
}

/** Errors raised: UsageError for a level that is coarser than the method's, and where RAO has no child scored. */
export async function* creditRun(settings: CreditStageOptions): AsyncGenerator<Credit[]> {
  const { method, level } = settings
  if (creditLevels.indexOf(level) < creditLevels.indexOf(method.from)) {
    const fits = creditLevels.slice(creditLevels.indexOf(method.from)).join(', ')
    throw new UsageError(`--level: ${method.name} speaks of each ${method.from}; choose ${fits}`)
  }
  if (method.kind === 'rae') {
    yield* creditInOrder(settings, method)
    return
  }
  for await (const group of groupsOf(settings)) {
    settings.signal?.throwIfAborted()
    const rewards = group.map((figures) => sampleOf(figures, settings.reward).reward)
    if (method.kind === 'group') {
      const advantages = method.compute(rewards)
      const credits: Credit[] = []
      for (const [index, figures] of group.entries()) {
        const whole = wholeCredit(figures, rewards[index] ?? null, advantages[index] ?? null)
        credits.push(...(await refineStored(settings, whole)))
      }
      yield credits
    } else if (method.kind === 'rao') yield await creditNodes(settings, method, group, rewards)
    else yield await creditSteps(settings, group, rewards)
  }
}

async function refineStored(settings: CreditStageOptions, whole: Credit): Promise<Credit[]> {
  if (settings.level === 'trajectory') return [whole]
  const tree = await settings.store.readTrajectory(whole.trajectoryId)
  return await refineTree(settings, [whole], tree, 'trajectory')
}

async function refineTree(
  { store, level }: CreditStageOptions,
  credits: Credit[],
  tree: Trajectory,
  from: CreditLevel,
): Promise<Credit[]> {
  return await refine(credits, tree, from, level, async () => await store.readTokens(tree.id))
}

type MethodOf<Kind extends RunMethod['kind']> = Extract<RunMethod, { kind: Kind }>

/** RAE has a memory: the rollouts of the whole run, in the order in which they ended. */
async function* creditInOrder(
  settings: CreditStageOptions,
  method: MethodOf<'rae'>,
): AsyncGenerator<Credit[]> {
  const { store, runId } = settings
  const options = settings.options as z.output<typeof method.options>
  const ended: { id: string; taskId: string; rollout: number; endedAt: string; reward: number | null }[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Store['listTrajectories']>> = await store.listTrajectories(runId, {
      limit: 200,
      cursor,
      status: 'done',
    })
    for (const { id, taskId, rollout, endedAt, reward, scores } of page.items) {
      const value = settings.reward === undefined ? reward : valueOf(scores, settings.reward)
      ended.push({ id, taskId, rollout, endedAt: endedAt ?? '', reward: value })
    }
    cursor = page.next
  } while (cursor)
  ended.sort((a, b) => (a.endedAt === b.endedAt ? (a.id < b.id ? -1 : 1) : a.endedAt < b.endedAt ? -1 : 1))
  const roles = new Map<string, string>()
  for (const taskId of options.role === undefined ? [] : new Set(ended.map((row) => row.taskId))) {
    const { metadata } = await store.readTask(runId, taskId)
    roles.set(taskId, JSON.stringify(metadata[options.role ?? ''] ?? null))
  }
  const rollouts = ended.map(({ taskId, reward }) => ({ role: roles.get(taskId) ?? '', reward }))
  const advantages = rae(rollouts, new Map(), options.decay)
  for (const [index, row] of ended.entries()) {
    settings.signal?.throwIfAborted()
    yield await refineStored(settings, wholeCredit(row, row.reward, advantages[index] ?? null))
  }
}

function valueOf(scores: readonly Score[], reward: string): number | null {
  return scores.find((score) => score.reward === reward)?.value ?? null
}

async function creditNodes(
  settings: CreditStageOptions,
  method: MethodOf<'rao'>,
  group: Figures[],
  rewards: (number | null)[],
): Promise<Credit[]> {
  const { store } = settings
  const options = settings.options as z.output<typeof method.options>
  const scores = await store.listInvocationScores(group.map(({ id }) => id))
  const success = new Map(
    scores
      .filter(({ reward }) => options.childReward === undefined || reward === options.childReward)
      .map(({ invocationId, value }) => [invocationId, value]),
  )
  const trees = await Promise.all(group.map(async ({ id }) => await store.readTrajectory(id)))
  const nodes = trees.map((tree, index) => nodesOf(tree, success, rewards[index] ?? null))
  const children = nodes.flat().filter(({ parent }) => parent !== null)
  if (options.lambda > 0 && children.length > 0 && children.every((node) => node.success === null)) {
    const named = options.childReward === undefined ? '' : ` by ${options.childReward}`
    throw new UsageError(
      `rao: no child invocation of task ${group[0]?.taskId} was scored${named}; score them first (subtask_judge does), or leave children out with --options '{lambda: 0}'`,
    )
  }
  const credited = rao(nodes, options.lambda)
  const all: Credit[] = []
  for (const [index, tree] of trees.entries()) {
    const own = (credited[index] ?? []).map((credit, at): Credit => ({
      ...wholeCredit(tree, credit.reward, credit.advantage),
      invocationId: credit.id,
      depth: nodes[index]?.[at]?.depth ?? null,
      weight: credit.weight,
    }))
    all.push(...(await refineTree(settings, own, tree, 'invocation')))
  }
  return all
}

function nodesOf(
  tree: Trajectory,
  success: ReadonlyMap<string, number | null>,
  reward: number | null,
): RaoNode[] {
  const parents = new Map<string, string>()
  for (const [parent, list] of childrenOf(tree.invocations))
    for (const { id } of list) parents.set(id, parent)
  return tree.invocations.map(({ id, depth, parentCellId }) => ({
    id,
    parent: parentCellId === null ? null : (parents.get(id) ?? ''),
    depth,
    success: parentCellId === null ? reward : (success.get(id) ?? null),
  }))
}

/** Forks of any run count; rollouts of the group share no turn with each other. */
async function creditSteps(
  settings: CreditStageOptions,
  group: Figures[],
  rewards: (number | null)[],
): Promise<Credit[]> {
  const forks = Map.groupBy(
    await settings.store.listForks(group.map(({ id }) => id)),
    ({ origin }) => origin.trajectoryId,
  )
  const all: Credit[] = []
  for (const [index, { id }] of group.entries()) {
    const tree = await settings.store.readTrajectory(id)
    const root = tree.invocations.find(({ depth }) => depth === 0)
    if (!root) continue
    const steps = monteCarloSteps(
      root.turns.length,
      rewards[index] ?? null,
      (forks.get(id) ?? []).map((fork) => ({
        turns: fork.origin.turns,
        reward: forkReward(fork, settings.reward),
      })),
      rewards,
    )
    const own = steps.map(({ turn, after, advantage }): Credit => ({
      ...wholeCredit(tree, after, advantage),
      invocationId: root.id,
      depth: 0,
      turnId: root.turns[turn]?.id ?? null,
      turn: root.turns[turn]?.index ?? turn,
    }))
    all.push(...(await refineTree(settings, own, tree, 'turn')))
  }
  return all
}

function forkReward({ scores, reward }: Fork, name: string | undefined): number | null {
  return name === undefined ? reward : valueOf(scores, name)
}
