// Numbers as people read them. Absent is an en dash, never 0.

export const absent = '–'

/** 1,234 */
export function formatCount(value: number | null): string {
  return value === null ? absent : value.toLocaleString('en-US')
}

/** 950, 21.4k, 3.81M */
export function formatTokens(value: number | null): string {
  if (value === null) return absent
  if (value < 1000) return String(value)
  const [scaled, unit] = value < 999_500 ? [value / 1000, 'k'] : [value / 1_000_000, 'M']
  return `${scaled < 10 ? scaled.toFixed(2) : scaled < 100 ? scaled.toFixed(1) : Math.round(scaled)}${unit}`
}

/** Milliseconds as 3 ms, 1.84 s, 2 m 05 s, 1 h 12 m */
export function formatDuration(milliseconds: number | null): string {
  if (milliseconds === null) return absent
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`
  const seconds = milliseconds / 1000
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, '0')} s`
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} m`
}

export function formatCost(usd: number | null): string {
  if (usd === null) return absent
  if (usd === 0) return '$0'
  return usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toFixed(usd < 1 ? 3 : 2)}`
}

/** A reward without needless digits: 1, 0.613, -0.5 */
export function formatReward(value: number | null): string {
  return value === null ? absent : String(Math.round(value * 1000) / 1000)
}

/** How far the 95 % interval of a mean reaches either way, by its standard error: ± 0.126 */
export function formatInterval(standardError: number | null): string {
  return standardError === null ? '' : `± ${formatReward(1.96 * standardError)}`
}

/** 7.2/h, 840/h, 21.4k/h */
export function formatPace(perHour: number | null): string {
  if (perHour === null) return absent
  return `${perHour < 10 ? perHour.toFixed(1) : formatTokens(Math.round(perHour))}/h`
}

/** 4 min, 26 h, 9 d */
export function formatAge(since: string, now: number): string {
  const minutes = Math.max(0, (now - Date.parse(since)) / 60_000)
  if (minutes < 1) return 'now'
  if (minutes < 60) return `${Math.floor(minutes)} min`
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h`
  return `${Math.floor(minutes / 1440)} d`
}

/** 2026-11-20 09:14:07 in the reader's time zone. */
export function formatInstant(instant: string | null): string {
  if (instant === null) return absent
  const date = new Date(instant)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

export function elapsed(startedAt: string | null, endedAt: string | null): number | null {
  return startedAt === null || endedAt === null ? null : Date.parse(endedAt) - Date.parse(startedAt)
}

/** `1 turn`, `2 turns` */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** How long a text is: in characters where they are known, else in bytes. */
export function sizeOf(text: { characters: number | null; bytes?: number | undefined }): string {
  if (text.characters !== null) return plural(text.characters, 'character')
  return text.bytes === undefined ? 'a long text' : formatBytes(text.bytes)
}

/** 950 bytes, 21.4 kB, 3.81 MB */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return plural(bytes, 'byte')
  const [scaled, unit] =
    bytes < 999_500 ? [bytes / 1000, 'kB'] : bytes < 999_500_000 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB']
  return `${scaled < 10 ? scaled.toFixed(2) : scaled < 100 ? scaled.toFixed(1) : Math.round(scaled)} ${unit}`
}
