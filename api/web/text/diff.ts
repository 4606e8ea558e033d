// Two texts line by line: what both have, and what only one of them has. A longest common subsequence by
// dynamic programming over the lines between the equal beginning and the equal end. Pure.

export interface DiffLine {
  kind: 'both' | 'first' | 'second'
  text: string
}

/** Above this many pairs of lines, what differs is shown as a whole and not matched line by line. */
const mostPairs = 1_000_000

export function diffLines(first: string, second: string): DiffLine[] {
  const [a, b] = [first.split('\n'), second.split('\n')]
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1
  const line =
    (kind: DiffLine['kind']) =>
    (text: string): DiffLine => ({ kind, text })
  return [
    ...a.slice(0, start).map(line('both')),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map(line('both')),
  ]
}

function middle(a: string[], b: string[]): DiffLine[] {
  const only = (kind: DiffLine['kind'], lines: string[]) => lines.map((text) => ({ kind, text }))
  if (a.length * b.length > mostPairs) return [...only('first', a), ...only('second', b)]
  const width = b.length + 1
  /** Of the lines from `i` of a and `j` of b on: how many can be matched. */
  const longest = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const lines: DiffLine[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]]
    if (left !== undefined && left === right) {
      lines.push({ kind: 'both', text: left })
      i += 1
      j += 1
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: 'first', text: left })
      i += 1
    } else {
      lines.push({ kind: 'second', text: right ?? '' })
      j += 1
    }
  }
  return lines
}
