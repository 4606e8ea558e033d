// `ast.literal_eval` for what data sets hold: texts, numbers, True, False, None, lists and tuples.
// The values keep what `str()` of them gives, since the scorers compare that.
import { floatText } from './text.ts'

export type Literal =
  | { kind: 'text'; value: string; text: string }
  | { kind: 'int'; value: bigint; text: string }
  | { kind: 'float'; value: number; text: string }
  | { kind: 'name'; text: string }
  | { kind: 'list'; items: Literal[]; text: string }

const escapes: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\n': '',
}

const number = /[+-]?(?:\d+(?:_\d+)*)?(?:\.(?:\d+(?:_\d+)*)?)?(?:[eE][+-]?\d+)?/y

/** The value, or null where Python raises. */
export function readLiteral(source: string): Literal | null {
  let at = 0

  function space(): void {
    while (/\s/.test(source[at] ?? '')) at += 1
  }

  function value(): Literal | null {
    space()
    const first = source[at] ?? ''
    if (first === '[' || first === '(') return list(first === '[' ? ']' : ')')
    if (first === "'" || first === '"') return text()
    const name = /(?:True|False|None)\b/y
    name.lastIndex = at
    const word = name.exec(source)?.[0]
    if (word) {
      at += word.length
      return { kind: 'name', text: word }
    }
    return numeral()
  }

  function list(end: string): Literal | null {
    const items: Literal[] = []
    at += 1
    for (;;) {
      space()
      if (source[at] === end) break
      const item = value()
      if (item === null) return null
      items.push(item)
      space()
      if (source[at] === ',') at += 1
      else if (source[at] !== end) return null
    }
    at += 1
    const inner = items.map(representation).join(', ')
    if (end === ']') return { kind: 'list', items, text: `[${inner}]` }
    return { kind: 'list', items, text: items.length === 1 ? `(${inner},)` : `(${inner})` }
  }

  function text(): Literal | null {
    let whole = ''
    // Adjacent texts are one, as in Python.
    while (source[at] === "'" || source[at] === '"') {
      const quote = source[at] ?? ''
      at += 1
      while (source[at] !== quote) {
        const character = source[at]
        if (character === undefined || character === '\n') return null
        at += 1
        whole += character === '\\' ? escaped() : character
      }
      at += 1
      space()
    }
    return { kind: 'text', value: whole, text: whole }
  }

  function escaped(): string {
    const code = /x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})/y
    code.lastIndex = at
    const found = code.exec(source)
    if (found) {
      at += found[0].length
      const [, byte, short, long, octal] = found
      const point = octal ? Number.parseInt(octal, 8) : Number.parseInt(byte ?? short ?? long ?? '', 16)
      return point <= 0x10ffff ? String.fromCodePoint(point) : ''
    }
    const letter = source[at] ?? ''
    at += 1
    return escapes[letter] ?? (/['"\\]/.test(letter) ? letter : `\\${letter}`)
  }

  function numeral(): Literal | null {
    number.lastIndex = at
    const digits = number.exec(source)?.[0] ?? ''
    if (!/\d/.test(digits)) return null
    at += digits.length
    const plain = digits.replaceAll('_', '')
    if (/^[+-]?\d+$/.test(plain)) {
      if (/^[+-]?0+[1-9]/.test(plain)) return null
      const whole = BigInt(plain.replace('+', ''))
      return { kind: 'int', value: whole, text: String(whole) }
    }
    return { kind: 'float', value: Number(plain), text: floatText(Number(plain)) }
  }

  const result = value()
  space()
  return at === source.length ? result : null
}

function representation(item: Literal): string {
  if (item.kind !== 'text') return item.text
  const quote = item.text.includes("'") && !item.text.includes('"') ? '"' : "'"
  const inner = item.text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replaceAll('\r', '\\r')
  return quote + (quote === "'" ? inner.replaceAll("'", "\\'") : inner) + quote
}
