// The contexts of running rollouts as files: written out of the store when the first rollout of a task
// starts, shared by all of them, removed after the last, so that a run of any size needs the disk of
// its concurrency only.
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { newId } from '../src/ids.ts'
import type { ContextFile } from '../src/sandbox.ts'
import type { Store } from '../src/store/contract.ts'
import { unpackContexts } from '../src/tasks/several.ts'
import type { ContextFacts } from '../src/tasks/task.ts'

export interface CachedContext {
  /** Of several contexts, the facts of the last one, as the reference tells them of the newest. */
  facts: ContextFacts
  files: ContextFile[]
}

export interface ContextCache {
  /** Runs `use` with the task's contexts on disk. */
  with<T>(taskHash: string, use: (context: CachedContext) => Promise<T>): Promise<T>
}

interface Entry {
  users: number
  place: string
  ready: Promise<CachedContext>
}

export function createContextCache(store: Store, directory: string): ContextCache {
  const entries = new Map<string, Entry>()

  function load(taskHash: string): Entry {
    // A place of its own: the last rollout of a round may still be removing the one before.
    const place = path.join(directory, newId())
    const write = async () => {
      await mkdir(place, { recursive: true })
      return await writeContexts(store, taskHash, path.join(place, 'context'))
    }
    return { users: 0, place, ready: write() }
  }

  return {
    async with(taskHash, use) {
      const entry = entries.get(taskHash) ?? load(taskHash)
      entries.set(taskHash, entry)
      entry.users += 1
      try {
        return await use(await entry.ready)
      } finally {
        entry.users -= 1
        if (entry.users === 0) {
          entries.delete(taskHash)
          await rm(entry.place, { recursive: true, force: true })
        }
      }
    },
  }
}

/** Writes the contexts of a task to `file`, or beside it when there are several. Errors raised: StoreError. */
export async function writeContexts(store: Store, taskHash: string, file: string): Promise<CachedContext> {
  const { format, type, characters, bytes } = await store.writeContext(taskHash, file)
  if (format !== 'several') {
    const facts = { type: type as ContextFacts['type'], characters }
    return { facts, files: [{ path: file, format, bytes }] }
  }
  const contexts = await unpackContexts(file)
  await rm(file)
  const facts = contexts.at(-1)?.facts ?? { type: 'str', characters: 0 }
  return { facts, files: contexts.map((context) => context.file) }
}
