// Page cursors: the sort key of the last row shown, opaque to callers. Paging by key costs the same on
// every page, and rows that are added meanwhile neither repeat nor vanish.
import { UsageError } from '../errors.ts'
import type { Page } from './contract.ts'

type Key = (string | number)[]

const largestPage = 1000

/** The key in a cursor, or null for the first page. Errors raised: UsageError when it is not ours. */
export function readCursor(cursor: string | null | undefined, kind: string, length: number): Key | null {
  if (cursor === null || cursor === undefined || cursor === '') return null
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(parsed) && parsed.length === length + 1 && parsed[0] === kind)
      return parsed.slice(1) as Key
  } catch {
    // Not JSON: not ours.
  }
  throw new UsageError(
    `not a cursor of this list: "${cursor.slice(0, 80)}"; leave it out to begin at the first page`,
    { code: 'bad_cursor' },
  )
}

/** Errors raised: UsageError unless `limit` is a whole number from 1 to 1000. */
export function checkLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= largestPage) return limit
  throw new UsageError(`a page has 1 to ${largestPage} items, not ${limit}`)
}

/** A page of at most `limit` of `rows`, of which one more than that was asked for. */
export function makePage<Row>(rows: Row[], limit: number, kind: string, keyOf: (row: Row) => Key): Page<Row> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  const next = rows.length > limit && last ? encode([kind, ...keyOf(last)]) : null
  return { items, next }
}

function encode(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}
