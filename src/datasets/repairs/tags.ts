// The parts of a response that repairs look at: fenced blocks, and the tags FINAL(…) and FINAL_VAR(…) of
// the paper's convention. A tag begins its line; its end is the parenthesis that closes it.

export interface Fence {
  start: number
  /** After the closing backquotes. */
  end: number
  language: string
  body: string
}

export interface Tag {
  name: 'FINAL' | 'FINAL_VAR'
  /** Between the parentheses, trimmed. */
  content: string
  start: number
  /** After the closing parenthesis. */
  end: number
}

export function fencesOf(text: string): Fence[] {
  return Array.from(text.matchAll(/^[ \t]*```([^\n`]*)\n([\s\S]*?)(?:\n)?^[ \t]*```[ \t]*$/gm), (match) => ({
    start: match.index,
    end: match.index + match[0].length,
    language: (match[1] ?? '').trim(),
    body: match[2] ?? '',
  }))
}

/** The first tag at the beginning of a line within [from, to); null when none closes. */
export function findTag(text: string, from = 0, to = text.length): Tag | null {
  const pattern = /^[ \t]*(FINAL_VAR|FINAL)\(/gm
  pattern.lastIndex = from
  const match = pattern.exec(text)
  if (!match || match.index >= to) return null
  const opened = match.index + match[0].length
  const end = closing(text, opened, to)
  if (end === null) return null
  return {
    name: match[1] as Tag['name'],
    content: text.slice(opened, end - 1).trim(),
    start: match.index + match[0].length - `${match[1] ?? ''}(`.length,
    end,
  }
}

/** The first tag that stands in no fence. */
export function findPlainTag(text: string): Tag | null {
  const fences = fencesOf(text)
  for (let tag = findTag(text); tag; tag = findTag(text, tag.end)) {
    const { start } = tag
    if (!fences.some((fence) => start > fence.start && start < fence.end)) return tag
  }
  return null
}

/** Behind the parenthesis that closes. */
function closing(text: string, from: number, to: number): number | null {
  let depth = 1
  for (let index = from; index < to; index += 1) {
    if (text[index] === '(') depth += 1
    if (text[index] === ')') depth -= 1
    if (depth === 0) return index + 1
  }
  return null
}

/** What a Python string literal without escapes says; null for anything else. */
export function plainLiteral(text: string): string | null {
  const match = /^(?:'''([^'\\]*)'''|"""([^"\\]*)"""|'([^'\\\n]*)'|"([^"\\\n]*)")$/.exec(text)
  return match ? (match[1] ?? match[2] ?? match[3] ?? match[4] ?? '') : null
}

export function isName(text: string): boolean {
  return /^[A-Za-z_]\w*$/.test(text)
}
