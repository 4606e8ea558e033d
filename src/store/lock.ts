// A lock between processes on a file, held by the kernel: it is free the moment its holder is dead, so
// no lock is ever stale. SQLite does the locking (the right calls on every platform); nothing is written.
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'

export interface FileLock {
  release(): void
}

/** Takes the lock alone, or returns null when another process (or call) holds it. */
export function tryLock(file: string): FileLock | null {
  const database = new DatabaseSync(file)
  try {
    database.exec('begin exclusive')
  } catch (error) {
    database.close()
    if (isBusy(error)) return null
    throw error
  }
  return { release: () => database.close() }
}

/** Whether some process holds the lock at this moment. */
export function isLocked(file: string): boolean {
  const database = new DatabaseSync(file)
  try {
    database.exec('select 1 from sqlite_schema')
    return false
  } catch (error) {
    if (isBusy(error)) return true
    throw error
  } finally {
    database.close()
  }
}

/** Waits for the lock until `deadline` (milliseconds since the epoch); null when it was not got. */
export async function waitForLock(file: string, deadline: number): Promise<FileLock | null> {
  for (;;) {
    const lock = tryLock(file)
    if (lock) return lock
    if (Date.now() > deadline) return null
    await sleep(20)
  }
}

function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode
  return code !== undefined && (code & 0xff) === 5
}
