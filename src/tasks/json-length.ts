// How many characters Python's `json.dumps(value)` writes, without writing them: separators ", " and
// ": ", non-ASCII escaped, floats as Python prints them. Contexts are counted with it.

/** A number whose text in the file is not what JavaScript would print (`1.0`, `1e3`, 30 digits). */
export class SourceNumber {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown

/** JSON.parse that keeps the text of unusual numbers as `SourceNumber`. Throws a SyntaxError. */
export function parseKeepingNumbers(text: string): unknown {
  return parseWithSource(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && source !== String(value)
      ? new SourceNumber(source)
      : value,
  )
}

/** Code points of a string: Python's `len`. Unpaired surrogates count one each. */
export function codePoints(text: string): number {
  let count = text.length
  for (let index = 0; index < text.length - 1; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit < 0xd800 || unit > 0xdbff) continue
    const after = text.charCodeAt(index + 1)
    if (after >= 0xdc00 && after <= 0xdfff) {
      count -= 1
      index += 1
    }
  }
  return count
}

const shortEscapes = new Set([0x22, 0x5c, 0x0a, 0x0d, 0x09, 0x08, 0x0c])

function stringLength(text: string): number {
  let length = 2
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (shortEscapes.has(unit)) length += 2
    else length += unit >= 0x20 && unit <= 0x7e ? 1 : 6
  }
  return length
}

/** Length of a JSON number as Python reads and writes it back: ints to the digit, floats by `repr`. */
function numberLength(source: string): number {
  if (/^-?\d+$/.test(source)) return source === '-0' ? 1 : source.length
  const value = Number(source)
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity'.length : '-Infinity'.length
  if (value === 0) return source.startsWith('-') ? '-0.0'.length : '0.0'.length
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e')
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= 16) {
    return mantissa.length + 2 + Math.max(2, String(Math.abs(exponent)).length)
  }
  const sign = value < 0 ? 1 : 0
  const digits = mantissa.replace(/[-.]/g, '').length
  if (exponent < 0) return sign + 2 + (-exponent - 1) + digits
  return sign + (digits <= exponent + 1 ? exponent + 3 : digits + 1)
}

/** `len(json.dumps(value))` in Python. */
export function jsonLength(value: unknown): number {
  return lengthWith(stringLength, value)
}

/** `len(str(value))` in Python, of a value that `json.loads` gave. */
export function printedLength(value: unknown): number {
  return typeof value === 'string' ? codePoints(value) : lengthWith(quotedLength, value)
}

const unprintable = /[\p{C}\p{Z}]/u

/** `len(repr(text))`: in single quotes, unless the text has some and no double ones. */
function quotedLength(text: string): number {
  const escapesQuotes = text.includes("'") && text.includes('"')
  let length = 2
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (character === '\\' || (character === "'" && escapesQuotes)) length += 2
    else if (code >= 0x20 && code < 0x7f) length += 1
    else if (code === 0x0a || code === 0x0d || code === 0x09) length += 2
    else if (!unprintable.test(character)) length += 1
    else length += code < 0x100 ? 4 : code < 0x10000 ? 6 : 10
  }
  return length
}

/** The texts differ in their strings only: `True` is as long as `true`, `None` as `null`. */
function lengthWith(ofString: (text: string) => number, value: unknown): number {
  if (value === null || value === true) return 4
  if (value === false) return 5
  if (typeof value === 'string') return ofString(value)
  if (typeof value === 'number') return numberLength(JSON.stringify(value))
  if (value instanceof SourceNumber) return numberLength(value.source)
  if (Array.isArray(value)) {
    let length = 2 + 2 * Math.max(0, value.length - 1)
    for (const item of value) length += lengthWith(ofString, item)
    return length
  }
  if (typeof value !== 'object') throw new TypeError(`not a JSON value: ${typeof value}`)
  const entries = Object.entries(value)
  let length = 2 + 2 * Math.max(0, entries.length - 1)
  for (const [key, item] of entries) length += ofString(key) + 2 + lengthWith(ofString, item)
  return length
}
