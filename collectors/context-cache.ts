// The contexts of running rollouts as files: written out of the store when the first rollout of a task
// starts, shared by all of them, removed after the last, so that a run of any size needs the disk of
// its concurrency only.
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { ContextFile } from '../src/sandbox.ts'
import type { Store } from '../src/store/contract.ts'
import type { ContextFacts } from '../src/tasks/task.ts'

export interface CachedContext {
  facts: ContextFacts
  file: ContextFile
}

export interface ContextCache {
  /** Runs `use` with the task's context on disk. */
  with<T>(taskHash: string, use: (context: CachedContext) => Promise<T>): Promise<T>
}

export function createContextCache(store: Store, directory: string): ContextCache {
  const entries = new Map<string, { users: number; ready: Promise<CachedContext> }>()

  async function load(taskHash: string): Promise<CachedContext> {
    await mkdir(directory, { recursive: true })
    const file = path.join(directory, taskHash)
    const { format, type, characters, bytes } = await store.writeContext(taskHash, file)
    return { facts: { type: type as ContextFacts['type'], characters }, file: { path: file, format, bytes } }
  }

  return {
    async with(taskHash, use) {
      const entry = entries.get(taskHash) ?? { users: 0, ready: load(taskHash) }
      entries.set(taskHash, entry)
      entry.users += 1
      try {
        return await use(await entry.ready)
      } finally {
        entry.users -= 1
        if (entry.users === 0) {
          entries.delete(taskHash)
          await rm(path.join(directory, taskHash), { force: true })
        }
      }
    },
  }
}
