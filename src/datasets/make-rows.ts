// From what was selected to rows: a recipe is given one trajectory, or all of a task, and what it
// used and left out is counted. One tree is in memory at a time, but for what a group recipe keeps.
import type { CallTokens, Store } from '../store/contract.ts'
import type { Trajectory } from '../trajectory.ts'
import type { RecipeRow } from './arrow.ts'
import type { ChatTokenizer } from './chat-tokenizer.ts'
import type { ContextPlacer } from './contexts.ts'
import type { TrajectorySource } from './read-ahead.ts'
import type { GroupContext, GroupRecipe, Recipe, TrajectoryRecipe } from './recipe.ts'
import type { RecipeOptions } from './recipe-options.ts'
import { rootInvocation } from './looks.ts'
import type { Selected } from './selection.ts'
import type { Split } from './split.ts'
import { type LeftOut, type Outcome, outcomeOf } from './statistics.ts'

const noTokens: ReadonlyMap<string, CallTokens> = new Map()

export interface RowJob {
  store: Store
  /** Where trees and tasks are read; the store itself when not given. */
  source?: TrajectorySource
  recipe: Recipe
  options: RecipeOptions
  threshold: number
  dropSingleTurn: boolean
  contexts: ContextPlacer
  tokenizer: ChatTokenizer | null
  advantages: GroupContext['advantages']
  signal: AbortSignal | undefined
}

/** What a recipe is given at once; at least one trajectory, all of one task. */
export interface Unit {
  index: number
  taskHash: string
  members: Selected[]
}

export interface MadeRows {
  rows: number
  used: Outcome[]
  leftOut: LeftOut[]
}

/** In the order of the selection; a group stands where its first trajectory does. */
export function unitsOf(recipe: Recipe, selected: Selected[]): Unit[] {
  const parts =
    'groupRows' in recipe
      ? [...Map.groupBy(selected, ({ taskHash }) => taskHash).values()]
      : selected.map((one) => [one])
  return parts.map((members, index) => ({ index, taskHash: members[0]?.taskHash ?? '', members }))
}

/** Gives each row of the unit to `add`. */
export async function makeRows(
  job: RowJob,
  unit: Unit,
  split: Split,
  add: (row: RecipeRow) => Promise<void>,
): Promise<MadeRows> {
  const { recipe } = job
  return 'groupRows' in recipe
    ? await fromGroup(job, recipe, unit, split, add)
    : await fromTrajectory(job, recipe, unit, add)
}

async function fromTrajectory(
  job: RowJob,
  recipe: TrajectoryRecipe,
  { members }: Unit,
  add: (row: RecipeRow) => Promise<void>,
): Promise<MadeRows> {
  const made: MadeRows = { rows: 0, used: [], leftOut: [] }
  for (const member of members) {
    const { run, taskId, id } = member
    const task = await (job.source ?? job.store).readTask(run.id, taskId)
    for await (const trajectory of read(job, [{ id }], made)) {
      const context = {
        run,
        options: job.options,
        threshold: job.threshold,
        tokens: recipe.needsTokens ? await (job.source ?? job.store).readTokens(id) : noTokens,
        tokenizer: job.tokenizer,
        leaveOut: (reason: string) => void made.leftOut.push({ reason, ids: [id] }),
      }
      let rows = 0
      for (const row of recipe.rows(trajectory, task, context)) {
        job.signal?.throwIfAborted()
        await add(row)
        rows += 1
      }
      if (rows > 0) made.used.push(outcomeOf(member, trajectory))
      made.rows += rows
    }
  }
  return made
}

async function fromGroup(
  job: RowJob,
  recipe: GroupRecipe,
  { index, members }: Unit,
  split: Split,
  add: (row: RecipeRow) => Promise<void>,
): Promise<MadeRows> {
  const made: MadeRows = { rows: 0, used: [], leftOut: [] }
  const [first] = members
  if (!first) return made
  const task = await (job.source ?? job.store).readTask(first.run.id, first.taskId)
  /** Of the trees that were read; of others the facts of the selection. */
  const outcomes = new Map<string, Outcome>(members.map((member) => [member.id, outcomeOf(member, null)]))
  const byId = new Map(members.map((member) => [member.id, member]))
  async function* readMembers(): AsyncGenerator<Trajectory> {
    for await (const trajectory of read(job, members, made)) {
      const member = byId.get(trajectory.id)
      if (member) outcomes.set(trajectory.id, outcomeOf(member, trajectory))
      yield trajectory
    }
  }
  const context = {
    options: job.options,
    threshold: job.threshold,
    placeContext: job.contexts.place,
    readTokens: (trajectoryId: string) => (job.source ?? job.store).readTokens(trajectoryId),
    readLabels: (trajectoryId: string) => readLabels(job.store, trajectoryId),
    advantages: job.advantages,
    leaveOut: (reason: string, about: { id: string }[]) =>
      void made.leftOut.push({ reason, ids: about.map(({ id }) => id) }),
  }
  const used = new Set<string>()
  for await (const { row, members: of } of recipe.groupRows(
    { index, split, task, members, read: readMembers },
    context,
  )) {
    job.signal?.throwIfAborted()
    await add(row)
    made.rows += 1
    for (const { id } of of) used.add(id)
  }
  made.used.push(...[...used].flatMap((id) => outcomes.get(id) ?? []))
  return made
}

async function readLabels(
  store: Store,
  trajectoryId: string,
): Promise<{ targetId: string; label: string }[]> {
  const found: { targetId: string; label: string }[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Store['listAnnotations']>> = await store.listAnnotations(
      { trajectoryId },
      { limit: 500, cursor },
    )
    for (const { targetId, label } of page.items) if (label !== null) found.push({ targetId, label })
    cursor = page.next
  } while (cursor !== null)
  return found
}

async function* read(job: RowJob, members: { id: string }[], made: MadeRows): AsyncGenerator<Trajectory> {
  for (const { id } of members) {
    job.signal?.throwIfAborted()
    const trajectory = await (job.source ?? job.store).readTrajectory(id)
    if (job.dropSingleTurn && (rootInvocation(trajectory)?.turns.length ?? 0) <= 1) {
      made.leftOut.push({ reason: 'trajectories with a single turn of the root', ids: [id] })
    } else yield trajectory
  }
}
