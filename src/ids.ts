// Identifiers of rows: UUID version 7 (RFC 9562), so that they sort by the time they were made.
import { v7 } from 'uuid'

export function newId(): string {
  return v7()
}

export function isId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text)
}

/** The last eight characters of an id: its random part, short enough to read aloud. */
export function shortId(id: string): string {
  return id.slice(-8)
}
