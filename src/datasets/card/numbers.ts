// Numbers as the card writes them: short, the same everywhere.

/** Three significant digits, with k, M and G above a thousand: 12.3k. */
export function short(value: number): string {
  const size = Math.abs(value)
  const [divisor, unit] = (
    [
      [1e9, 'G'],
      [1e6, 'M'],
      [1e3, 'k'],
    ] as const
  ).find(([limit]) => size >= limit) ?? [1, '']
  return `${Number((value / divisor).toPrecision(3))}${unit}`
}

/** With groups of three digits: 1,234,567. */
export function whole(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(?:\d{3})+(?!\d))/g, ',')
}
