// The Markdown of dataset cards as blocks and pieces of lines: headings, tables, lists, code, quotes, and in
// a line code, strong text, links and figures. All else, HTML above all, stays the text that it is. Pure.

export type Piece =
  | { kind: 'text' | 'code' | 'strong'; text: string }
  /** Only to https addresses. */
  | { kind: 'link'; text: string; href: string }
  | { kind: 'image'; text: string; source: string }

export type Block =
  | { kind: 'heading'; level: number; text: string }
  | { kind: 'paragraph' | 'quote'; text: string }
  | { kind: 'list'; items: string[] }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'table'; head: string[]; rows: string[][] }

const item = /^\s{0,6}(?:[-*+]|\d{1,4}[.)])\s+(.*)$/
const fence = /^\s{0,3}(`{3,}|~{3,})\s*(\S*)/
const divider = /^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$/

/** `front` is the YAML between the first two lines of three dashes, when there is such. */
export function readMarkdown(source: string): { front: string | null; blocks: Block[] } {
  const lines = source.replaceAll('\r\n', '\n').split('\n')
  const end = lines[0] === '---' ? lines.indexOf('---', 1) : -1
  const front = end > 0 ? lines.slice(1, end).join('\n') : null
  const blocks: Block[] = []
  let at = end > 0 ? end + 1 : 0
  const take = (meets: (line: string) => boolean): string[] => {
    const from = at
    while (at < lines.length && meets(lines[at] ?? '')) at += 1
    return lines.slice(from, at)
  }
  while (at < lines.length) {
    const line = lines[at] ?? ''
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line)
    const opened = fence.exec(line)
    if (line.trim() === '') at += 1
    else if (heading) {
      blocks.push({ kind: 'heading', level: heading[1]?.length ?? 1, text: heading[2] ?? '' })
      at += 1
    } else if (opened) {
      at += 1
      const mark = opened[1] ?? '```'
      const body = take((one) => !one.trim().startsWith(mark))
      at += 1
      blocks.push({ kind: 'code', language: opened[2] ?? '', text: body.join('\n') })
    } else if (line.includes('|') && divider.test(lines[at + 1] ?? '')) {
      const [head = [], , ...rows] = take((one) => one.includes('|')).map(cellsOf)
      blocks.push({ kind: 'table', head, rows })
    } else if (item.test(line)) {
      const taken = take((one) => item.test(one) || /^\s{2,}\S/.test(one))
      const items: string[] = []
      for (const one of taken) {
        const text = item.exec(one)?.[1]
        if (text === undefined) items.push(`${items.pop() ?? ''} ${one.trim()}`)
        else items.push(text)
      }
      blocks.push({ kind: 'list', items })
    } else if (/^\s{0,3}>/.test(line)) {
      const quoted = take((one) => /^\s{0,3}>/.test(one))
      blocks.push({ kind: 'quote', text: quoted.map((one) => one.replace(/^\s{0,3}>\s?/, '')).join(' ') })
    } else {
      // At least this line, so that reading always comes on.
      at += 1
      const more = take(
        (one) => one.trim() !== '' && !/^#{1,6}\s|^\s{0,3}(?:>|`{3}|~{3})/.test(one) && !item.test(one),
      )
      blocks.push({ kind: 'paragraph', text: [line, ...more].join(' ') })
    }
  }
  return { front, blocks }
}

function cellsOf(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
}

const marks =
  /`([^`]+)`|!\[([^\]]{0,400})\]\(([^)\s]{1,1000})\)|\[([^\]]{1,400})\]\((https:\/\/[^)\s]{1,1000})\)|\*\*([^*]{1,1000})\*\*|\\([!-/:-@[-`{-~])/g

export function readLine(text: string): Piece[] {
  const pieces: Piece[] = []
  let end = 0
  const add = (plain: string): void => {
    const last = pieces.at(-1)
    if (plain === '') return
    if (last?.kind === 'text') last.text += plain
    else pieces.push({ kind: 'text', text: plain })
  }
  for (const match of text.matchAll(marks)) {
    add(text.slice(end, match.index))
    end = match.index + match[0].length
    const [, code, alt, source, label, href, strong, escaped] = match
    if (code !== undefined) pieces.push({ kind: 'code', text: code })
    else if (source !== undefined) pieces.push({ kind: 'image', text: alt ?? '', source })
    else if (label !== undefined && href !== undefined) pieces.push({ kind: 'link', text: label, href })
    else if (strong !== undefined) pieces.push({ kind: 'strong', text: strong })
    else add(escaped ?? '')
  }
  add(text.slice(end))
  return pieces
}
