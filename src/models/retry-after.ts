// Reads how long a server asks to wait (RFC 9110, 10.2.3).

/** Milliseconds that `Retry-After` or `retry-after-ms` asks to wait; null when absent. `now`: epoch milliseconds. */
export function retryAfter(
  headers: { get(name: string): string | null } | undefined,
  now: number,
): number | null {
  const exact = headers?.get('retry-after-ms')
  if (exact && Number.isFinite(Number(exact))) return Math.max(0, Number(exact))
  const value = headers?.get('retry-after')
  if (!value) return null
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}
