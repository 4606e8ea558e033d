// The store as the recipes of a cleaned export see it: trajectories come with their edits, and secrets
// are redacted wherever a text is read. Everything else is the store itself.
import type { Store } from '../../store/contract.ts'
import type { Trajectory } from '../../trajectory.ts'
import type { Cleaned } from './clean.ts'
import { applyEdits } from './edits.ts'
import { createRedactor, redact } from './secrets.ts'
import { redactContext } from './task-secrets.ts'

export function cleanedStore(store: Store, cleaned: Cleaned): Store {
  const { redacting } = cleaned
  async function edit(trajectory: Trajectory): Promise<Trajectory> {
    const edits = await cleaned.editsOf(trajectory.id)
    const edited = edits ? applyEdits(trajectory, edits) : trajectory
    return redacting.size > 0 ? createRedactor(redacting)(edited) : edited
  }
  const readTrajectory: Store['readTrajectory'] = async (id) => await edit(await store.readTrajectory(id))
  const readTrajectories: NonNullable<Store['readTrajectories']> = async (ids) =>
    await Promise.all(((await store.readTrajectories?.(ids)) ?? []).map(edit))
  // Token ids of a text that is said otherwise now would be those of another text.
  async function isSaidOtherwise(id: string): Promise<boolean> {
    const edits = await cleaned.editsOf(id)
    return redacting.size > 0 || (edits?.turns.some(({ text }) => text !== undefined) ?? false)
  }
  const readTokens: Store['readTokens'] = async (id) =>
    (await isSaidOtherwise(id)) ? new Map() : await store.readTokens(id)
  const readTokensOf: NonNullable<Store['readTokensOf']> = async (ids) => {
    const found = (await store.readTokensOf?.(ids)) ?? []
    return await Promise.all(
      found.map(async (tokens, index) => ((await isSaidOtherwise(ids[index] ?? '')) ? new Map() : tokens)),
    )
  }
  const readTask: Store['readTask'] = async (runId, taskId) => redactTask(await store.readTask(runId, taskId))
  const readTasks: NonNullable<Store['readTasks']> = async (runId, taskIds) =>
    ((await store.readTasks?.(runId, taskIds)) ?? []).map(redactTask)

  function redactTask(task: Awaited<ReturnType<Store['readTask']>>) {
    if (redacting.size === 0) return task
    const copy = createRedactor(redacting)
    const { prompt, answer, metadata } = task
    return {
      ...task,
      prompt: redact(prompt, redacting).text,
      answer: copy(answer),
      metadata: copy(metadata),
    }
  }
  const writeContext: Store['writeContext'] = async (hash, path) => {
    const facts = await store.writeContext(hash, path)
    if (redacting.size === 0) return facts
    return { ...facts, ...(await redactContext(path, facts.format, redacting)) }
  }
  const changed: Partial<Store> = {
    readTrajectory,
    readTokens,
    readTask,
    writeContext,
    ...(store.readTrajectories ? { readTrajectories } : {}),
    ...(store.readTokensOf ? { readTokensOf } : {}),
    ...(store.readTasks ? { readTasks } : {}),
  }
  return new Proxy(store, {
    get(target, name) {
      const own = changed[name as keyof Store]
      return own ?? (Reflect.get(target, name) as unknown)
    },
  })
}
