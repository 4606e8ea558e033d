// Instants leave the store as ISO 8601 in UTC with milliseconds, whatever the server prints.

export function toIso(instant: string): string
export function toIso(instant: string | null): string | null
export function toIso(instant: string | null): string | null {
  if (instant === null) return null
  // "2026-01-31 12:00:00.12+00", as a server whose zone is UTC prints it; a Date costs ten times as much.
  const printed = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,3}))?\+00$/.exec(instant)
  if (!printed) return new Date(instant).toISOString()
  return `${printed[1]}T${printed[2]}.${(printed[3] ?? '').padEnd(3, '0')}Z`
}
