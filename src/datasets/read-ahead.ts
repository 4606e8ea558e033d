// Trees and tasks a batch at a time, the next ones while this one is made into rows: one by one, the way to
// the database and back would cost more than all the rest. What is held are four batches.
import type { Store } from '../store/contract.ts'
import type { Trajectory } from '../trajectory.ts'
import type { Recipe } from './recipe.ts'
import type { RecipeOptions } from './recipe-options.ts'
import type { Selected } from './selection.ts'

const mostTrajectories = 256
/** Of the first batch, and twice as many of each after it: the first rows are made while more is read. */
const firstTrajectories = 32
/** With fewer, the database waits for the rows, and they for it. */
const batchesAhead = 3
/** Sent and received tokens, which count a shared prefix once a turn: an upper bound of some 16 MB of text. */
const mostTokens = 4_000_000
/** Trajectories whose token arrays come in one answer of the store. */
const tokensTogether = 32

export type TrajectorySource = Pick<Store, 'readTrajectory' | 'readTask' | 'readTokens'>

/** What a recipe with these options needs of each trajectory. */
export function readingOf(
  recipe: Recipe,
  options: RecipeOptions,
): { withTokens: boolean; withCells: boolean } {
  return { withTokens: recipe.needsTokens ?? false, withCells: recipe.needsCells?.(options) ?? true }
}

interface Batch {
  start: number
  /** The index after its last member. */
  end: number
  trees: Promise<Map<string, Trajectory>>
}

/**
 * Reads of `members`, mostly in their order; each tree, and its tokens, is given out once, and is read again
 * after that.
 */
export function createReadAhead(
  store: Store,
  members: Selected[],
  { withTokens = false, withCells = true } = {},
): TrajectorySource {
  const parts = { turns: true, cells: withCells }
  const readMany = store.readTrajectories ? (ids: string[]) => store.readTrajectories?.(ids, parts) : null
  const places = new Map(members.map(({ id }, index) => [id, index]))
  const tasks = new Map<string, ReturnType<Store['readTask']>>()
  const arrays = new Map<string, ReturnType<Store['readTokens']>>()
  let current: Batch | null = null
  const ahead: Batch[] = []
  let room = firstTrajectories

  function begin(start: number): Batch | null {
    if (start >= members.length || !readMany) return null
    let end = start
    let tokens = 0
    while (end < members.length && end - start < room && (end === start || tokens < mostTokens)) {
      tokens += members[end]?.tokens ?? 0
      end += 1
    }
    room = Math.min(2 * room, mostTrajectories)
    const batch = members.slice(start, end)
    beginTasks(batch)
    if (withTokens) beginTokens(batch.map(({ id }) => id))
    const trees = Promise.resolve(readMany(batch.map(({ id }) => id))).then(
      (list = []) => new Map(list.map((tree) => [tree.id, tree])),
    )
    // Whoever reads it gets the error.
    trees.catch(() => undefined)
    return { start, end, trees }
  }

  function beginTokens(ids: string[]): void {
    for (let at = 0; at < ids.length; at += tokensTogether) {
      const part = ids.slice(at, at + tokensTogether)
      const reading = store.readTokensOf?.(part)
      reading?.catch(() => undefined)
      for (const [index, id] of part.entries()) {
        const one = reading?.then((list) => list[index] ?? store.readTokens(id)) ?? store.readTokens(id)
        // Whoever asks for it gets the error.
        one.catch(() => undefined)
        arrays.set(id, one)
      }
    }
  }

  function beginTasks(batch: Selected[]): void {
    for (const [runId, of] of Map.groupBy(batch, ({ run }) => run.id)) {
      const ids = [...new Set(of.map(({ taskId }) => taskId))].filter((id) => !tasks.has(`${runId} ${id}`))
      const reading = ids.length > 1 ? store.readTasks?.(runId, ids) : undefined
      reading?.catch(() => undefined)
      for (const [index, id] of ids.entries()) {
        const one = reading?.then((list) => list[index] ?? store.readTask(runId, id))
        if (one) hold(`${runId} ${id}`, one)
        else void taskOf(runId, id)
      }
    }
  }

  function hold(key: string, reading: ReturnType<Store['readTask']>): void {
    // Whoever asks for it gets the error.
    reading.catch(() => undefined)
    tasks.set(key, reading)
    const [oldest] = tasks.keys()
    // Those of the batches before are done with.
    if (oldest !== undefined && tasks.size > (batchesAhead + 2) * mostTrajectories) tasks.delete(oldest)
  }

  function taskOf(runId: string, taskId: string): ReturnType<Store['readTask']> {
    const key = `${runId} ${taskId}`
    const known = tasks.get(key)
    if (known) return known
    const reading = store.readTask(runId, taskId)
    hold(key, reading)
    return reading
  }

  /** Of trees that gave no rows nobody asked for the tokens. */
  function forget(batch: Batch | null | undefined): void {
    for (const { id } of batch ? members.slice(batch.start, batch.end) : []) arrays.delete(id)
  }

  /** To the batch with this member, and the batches after it on their way. */
  function move(place: number): void {
    forget(current)
    while (ahead[0] && place >= ahead[0].end) forget(ahead.shift())
    current = ahead.shift() ?? begin(place)
    while (ahead.length < batchesAhead) {
      const one = begin(ahead.at(-1)?.end ?? current?.end ?? members.length)
      if (!one) return
      ahead.push(one)
    }
  }

  async function take(batch: Batch | null, id: string): Promise<Trajectory | null> {
    const trees = await batch?.trees
    const tree = trees?.get(id) ?? null
    trees?.delete(id)
    return tree
  }

  return {
    readTask: taskOf,
    async readTokens(id) {
      const held = arrays.get(id)
      arrays.delete(id)
      return await (held ?? store.readTokens(id))
    },
    async readTrajectory(id) {
      const place = places.get(id)
      if (place === undefined || !readMany) return await store.readTrajectory(id, parts)
      const held = await take(current, id)
      if (held) return held
      if (current && place < current.end) return await store.readTrajectory(id, parts)
      move(place)
      return (await take(current, id)) ?? (await store.readTrajectory(id, parts))
    },
  }
}
