// What Python means by white space and by a line: its `re` and `str.strip` differ from JavaScript's in
// characters that models do write (U+2028, U+FEFF, NEL), and only a line feed ends a line for them.

/** Python's `\s` for str, for use inside a character class. */
export const whitespace =
  '\\t-\\r\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

const leading = new RegExp(`^[${whitespace}]+`)
const trailing = new RegExp(`[${whitespace}]$`)

/** Python's `str.strip()`. */
export function strip(text: string): string {
  const start = leading.exec(text)?.[0].length ?? 0
  let end = text.length
  while (end > start && trailing.test(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}
