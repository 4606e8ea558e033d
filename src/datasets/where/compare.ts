// What the signs of a condition mean. A comparison with a value that is not there is false; of a field
// with several values one has to meet it, and none of them may for `!=`.
import type { Value } from './fields.ts'

export const comparisons: Record<string, (a: number | string, b: number | string) => boolean> = {
  '=': isEqual,
  '==': isEqual,
  '!=': (a, b) => !isEqual(a, b),
  '<': (a, b) => bothNumbers(a, b) && a < b,
  '<=': (a, b) => bothNumbers(a, b) && a <= b,
  '>': (a, b) => bothNumbers(a, b) && a > b,
  '>=': (a, b) => bothNumbers(a, b) && a >= b,
}

/** Metadata may hold the text "3" where the condition says 3. */
function isEqual(a: number | string, b: number | string): boolean {
  return typeof a === typeof b ? a === b : String(a) === String(b)
}

function bothNumbers(a: number | string, b: number | string): boolean {
  return typeof a === 'number' && typeof b === 'number'
}

export function valuesOf(value: Value | Value[]): (number | string)[] {
  return (Array.isArray(value) ? value : [value]).filter((one) => one !== null)
}

export function meets(left: Value | Value[], sign: string, right: Value | Value[]): boolean {
  const compare = comparisons[sign]
  if (!compare) return false
  const several = Array.isArray(left) || Array.isArray(right)
  if (sign === '!=' && several) return left !== null && right !== null && !meets(left, '=', right)
  return valuesOf(left).some((a) => valuesOf(right).some((b) => compare(a, b)))
}

/** Milliseconds since 1970 of a date as people write it, in UTC unless it says otherwise; else null. */
export function instantOf(text: string): number | null {
  const plain = text.replaceAll(/^["']|["']$/g, '').replace(' ', 'T')
  if (!/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/.test(plain)) return null
  const zoned = plain.includes('T') && !/(?:Z|[+-]\d\d:\d\d)$/.test(plain) ? `${plain}Z` : plain
  const instant = Date.parse(zoned)
  return Number.isNaN(instant) ? null : instant
}
