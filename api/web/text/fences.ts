// Splits what a model answered at its code fences (CommonMark: three or more backticks or tildes, up
// to three spaces in; an unclosed fence runs to the end).

export interface Block {
  kind: 'prose' | 'code'
  /** The first word after the opening fence. */
  language: string
  text: string
}

const opening = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\n]*)$/

export function splitFences(text: string): Block[] {
  const blocks: Block[] = []
  let fence: { mark: string; language: string } | null = null
  let lines: string[] = []
  function flush(): void {
    const body = lines.join('\n')
    if (fence) blocks.push({ kind: 'code', language: fence.language, text: body })
    else if (body.trim() !== '')
      blocks.push({ kind: 'prose', language: '', text: body.replace(/^\n+|\s+$/g, '') })
    lines = []
  }
  for (const line of text.split('\n')) {
    const match = opening.exec(line)
    const mark = match?.[1] ?? ''
    const info = (match?.[2] ?? '').trim()
    if (!fence && match && !(mark.startsWith('`') && info.includes('`'))) {
      flush()
      fence = { mark, language: info.split(/\s/)[0] ?? '' }
    } else if (fence && mark.startsWith(fence.mark) && info === '') {
      flush()
      fence = null
    } else {
      lines.push(line)
    }
  }
  if (fence || lines.length > 0) flush()
  return blocks
}
