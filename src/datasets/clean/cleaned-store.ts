// The store as the recipes of a cleaned export see it: trajectories come with their edits, and secrets
// are redacted wherever a text is read. Everything else is the store itself.
import type { Store } from '../../store/contract.ts'
import type { Trajectory } from '../../trajectory.ts'
import type { Cleaned } from './clean.ts'
import { applyEdits } from './edits.ts'
import { createRedactor, redact } from './secrets.ts'

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
  const readTokens: Store['readTokens'] = async (id) => {
    // Token ids of a text that is said otherwise now would be those of another text.
    const edits = await cleaned.editsOf(id)
    if (redacting.size > 0 || edits?.turns.some(({ text }) => text !== undefined)) return new Map()
    return await store.readTokens(id)
  }
  const readTask: Store['readTask'] = async (runId, taskId) => {
    const task = await store.readTask(runId, taskId)
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
  const changed: Partial<Store> = {
    readTrajectory,
    readTokens,
    readTask,
    ...('readTrajectories' in store ? { readTrajectories } : {}),
  }
  return new Proxy(store, {
    get(target, name) {
      const own = changed[name as keyof Store]
      return own ?? (Reflect.get(target, name) as unknown)
    },
  })
}
