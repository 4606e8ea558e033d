// JSON in the database, any string included. jsonb refuses NUL and lone surrogates, which models do
// print: such a code unit is written as U+E000 and its four hex digits, and U+E000 itself likewise, so
// that decode(encode(x)) is x for every JSON value. This is the only door for jsonb columns.
const mark = '\uE000'
const unstorable = /[\0\uE000]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g
/** In JSON text, where NUL and lone surrogates (and only these of the surrogates) stand as escapes. */
const suspicious = /\\u0000|\\u[dD][89a-fA-F]|\uE000/
const marked = /\uE000([0-9a-f]{4})/g

/** JSON text that PostgreSQL can hold as jsonb. */
export function encodeJson(value: unknown): string {
  const plain = JSON.stringify(value) ?? 'null'
  return suspicious.test(plain) ? JSON.stringify(mapStrings(JSON.parse(plain), escape)) : plain
}

/** The value that was encoded, from the parsed column. */
export function decodeJson(value: unknown): unknown {
  return holdsMark(value) ? mapStrings(value, unescape) : value
}

function escape(text: string): string {
  return text.replace(unstorable, (unit) => mark + unit.charCodeAt(0).toString(16).padStart(4, '0'))
}

function unescape(text: string): string {
  return text.replace(marked, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

function holdsMark(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(mark)
  if (value === null || typeof value !== 'object') return false
  if (Array.isArray(value)) return value.some(holdsMark)
  return Object.entries(value).some(([key, inner]) => key.includes(mark) || holdsMark(inner))
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map((inner) => mapStrings(inner, change))
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [change(key), mapStrings(inner, change)]),
  )
}
