// The code-fence parser, as the reference's (alexzhang13/rlm, rlm/utils/parsing.py: find_code_blocks).
// Every ```repl block counts; a block that is indented as a whole is dedented unless `strict`, where
// the reference strips the first line only.
import { strip, whitespace } from './python-text.ts'

const fence = new RegExp(`\`\`\`repl[${whitespace}]*\\n([\\s\\S]*?)\\n\`\`\``, 'g')

export function findCodeBlocks(text: string, strict: boolean): string[] {
  // Without a closing fence the expression would try every line of a long answer as its first.
  const end = text.lastIndexOf('\n```')
  if (end === -1) return []
  return Array.from(text.slice(0, end + 4).matchAll(fence), (match) => {
    const body = match[1] ?? ''
    return strip(strict ? body : dedent(body))
  })
}

function dedent(code: string): string {
  const lines = code.split('\n')
  const indents = lines.filter((line) => line.trim() !== '').map((line) => /^[ \t]*/.exec(line)?.[0] ?? '')
  let shared = indents[0] ?? ''
  for (const indent of indents) {
    while (!indent.startsWith(shared)) shared = shared.slice(0, -1)
  }
  return shared === ''
    ? code
    : lines.map((line) => (line.startsWith(shared) ? line.slice(shared.length) : line)).join('\n')
}
