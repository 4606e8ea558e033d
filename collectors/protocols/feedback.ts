// What the model is told of its cells, byte for byte as the reference does (alexzhang13/rlm,
// rlm/utils/parsing.py: format_iteration, format_execution_result). Lengths are code points, as
// Python counts them.
import type { Message } from '../../src/models/model.ts'
import type { CellResult } from '../../src/sandbox.ts'

/** Characters of one block's formatted result that reach the model. */
export const feedbackLimit = 20_000

export function formatFeedback(cells: readonly CellResult[]): Message | null {
  if (cells.length === 0) return null
  const parts = cells.map((cell, index) => {
    const header = cells.length > 1 ? `REPL output (block ${index + 1}):` : 'REPL output:'
    return `${header}\n${truncate(formatResult(cell), hiddenCharacters(cell))}`
  })
  return { role: 'user', content: parts.join('\n\n') }
}

function formatResult(cell: CellResult): string {
  const parts: string[] = []
  if (cell.stdout) parts.push(`\n${cell.stdout}`)
  const stderr = errorText(cell)
  if (stderr) parts.push(`\n${stderr}`)
  const names = cell.variables.filter((variable) => variable.basic).map((variable) => variable.name)
  if (names.length > 0) parts.push(`REPL variables: [${names.map((name) => `'${name}'`).join(', ')}]\n`)
  return parts.length > 0 ? parts.join('\n\n') : 'No output'
}

/** The stderr of a cell as the model sees it: what it wrote, then the exception in one line. */
export function errorText(cell: CellResult): string {
  if (!cell.error) return cell.stderr
  const lost = cell.death
    ? ' The REPL was restarted: its variables are gone, the context is loaded again.'
    : ''
  return `${cell.stderr}\n${cell.error.type}: ${cell.error.message}${lost}`
}

function hiddenCharacters(cell: CellResult): number {
  return cell.stdoutCharacters - codePoints(cell.stdout) + cell.stderrCharacters - codePoints(cell.stderr)
}

function truncate(text: string, hidden: number): string {
  // UTF-16 length is at least the number of code points.
  if (text.length <= feedbackLimit && hidden === 0) return text
  const points = Array.from(text)
  const total = points.length + hidden
  if (total <= feedbackLimit) return text
  return `${points.slice(0, feedbackLimit).join('')}... + [${total - feedbackLimit} chars...]`
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}
