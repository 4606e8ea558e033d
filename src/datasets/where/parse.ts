// A condition over trajectories, from text: comparisons (chains too: `0 < group.mean < 1`), `is null`,
// `in (…)`, `not`, `and`, `or` and parentheses. A comparison with a value that is not there is false.
import { comparisons, instantOf, meets, valuesOf } from './compare.ts'
import { fieldNames, findField, type FieldKind, type TrajectoryFacts, type Value } from './fields.ts'
import { readTokens, type Token, whereError } from './tokens.ts'

export interface Condition {
  /** As it was written. */
  text: string
  matches(facts: TrajectoryFacts): boolean
  /** What has to be read of a trajectory, beside the lists, before it can be matched. */
  needs?: ReadonlySet<'task' | 'tree'>
}

type Test = (facts: TrajectoryFacts) => boolean
type Needs = Set<'task' | 'tree'>
type Operand = { token: Token; field: FieldKind | null; read: (facts: TrajectoryFacts) => Value | Value[] }

const reserved = ['and', 'or', 'not', 'is', 'in', 'null']

/**
 * The conditions that must all hold: the parts between the outermost `and`, in their order, so that
 * each can be counted. Throws a UsageError that names the position and what is known.
 */
export function parseWhere(source: string): Condition[] {
  const tokens = readTokens(source)
  let next = 0
  let needs: Needs = new Set()
  const peek = (): Token => tokens[next] ?? { kind: 'end', text: 'the end', position: source.length + 1 }
  function take(): Token {
    const token = peek()
    next += 1
    return token
  }
  const isWord = (word: string) => peek().kind === 'word' && peek().text.toLowerCase() === word
  const isSign = (sign: string) => peek().kind === 'sign' && peek().text === sign
  function takeWord(word: string): boolean {
    if (!isWord(word)) return false
    next += 1
    return true
  }
  function takeSign(sign: string): boolean {
    if (!isSign(sign)) return false
    next += 1
    return true
  }
  function fail(token: Token, problem: string): never {
    throw whereError(source, token.position, problem)
  }
  function expectSign(sign: string): void {
    if (!takeSign(sign)) fail(peek(), `"${sign}" is missing before ${shown(peek())}`)
  }

  function either(): Test {
    const first = all()
    const others: Test[] = []
    while (takeWord('or')) others.push(all())
    return others.length === 0 ? first : (facts) => [first, ...others].some((test) => test(facts))
  }
  function all(): Test {
    const tests = [negation()]
    while (takeWord('and')) tests.push(negation())
    return (facts) => tests.every((test) => test(facts))
  }
  function negation(): Test {
    if (takeWord('not')) {
      const inner = negation()
      return (facts) => !inner(facts)
    }
    if (!takeSign('(')) return comparison()
    const inner = either()
    expectSign(')')
    return inner
  }
  function comparison(): Test {
    const first = operand()
    if (takeWord('is')) {
      const negative = takeWord('not')
      if (!takeWord('null')) fail(peek(), `after "is" comes "null" or "not null", not ${shown(peek())}`)
      requireField(first)
      return (facts) => (valuesOf(first.read(facts)).length === 0) !== negative
    }
    const absent = isWord('not') && tokens[next + 1]?.text.toLowerCase() === 'in' && takeWord('not')
    if (takeWord('in')) return membership(first, absent)
    const tests: Test[] = []
    let left = first
    while (peek().kind === 'sign' && Object.hasOwn(comparisons, peek().text)) {
      const sign = take()
      const right = operand()
      tests.push(compare(left, sign, right))
      left = right
    }
    if (tests.length === 0) {
      if (first.field === null) requireField(first)
      fail(peek(), `a comparison (= != < <= > >=, is null, in) is missing before ${shown(peek())}`)
    }
    return (facts) => tests.every((test) => test(facts))
  }
  function membership(first: Operand, absent: boolean): Test {
    requireField(first)
    expectSign('(')
    const values: Operand[] = []
    do values.push(operand())
    while (takeSign(','))
    expectSign(')')
    for (const value of values) checkTypes(first, value)
    return (facts) => {
      const found = first.read(facts)
      if (found === null) return false
      return values.some((value) => meets(found, '=', value.read(facts))) !== absent
    }
  }
  function operand(): Operand {
    const token = take()
    if (token.kind === 'number') return { token, field: null, read: () => Number(token.text) }
    if (token.kind === 'text') return { token, field: null, read: () => token.text.slice(1, -1) }
    if (token.kind !== 'word' || reserved.includes(token.text.toLowerCase())) {
      fail(token, `a field, a number or a text is missing before ${shown(token)}`)
    }
    const field = findField(token.text)
    if (field) {
      if (field.needs) needs.add(field.needs)
      return { token, field, read: field.read }
    }
    return { token, field: null, read: () => token.text }
  }
  function requireField({ token, field }: Operand): void {
    if (!field) fail(token, `"${token.text}" is not a field; the fields are ${fieldNames.join(', ')}`)
  }
  function compare(left: Operand, sign: Token, right: Operand): Test {
    if (!left.field && !right.field) requireField(left.token.kind === 'word' ? left : right)
    checkTypes(left, right)
    const type = left.field?.type ?? right.field?.type
    if (type === 'text' && !/^(=|==|!=)$/.test(sign.text)) {
      fail(sign, `"${sign.text}" is for numbers; a text is compared with = != or in`)
    }
    return (facts) => meets(left.read(facts), sign.text, right.read(facts))
  }
  function checkTypes(left: Operand, right: Operand): void {
    for (const [one, other] of [
      [left, right],
      [right, left],
    ] as const) {
      const { field } = one
      if (!field) continue
      if (field.type === 'any') continue
      if (other.field) {
        if (other.field.type !== 'any' && other.field.type !== field.type)
          fail(other.token, `${field.name} cannot be compared with ${other.field.name}`)
        continue
      }
      const isNumber = other.token.kind === 'number'
      if (field.type === 'time') {
        const instant = isNumber ? null : instantOf(other.token.text)
        if (instant === null)
          fail(
            other.token,
            `${field.name} is a time: compare it with a date, such as 2026-11-23 or "2026-11-23T09:30Z"`,
          )
        other.read = () => instant
        continue
      }
      if (field.type === 'number' && !isNumber) {
        const known = other.token.kind === 'word' ? `; the fields are ${fieldNames.join(', ')}` : ''
        fail(
          other.token,
          `${field.name} is a number, ${shown(other.token)} is neither a number nor a field${known}`,
        )
      }
      if (field.type === 'text' && isNumber)
        fail(other.token, `${field.name} is a text: write "${other.token.text}" in quotes`)
      const given = other.read({} as TrajectoryFacts)
      if (field.values && !field.values.some((value) => value === given)) {
        fail(
          other.token,
          `${field.name} is never ${shown(other.token)}; it is one of ${field.values.join(', ')}`,
        )
      }
    }
  }

  const conditions: Condition[] = []
  const parts: { test: Test; from: number; to: number; needs: Needs }[] = []
  let from = peek().position - 1
  let test = negation()
  const begin = from
  let alternatives = false
  for (;;) {
    parts.push({
      test,
      needs,
      from,
      to: (tokens[next - 1]?.position ?? 1) - 1 + (tokens[next - 1]?.text.length ?? 0),
    })
    if (isWord('or')) {
      alternatives = true
      break
    }
    if (!takeWord('and')) break
    needs = new Set()
    from = peek().position - 1
    test = negation()
  }
  if (alternatives) {
    // `and` binds closer than `or`: what was read is the first alternative of one whole condition.
    const first = parts.map((part) => part.test)
    const others: Test[] = []
    while (takeWord('or')) others.push(all())
    const matches: Test = (facts) => first.every((one) => one(facts)) || others.some((one) => one(facts))
    const together = new Set([...parts.flatMap((part) => [...part.needs]), ...needs])
    conditions.push({ text: source.slice(begin).trim(), matches, needs: together })
  } else {
    for (const part of parts) {
      conditions.push({ text: source.slice(part.from, part.to), matches: part.test, needs: part.needs })
    }
  }
  if (peek().kind !== 'end')
    fail(peek(), `${shown(peek())} is not expected here; join conditions with and, or`)
  return conditions
}

function shown(token: Token): string {
  return token.kind === 'end' ? 'the end' : `"${token.text.replaceAll(/^["']|["']$/g, '')}"`
}
