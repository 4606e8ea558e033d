// Values of rows made small enough to look at: texts and lists up to a limit, and the places where something
// was cut. Pure; the result is JSON.
import type { Json } from '../../json.ts'

export interface CutLimits {
  /** UTF-16 units of each text. */
  characters: number
  /** Items of each list. */
  items: number
}

export interface CutRow {
  values: Record<string, Json>
  /** Places of what was cut: a column, or a path in it such as `prompt.0.content`. */
  cut: string[]
}

/**
 * 64-bit integers become numbers where these hold them and texts where they do not; NaN and infinities,
 * which JSON lacks, texts; instants ISO 8601.
 */
export function cutRow(row: Record<string, unknown>, limits: CutLimits): CutRow {
  const cut: string[] = []
  const values = Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, cutValue(value, name, limits, cut)]),
  )
  return { values, cut }
}

function cutValue(value: unknown, place: string, limits: CutLimits, cut: string[]): Json {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') {
    if (value.length <= limits.characters) return value
    cut.push(place)
    const last = value.charCodeAt(limits.characters - 1)
    return value.slice(0, last >= 0xd800 && last <= 0xdbff ? limits.characters - 1 : limits.characters)
  }
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const list = Array.isArray(value) ? (value as unknown[]) : Array.from(value as Int32Array)
    if (list.length > limits.items) cut.push(place)
    return list.slice(0, limits.items).map((item, index) => cutValue(item, `${place}.${index}`, limits, cut))
  }
  if (typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, cutValue(inner, `${place}.${name}`, limits, cut)]),
    )
  }
  return null
}
