// A condition over the rows of a dataset, in the words of the selection language: comparisons (chains too),
// `is null`, `in (…)`, `contains`, `not`, `and`, `or` and parentheses, over the columns that the dataset has.
// It becomes an expression with numbered values: what a client wrote is never part of a statement.
import { instantOf } from '../where/compare.ts'
import { readTokens, type Token, whereError } from '../where/tokens.ts'
import { type Column, type ColumnKind, containsExpression, findColumn, type FoundColumn } from './sql.ts'

export interface RowFilter {
  expression: string
  /** Of `$1`, `$2` and so on. */
  values: (string | number | boolean)[]
}

interface Operand {
  token: Token
  column: FoundColumn | null
}

const signs = ['=', '==', '!=', '<', '<=', '>', '>=']
const reserved = ['and', 'or', 'not', 'is', 'in', 'null', 'contains']
const deepest = 100

/** Throws a UsageError that names the position and what is known. */
export function parseRowFilter(source: string, columns: Column[]): RowFilter {
  const tokens = readTokens(source)
  const values: RowFilter['values'] = []
  let next = 0
  let depth = 0
  const peek = (): Token => tokens[next] ?? { kind: 'end', text: 'the end', position: source.length + 1 }
  const take = (): Token => {
    const token = peek()
    next += 1
    return token
  }
  const isWord = (word: string, token = peek()) => token.kind === 'word' && token.text.toLowerCase() === word
  const isSign = (sign: string) => peek().kind === 'sign' && peek().text === sign
  const takeWord = (word: string): boolean => isWord(word) && take() !== null
  const takeSign = (sign: string): boolean => isSign(sign) && take() !== null
  function fail(token: Token, problem: string): never {
    throw whereError(source, token.position, problem)
  }
  function bind(value: string | number | boolean): string {
    values.push(value)
    return `$${values.length}`
  }

  function either(): string {
    const parts = [all()]
    while (takeWord('or')) parts.push(all())
    return parts.length === 1 ? (parts[0] ?? '') : `(${parts.join(' or ')})`
  }
  function all(): string {
    const parts = [negation()]
    while (takeWord('and')) parts.push(negation())
    return parts.length === 1 ? (parts[0] ?? '') : `(${parts.join(' and ')})`
  }
  function negation(): string {
    depth += 1
    if (depth > deepest) fail(peek(), `a condition may be ${deepest} parentheses deep`)
    const read = (): string => {
      if (takeWord('not')) return `(not ${negation()})`
      if (!takeSign('(')) return comparison()
      const inner = either()
      if (!takeSign(')')) fail(peek(), `")" is missing before ${shown(peek())}`)
      return inner
    }
    const expression = read()
    depth -= 1
    return expression
  }
  function comparison(): string {
    const first = operand()
    if (takeWord('is')) {
      const negative = takeWord('not')
      if (!takeWord('null')) fail(peek(), `after "is" comes "null" or "not null", not ${shown(peek())}`)
      return `(${columnOf(first).expression} is ${negative ? 'not ' : ''}null)`
    }
    if (takeWord('contains')) return containing(first)
    const absent = isWord('not') && isWord('in', tokens[next + 1]) && takeWord('not')
    if (takeWord('in')) return membership(first, absent)
    const tests: string[] = []
    let left = first
    while (peek().kind === 'sign' && signs.includes(peek().text)) {
      const sign = take()
      const right = operand()
      tests.push(compare(left, sign, right))
      left = right
    }
    if (tests.length === 0) {
      columnOf(first)
      fail(peek(), `a comparison (= != < <= > >=, contains, is null, in) is missing before ${shown(peek())}`)
    }
    return `coalesce(${tests.join(' and ')}, false)`
  }
  function containing(first: Operand): string {
    const { expression, duckType } = columnOf(first)
    const text = take()
    if (text.kind === 'end' || text.kind === 'sign') fail(text, `a text is missing before ${shown(text)}`)
    return containsExpression(expression, duckType, bind(textOf(text).toLowerCase()))
  }
  function membership(first: Operand, absent: boolean): string {
    const column = columnOf(first)
    if (!takeSign('(')) fail(peek(), `"(" is missing before ${shown(peek())}`)
    const list: string[] = []
    do list.push(valueFor(take(), column, first.token))
    while (takeSign(','))
    if (!takeSign(')')) fail(peek(), `")" is missing before ${shown(peek())}`)
    return `coalesce(${column.expression} ${absent ? 'not ' : ''}in (${list.join(', ')}), false)`
  }
  function operand(): Operand {
    const token = take()
    if (token.kind === 'number' || token.kind === 'text') return { token, column: null }
    if (token.kind !== 'word' || reserved.includes(token.text.toLowerCase()))
      fail(token, `a column, a number or a text is missing before ${shown(token)}`)
    const [name = ''] = token.text.split('.')
    if (!columns.some((column) => column.name === token.text || column.name === name))
      return { token, column: null }
    return { token, column: findColumn(columns, token.text, (problem) => fail(token, problem)) }
  }
  function columnOf({ token, column }: Operand): FoundColumn {
    return column ?? findColumn(columns, token.text, (problem) => fail(token, problem))
  }
  function compare(left: Operand, sign: Token, right: Operand): string {
    const column = left.column ?? right.column
    if (!column) return columnOf(left.token.kind === 'word' ? left : right).expression
    const written = sign.text === '==' ? '=' : sign.text
    if (column.kind !== 'number' && column.kind !== 'time' && !/^!?=$/.test(written))
      fail(sign, `"${sign.text}" is for numbers and times; a text is compared with = != in or contains`)
    if (left.column && right.column && left.column.kind !== right.column.kind)
      fail(right.token, `${left.token.text} cannot be compared with ${right.token.text}`)
    const about = left.column ? left.token : right.token
    const side = (one: Operand) => one.column?.expression ?? valueFor(one.token, column, about)
    return `${side(left)} ${written} ${side(right)}`
  }
  function valueFor(token: Token, { kind }: { kind: ColumnKind }, about: Token): string {
    if (token.kind === 'end' || token.kind === 'sign')
      fail(token, `a value is missing before ${shown(token)}`)
    const text = textOf(token)
    if (kind === 'nested')
      fail(token, `${about.text} is no single value: use contains, or name a field of it`)
    if (kind === 'text') return bind(text)
    if (kind === 'flag') {
      if (!/^(?:true|false)$/i.test(text)) fail(token, `${about.text} is true or false, not ${shown(token)}`)
      return bind(text.toLowerCase() === 'true')
    }
    if (kind === 'number') {
      if (token.kind !== 'number') fail(token, `${about.text} is a number, ${shown(token)} is none`)
      return bind(Number(text))
    }
    const instant = token.kind === 'number' ? null : instantOf(text)
    if (instant === null) fail(token, `${about.text} is a time: compare it with a date, such as 2026-11-23`)
    return `to_timestamp(${bind(instant / 1000)})`
  }

  const expression = either()
  if (peek().kind !== 'end')
    fail(peek(), `${shown(peek())} is not expected here; join conditions with and, or`)
  return { expression, values }
}

function textOf(token: Token): string {
  return token.kind === 'text' ? token.text.slice(1, -1) : token.text
}

function shown(token: Token): string {
  return token.kind === 'end' ? 'the end' : `"${textOf(token)}"`
}
