// Text of users and models inside Markdown: it stays text, whatever marks it holds.

/** Inside a line: no line breaks, pipes, backticks or tags of its own. */
export function inline(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[`|]/g, "'").replaceAll('<', '&lt;')
}

export function table(head: string[], body: (string | number)[][]): string {
  const lines = [head, head.map(() => '---'), ...body]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** A block that ends where the text does, also when the text has fences: its own are longer. */
export function fenced(text: string, language = 'text'): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length))
  const fence = '`'.repeat(Math.max(3, longest + 1))
  return `${fence}${language}\n${visible(text)}\n${fence}`
}

/** What cannot be seen, or would change how lines run, by a sign of its own. */
function visible(text: string): string {
  return (
    text
      .toWellFormed()
      .replaceAll('\r\n', '\n')
      // oxlint-disable-next-line no-control-regex -- these are what is replaced
      .replaceAll(/[\u0000-\u0008\u000b-\u001f]/g, (mark) =>
        String.fromCodePoint(0x2400 + mark.charCodeAt(0)),
      )
      .replaceAll(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
  )
}

/** The beginning, and how much is left out; never half a character. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  const beginning = text.slice(0, most).replace(/[\ud800-\udbff]$/, '')
  return `${beginning}\n[… ${text.length - beginning.length} more characters]`
}
