// Paths that are removed when the tests of a file have ended: a server may still be writing there until then.
// Test files share one process and one copy of each module, so a helper's own `afterAll` would run after the
// first file that loads it and never again; clean-up.ts, which vitest runs for each file, calls this.
import { rm } from 'node:fs/promises'

let paths: string[] = []

/** Removes this path too after the file's tests. */
export function removeLater(path: string): void {
  paths.push(path)
}

export async function removeLeftOver(): Promise<void> {
  const left = paths
  paths = []
  for (const path of left) await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
}
