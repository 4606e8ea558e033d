// Identifiers of rows: UUID version 7 (RFC 9562), so that they sort by the time they were made.
import { createHash } from 'node:crypto'
import { v7 } from 'uuid'

export function newId(): string {
  return v7()
}

/**
 * The id of a row that has a fixed place below another one: always the same for the same place, so that
 * a resumed trajectory writes the rows that it wrote before. UUID version 8 (RFC 9562): the first 48 bits
 * are the parent's, which keeps the rows of a trajectory together in an index; the rest is a hash.
 */
export function deriveId(parent: string, ...place: (string | number)[]): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([parent, ...place]))
    .digest('hex')
  const variant = (8 + (Number.parseInt(hash[3] ?? '0', 16) % 4)).toString(16)
  return `${parent.slice(0, 13)}-8${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`
}

export function isId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text)
}

/** The last eight characters of an id: its random part, short enough to read aloud. */
export function shortId(id: string): string {
  return id.slice(-8)
}
