// A fresh temporary directory that other users may enter: PostgreSQL does not run as root, and a store
// in a private directory would leave its data in a public place after the directory is gone.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

export async function temporaryDirectory(name: string): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), `descent-${name}-`))
  await chmod(directory, 0o755)
  return directory
}

/** Removes a directory in which a database server may still be writing its last words. */
export async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}
