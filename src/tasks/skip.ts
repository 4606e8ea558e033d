// What happens to bad rows: refused at the first one, or left out and counted when a person asks so.
import { UsageError } from '../errors.ts'
import type { SkippedRows } from './task.ts'

const shownExamples = 5

export interface BadRows {
  /** Raises a UsageError, or counts the row and returns. */
  refuse(message: string): void
  skipped(): SkippedRows
  reset(): void
}

export function badRows(skip: boolean): BadRows {
  let found: SkippedRows = { count: 0, examples: [] }
  return {
    refuse(message) {
      if (!skip) throw new UsageError(message)
      found.count += 1
      if (found.examples.length < shownExamples) found.examples.push(message)
    },
    skipped: () => found,
    reset() {
      found = { count: 0, examples: [] }
    },
  }
}
