// The contexts of tasks in an export: files beside the data, text inside the rows, or nowhere. A
// context is written once, whatever the number of tasks and runs that have it.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import type { Store } from '../store/contract.ts'
import type { Target } from './directory.ts'
import type { RecipeOptions } from './recipe-options.ts'

export interface ContextFile {
  /** Relative to the directory. */
  path: string
  bytes: number
  sha256: string
}

export interface ContextPlacer {
  place: (task: { hash: string }) => Promise<{ path: string | null; text: string | null }>
  /** What was written, in the order of writing. */
  files: (ContextFile & { partial: string })[]
}

export function createContextPlacer(
  store: Store,
  target: Target,
  mode: RecipeOptions['contexts'],
  earlier: ContextPlacer['files'] = [],
): ContextPlacer {
  const files: ContextPlacer['files'] = [...earlier]
  const placed = new Map(files.map(({ path }) => [/[\da-f]+(?=\.\w+$)/.exec(path)?.[0] ?? '', path]))
  async function place({ hash }: { hash: string }) {
    if (mode === 'none') return { path: null, text: null }
    const known = placed.get(hash)
    if (known !== undefined) return { path: known, text: null }
    const partial = target.partial(`contexts/${hash}`)
    const facts = await store.writeContext(hash, partial)
    if (mode === 'inline') {
      const text = await readFile(partial, 'utf8')
      await rm(partial)
      return { path: null, text }
    }
    const path = `contexts/${hash}.${facts.format === 'json' ? 'json' : 'txt'}`
    files.push({ path, partial, bytes: facts.bytes, sha256: await hashFile(partial) })
    placed.set(hash, path)
    return { path, text: null }
  }
  return { place, files }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
