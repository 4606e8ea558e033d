// The paper's text convention for the answer: FINAL(...) and FINAL_VAR(name), outside of code, as the
// reference parsed it before its `answer` dictionary (alexzhang13/rlm, before 51c25b0).
//
// `strict` reproduces its regular expressions. The default mends what loses answers: text after the
// closing parenthesis (`FINAL(42).`, `FINAL(42)\nThanks (bye)`), tags in code fences (which are code, not an answer), and `FINAL(FINAL_VAR(x))`.
import type { TextAnswer } from './protocol.ts'
import { strip, whitespace } from './python-text.ts'

export function findTextAnswer(text: string, strict: boolean): TextAnswer | null {
  return strict ? strictAnswer(text) : mendedAnswer(text)
}

// A line begins after a line feed only, and white space is Python's.
const strictVariable = new RegExp(`(?:^|(?<=\\n))[${whitespace}]*FINAL_VAR\\((.*?)\\)`, 's')
const strictFinal = new RegExp(`(?:^|(?<=\\n))[${whitespace}]*FINAL\\((.*)\\)[${whitespace}]*(?=\\n|$)`, 's')

function strictAnswer(text: string): TextAnswer | null {
  const variable = text.includes('FINAL_VAR(') ? strictVariable.exec(text) : null
  if (variable) return { kind: 'variable', name: strictName(variable[1] ?? '') }
  const final = text.includes('FINAL(') ? strictFinal.exec(text) : null
  return final ? { kind: 'text', text: strip(final[1] ?? '') } : null
}

/** Python's `strip().strip('"').strip("'")`, and then what the reference's FINAL_VAR strips once more. */
function strictName(text: string): string {
  const name = strip(text)
    .replaceAll(/^"+|"+$/g, '')
    .replaceAll(/^'+|'+$/g, '')
  return strip(name).replaceAll(/^["']+|["']+$/g, '')
}

/**
 * What the reference makes of a variable's text: it prints FINAL_VAR's reply and reads it back, so an
 * empty value, and one that looks like FINAL_VAR's own complaint, is no answer.
 */
export function strictVariableText(value: string): string | null {
  const printed = strip(value)
  const complaint = ["Variable '", "' not found", 'FINAL_VAR'].every((part) => printed.includes(part))
  return printed === '' || complaint ? null : printed
}

function mendedAnswer(text: string): TextAnswer | null {
  const prose = text.replaceAll(/```[^\n]*\n[\s\S]*?(?:\n[ \t]*```|$)/g, '')
  const variable = inside(prose, /^[ \t]*FINAL_VAR\(/m)
  if (variable !== null) return { kind: 'variable', name: variableName(variable) }
  const final = inside(prose, /^[ \t]*FINAL\(/m)
  if (final === null) return null
  const nested = /^\s*FINAL_VAR\(([^()]*)\)\s*$/.exec(final)
  if (nested) return { kind: 'variable', name: variableName(nested[1] ?? '') }
  return { kind: 'text', text: final.trim() }
}

/** What stands between the parentheses of the first tag; null when there is none. */
function inside(prose: string, tag: RegExp): string | null {
  const match = tag.exec(prose)
  return match ? balanced(prose.slice(match.index + match[0].length)) : null
}

/** The text up to the parenthesis that closes the one before it; null when none does. */
function balanced(text: string): string | null {
  let depth = 1
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (depth === 0) return text.slice(0, index)
  }
  // An unbalanced answer ("FINAL(smile :()") still closes at the last parenthesis.
  const last = text.lastIndexOf(')')
  return last === -1 ? null : text.slice(0, last)
}

function variableName(text: string): string {
  return text
    .trim()
    .replaceAll(/^["']|["']$/g, '')
    .trim()
}
