// A date text cut into words, numbers and single signs, as `dateutil`'s lexer cuts it: a dot or comma
// inside a number or between words is kept until it is known whether it separates or is a decimal point.
import { strip } from './text.ts'

const isLetter = (character: string) => /^\p{L}$/u.test(character)
const isDigit = (character: string) => /^\p{Nd}$/u.test(character)
const isSpace = (character: string) => strip(character) === ''

export function dateTokens(text: string): string[] {
  const tokens: string[] = []
  const characters = Array.from(text.replaceAll('\0', ''))
  let at = 0
  while (at < characters.length) {
    const end = tokenEnd(characters, at)
    const token = characters.slice(at, end.at).join('')
    tokens.push(...settle(isSpace(token) ? ' ' : token, end))
    at = end.at
  }
  return tokens
}

interface End {
  at: number
  /** Letters `a`, digits `0`, or either with a dot: what the token was when it ended. */
  state: '' | 'a' | '0' | 'a.' | '0.'
  letters: boolean
}

function tokenEnd(characters: string[], start: number): End {
  const first = characters[start] ?? ''
  let state: End['state'] = isLetter(first) ? 'a' : isDigit(first) ? '0' : ''
  let letters = false
  let at = start + 1
  for (; state !== '' && at < characters.length; at += 1) {
    const next = characters[at] ?? ''
    const afterDot = characters[at - 1] === '.'
    if (state.startsWith('a')) letters = true
    if (state === 'a') {
      if (next === '.') state = 'a.'
      else if (!isLetter(next)) break
    } else if (state === '0') {
      if (next === '.' || (next === ',' && at - start >= 2)) state = '0.'
      else if (!isDigit(next)) break
    } else if (state === 'a.') {
      if (isDigit(next) && afterDot) state = '0.'
      else if (next !== '.' && !isLetter(next)) break
    } else if (isLetter(next) && afterDot) state = 'a.'
    else if (next !== '.' && !isDigit(next)) break
  }
  return { at, state, letters }
}

/** Breaks a dotted token up unless its one dot is a decimal point. */
function settle(token: string, { state, letters }: End): string[] {
  if (state !== 'a.' && state !== '0.') return [token]
  const dots = token.split('.').length - 1
  let parts = [token]
  if (letters || dots > 1 || /[.,]$/.test(token)) parts = token.split(/([.,])/)
  const [first = '', ...rest] = parts
  const head = state === '0.' && !first.includes('.') ? first.replaceAll(',', '.') : first
  return [head, ...rest.filter((part) => part !== '')]
}
