// Scoring as a stage of its own: goes through a run's ended trajectories group by group, computes the scores
// that are missing, and stores them batch by batch. Stopped anywhere and started again it does what is left;
// run twice it does nothing the second time. Memory holds a page of figures and the trees being scored.
import { setImmediate } from 'node:timers/promises'
import pLimit from 'p-limit'
import { newId } from '../src/ids.ts'
import type { RewardTask } from '../src/reward.ts'
import type { RewardTools } from '../src/reward-tools.ts'
import type { Figures, NewScore, Store, StoredScore } from '../src/store/contract.ts'
import type { Trajectory } from '../src/trajectory.ts'
import type { WeightedReward } from './index.ts'
import { scoreGroup, scoreTrajectory, type ScoreRow } from './score.ts'

export interface StageOptions {
  store: Pick<Store, 'listFigures' | 'readTrajectory' | 'readTask' | 'addScores'>
  runId: string
  rewards: readonly WeightedReward[]
  tools?: RewardTools
  /** Trajectories at once. */
  concurrency: number
  /** Compute what is there already, too. */
  again?: boolean
  /** Only so many trajectories. */
  limit?: number
  /** Compute and report, store nothing. */
  dryRun?: boolean
  onScores?: (figures: Figures, scores: ScoreRow[]) => void
  /** Called after each group. */
  onProgress?: (soFar: StageResult) => void
  signal?: AbortSignal
}

export interface StageResult {
  /** Ended trajectories looked at. */
  trajectories: number
  scored: number
  /** Scores computed, and how many of them are errors. */
  scores: number
  errors: number
  /** Scores that were there. */
  skipped: number
}

const pageSize = 200
const flushAt = 200

/** Errors raised: StoreError; the signal's reason when stopped, after what was computed is stored. */
export async function scoreRun(options: StageOptions): Promise<StageResult> {
  const result: StageResult = { trajectories: 0, scored: 0, scores: 0, errors: 0, skipped: 0 }
  const waiting: NewScore[] = []
  const limit = pLimit(options.concurrency)
  const running = new Set<Promise<void>>()
  const failures: { error: unknown }[] = []

  async function flush(): Promise<void> {
    const rows = waiting.splice(0)
    if (rows.length > 0 && !options.dryRun) await options.store.addScores(rows)
  }

  async function keep(figures: Figures, scores: ScoreRow[]): Promise<void> {
    if (scores.length === 0) return
    result.scores += scores.length
    result.errors += scores.filter(({ value }) => value === null).length
    options.onScores?.(figures, scores)
    const { runId } = options
    waiting.push(...scores.map((score) => ({ ...score, id: newId(), runId, trajectoryId: figures.id })))
    if (waiting.length >= flushAt) await flush()
  }

  async function scoreTask(group: Figures[]): Promise<void> {
    const missing = new Map(group.map((figures) => [figures, missingRewards(figures, group, options)]))
    result.skipped += group.length * options.rewards.length - [...missing.values()].flat().length
    if (![...missing.values()].some((rewards) => rewards.length > 0)) return
    const task = await options.store.readTask(options.runId, group[0]?.taskId ?? '')
    const trees = new Map<string, Trajectory>()
    const needsGroup = [...missing.values()].flat().some(({ bound }) => bound.scoreGroup)
    await Promise.all(
      [...missing].map(([figures, rewards]) =>
        limit(async () => {
          options.signal?.throwIfAborted()
          const own = rewards.filter(({ bound }) => !bound.scoreGroup)
          if (own.length === 0 && !needsGroup) return
          const turns = needsGroup || own.some(({ bound }) => bound.seesTurns)
          const trajectory = await options.store.readTrajectory(figures.id, { turns })
          const scores = await scoreTrajectory(own, task, trajectory, options.tools)
          if (needsGroup) trees.set(figures.id, withScores(trajectory, scores))
          await keep(figures, scores)
        }),
      ),
    )
    if (needsGroup) await scoreAsGroup(group, task, trees, missing)
    result.scored += [...missing.values()].filter((rewards) => rewards.length > 0).length
    options.onProgress?.({ ...result })
  }

  async function scoreAsGroup(
    group: Figures[],
    task: RewardTask,
    trees: Map<string, Trajectory>,
    missing: Map<Figures, readonly WeightedReward[]>,
  ): Promise<void> {
    options.signal?.throwIfAborted()
    const ordered = group.flatMap((figures) => trees.get(figures.id) ?? [])
    const wanted = options.rewards.filter(
      (reward) => reward.bound.scoreGroup && [...missing.values()].some((list) => list.includes(reward)),
    )
    for (const reward of wanted) {
      const rows = await scoreGroup(reward, task, ordered, options.tools)
      for (const [index, row] of rows.entries()) {
        const figures = group[index]
        if (figures && row) await keep(figures, [row])
      }
    }
  }

  try {
    for await (const group of groupsOf(options)) {
      options.signal?.throwIfAborted()
      result.trajectories += group.length
      // As many groups as trajectories are in work: a group may be one rollout.
      if (running.size >= options.concurrency) await Promise.race(running)
      if (failures.length > 0) break
      const work = scoreTask(group)
        .catch((error: unknown) => {
          failures.push({ error })
        })
        .finally(() => running.delete(work))
      running.add(work)
      // Cheap rewards on a fast store never wait for anything: Ctrl-C must be heard between groups.
      await setImmediate()
    }
  } finally {
    await Promise.all(running)
    await flush()
  }
  const [failure] = failures
  if (failure) throw failure.error
  return result
}

/** The ended trajectories of one task after the other; at most `limit` of them in all. */
export async function* groupsOf({
  store,
  runId,
  limit = Infinity,
}: {
  store: Pick<Store, 'listFigures'>
  runId: string
  limit?: number
}): AsyncGenerator<Figures[]> {
  let group: Figures[] = []
  let left = limit
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Store['listFigures']>> = await store.listFigures(runId, {
      limit: pageSize,
      cursor,
    })
    for (const figures of page.items) {
      if (figures.status !== 'done') continue
      if (group.length > 0 && group[0]?.taskId !== figures.taskId) {
        yield group
        group = []
      }
      if (left === 0) break
      left -= 1
      group.push(figures)
    }
    cursor = left === 0 ? null : page.next
  } while (cursor)
  if (group.length > 0) yield group
}

function missingRewards(
  figures: Figures,
  group: Figures[],
  options: StageOptions,
): readonly WeightedReward[] {
  if (options.again) return options.rewards
  return options.rewards.filter(
    (reward) => !figures.scores.some((score) => isValid(score, reward, group.length)),
  )
}

/** The same reward, version, options and weight, with a value; for a group, of as many rollouts. */
function isValid(score: StoredScore, { bound, weight }: WeightedReward, rollouts: number): boolean {
  const isSame =
    score.reward === bound.name && score.version === bound.version && score.optionsHash === bound.optionsHash
  if (!isSame || score.weight !== weight || score.value === null) return false
  return !bound.scoreGroup || score.details?.['rollouts'] === rollouts
}

/** Group rewards see the scores of this pass, which are not in the store yet. */
function withScores(trajectory: Trajectory, scores: ScoreRow[]): Trajectory {
  const ofTree = scores.filter(({ invocationId }) => !invocationId)
  const added = ofTree.map(({ reward, version, value, weight, error, details }) => ({
    reward,
    version,
    value,
    weight,
    error: error ?? null,
    details: details ?? null,
  }))
  const names = new Set(added.map(({ reward }) => reward))
  return {
    ...trajectory,
    scores: [...trajectory.scores.filter(({ reward }) => !names.has(reward)), ...added],
  }
}
