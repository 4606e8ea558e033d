// Figures as people read them.

export function formatCount(value: number): string {
  if (value < 10_000) return value.toLocaleString('en-US')
  if (value < 1_000_000) return `${(value / 1000).toFixed(value < 100_000 ? 1 : 0)}k`
  return `${(value / 1_000_000).toFixed(value < 100_000_000 ? 1 : 0)}M`
}

/** `milliseconds` as m:ss or h:mm:ss. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const tail = String(rest).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`
}

export function formatMoney(dollars: number | null): string {
  if (dollars === null) return '–'
  return `$${dollars < 0.01 ? dollars.toFixed(4) : dollars.toFixed(2)}`
}

export function formatScore(value: number | null): string {
  return value === null ? '–' : value.toFixed(3)
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`
}

/** Rows of cells as aligned columns; numbers right, text left. */
export function formatTable(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const numeric = head.map((_, column) => rows.every((row) => /^[-–$\d.,kM%/ ]*$/.test(row[column] ?? '')))
  const line = (cells: string[]): string =>
    cells
      .map((cell, column) =>
        numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [line(head), ...rows.map(line)].join('\n')
}

/** One line that is safe to print: what a model or a server wrote must not steer the terminal. */
export function plainLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim()
}
