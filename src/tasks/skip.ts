// What happens to bad rows: refused at the first one, or left out and counted when a person asks so.
import { UsageError } from '../errors.ts'
import type { SkippedRows } from './task.ts'

const shownExamples = 5

export interface BadRows {
  /** Raises a UsageError, or counts the row and returns. The place is looked up only to be told. */
  refuse: (place: () => Promise<string>, message: string) => Promise<void>
  skipped: () => SkippedRows
  reset: () => void
}

export function badRows(skip: boolean): BadRows {
  let found: SkippedRows = { count: 0, examples: [] }
  return {
    async refuse(place, message) {
      if (!skip) throw new UsageError(`${await place()}: ${message}`)
      found.count += 1
      if (found.examples.length < shownExamples) found.examples.push(`${await place()}: ${message}`)
    },
    skipped: () => found,
    reset() {
      found = { count: 0, examples: [] }
    },
  }
}
