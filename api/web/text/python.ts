// A tokenizer for Python, good enough to colour it: one regular expression, no state but its place.
// Any text is accepted, and the tokens joined are the text again.

export type TokenKind = 'plain' | 'keyword' | 'string' | 'comment' | 'number' | 'call' | 'scaffold'

export interface Token {
  kind: TokenKind
  text: string
}

const keywords = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
)

/** What the scaffold puts into the REPL: the names a reader looks for. */
const scaffold = new Set(
  'llm_query llm_query_batched rlm_query rlm_query_batched context answer history SHOW_VARS FINAL FINAL_VAR'.split(
    ' ',
  ),
)

const parts = [
  /(?<comment>#[^\n]*)/u,
  /(?<string>(?:(?<![\p{L}\p{N}_])[rbfuRBFU]{1,2})?(?:"""(?:\\[^]|(?!""")[^\\])*(?:"""|\\?$)|'{3}(?:\\[^]|(?!'{3})[^\\])*(?:'{3}|\\?$)|"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?))/u,
  /(?<number>(?<![\p{L}\p{N}_])(?:0[xXoObB][\da-fA-F_]+|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?[jJ]?))/u,
  /(?<word>[\p{L}_][\p{L}\p{N}_]*)/u,
  /(?<other>[^])/u,
]
const pattern = new RegExp(parts.map((part) => part.source).join('|'), 'gu')

export function tokenizePython(code: string): Token[] {
  const tokens: Token[] = []
  for (const match of code.matchAll(pattern)) {
    const kind = kindOf(match, code)
    const last = tokens.at(-1)
    if (last && last.kind === kind) last.text += match[0]
    else tokens.push({ kind, text: match[0] })
  }
  return tokens
}

function kindOf(match: RegExpMatchArray, code: string): TokenKind {
  const groups = match.groups ?? {}
  if (groups['comment'] !== undefined) return 'comment'
  if (groups['string'] !== undefined) return 'string'
  if (groups['number'] !== undefined) return 'number'
  const word = groups['word']
  if (word === undefined) return 'plain'
  if (keywords.has(word)) return 'keyword'
  const start = match.index ?? 0
  if (scaffold.has(word) && code[start - 1] !== '.') return 'scaffold'
  return code[start + word.length] === '(' ? 'call' : 'plain'
}

/** The tokens of each line, newlines left out. */
export function tokenLines(code: string): Token[][] {
  const lines: Token[][] = [[]]
  for (const token of tokenizePython(code)) {
    for (const [index, text] of token.text.split('\n').entries()) {
      if (index > 0) lines.push([])
      if (text !== '') lines.at(-1)?.push({ kind: token.kind, text })
    }
  }
  return lines
}
