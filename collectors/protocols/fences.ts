// The code-fence parser, as the reference's (alexzhang13/rlm, rlm/utils/parsing.py: find_code_blocks).
// Every ```repl block counts; a block that is indented as a whole is dedented unless `strict`, where
// the reference strips the first line only.

const fence = /```repl\s*\n([\s\S]*?)\n```/g

export function findCodeBlocks(text: string, strict: boolean): string[] {
  return Array.from(text.matchAll(fence), (match) => {
    const body = match[1] ?? ''
    return (strict ? body : dedent(body)).trim()
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
