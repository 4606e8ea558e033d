// Python's notion of text, where it differs from JavaScript's and a ported scorer depends on it: which
// characters are white space, what `int()` reads, how `str()` writes a number.

// What `str.isspace` holds true: unlike `\s` with the separators 1c to 1f and 85, and without the BOM.
const spaces = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`
const edges = new RegExp(`^[${spaces}]+|[${spaces}]+$`, 'g')
const runs = new RegExp(`[${spaces}]+`)

/** `str.strip()`. */
export function strip(text: string): string {
  return text.replaceAll(edges, '')
}

/** `str.split()` without an argument: no empty parts. */
export function words(text: string): string[] {
  return text.split(runs).filter((part) => part !== '')
}

/** `len(text)`: code points. */
export function length(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** `int(text)`, or null where Python raises: white space around, a sign, single underscores inside. */
export function readInt(text: string): bigint | null {
  const found = /^([+-]?)(\p{Nd}+(?:_\p{Nd}+)*)$/u.exec(strip(text))
  if (!found) return null
  const digits = Array.from((found[2] ?? '').replaceAll('_', ''), digitValue).join('')
  return BigInt(digits) * (found[1] === '-' ? -1n : 1n)
}

/** Decimal digits of every script stand in blocks of ten that begin at a zero. */
function digitValue(digit: string): number {
  const code = digit.codePointAt(0) ?? 0
  if (code < 128) return code - 48
  let zero = code
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1
  // Blocks that touch one another (mathematical digits) begin at 1d7ce.
  return code >= 0x1d7ce && code <= 0x1d7ff ? (code - 0x1d7ce) % 10 : code - zero
}

/** `0.75 ** abs(a - b)`; 0 where Python raises because the difference is too large for a float. */
export function powerOfDistance(a: bigint, b: bigint): number {
  const distance = a > b ? a - b : b - a
  return 0.75 ** Number(distance)
}

/** `repr` of a float: a whole one keeps its `.0`, exponents have a sign and two digits. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const size = Math.abs(value)
  if (value !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  }
  // JavaScript writes 1e16 to 1e21 and 1e-4 to 1e-6 without an exponent, as Python does below 1e16.
  const text = String(value)
  return /[.e]/.test(text) ? text : Object.is(value, -0) ? '-0.0' : `${text}.0`
}

/** `round(value, digits)`: half to even on the exact binary value. */
export function roundPython(value: number, digits: number): number {
  // toFixed works on the exact value and rounds halves up; an exact half is then taken to even.
  const scaled = value * 10 ** digits
  const floor = Math.floor(scaled)
  if (scaled - floor === 0.5 && Number.isInteger(value * 2 ** 20)) {
    return (floor % 2 === 0 ? floor : floor + 1) / 10 ** digits
  }
  return Number(value.toFixed(digits))
}
