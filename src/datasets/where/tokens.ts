// The words of a condition, each with its place, so that an error can point at it.
import { UsageError } from '../../errors.ts'

export interface Token {
  kind: 'number' | 'text' | 'word' | 'sign' | 'end'
  text: string
  /** From 1, as people count. */
  position: number
}

const patterns: [Token['kind'] | 'space', RegExp][] = [
  ['space', /\s+/y],
  ['word', /\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?(?![\w.])/y],
  ['number', /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y],
  ['text', /"[^"]*"|'[^']*'/y],
  ['sign', /<=|>=|!=|==|=|<|>|\(|\)|,/y],
  ['word', /[\p{L}_][\p{L}\p{N}_./:@-]*/uy],
]

/** Throws a UsageError that shows where the text cannot be read. */
export function readTokens(source: string): Token[] {
  const tokens: Token[] = []
  let place = 0
  while (place < source.length) {
    const before = place
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = place
      const found = pattern.exec(source)?.[0]
      if (found === undefined) continue
      if (kind !== 'space') tokens.push({ kind, text: found, position: place + 1 })
      place += found.length
      break
    }
    if (place === before) throw whereError(source, place + 1, `"${source[place]}" cannot be read here`)
  }
  tokens.push({ kind: 'end', text: 'the end', position: source.length + 1 })
  return tokens
}

/** One line: the problem, its position, and the condition around it. */
export function whereError(source: string, position: number, problem: string): UsageError {
  const shown = `${source.slice(0, position - 1)}⟨here⟩${source.slice(position - 1)}`
  return new UsageError(`where: ${problem} (position ${position}: ${shown}).`)
}
