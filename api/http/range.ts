// The Range header (RFC 9110, section 14) for one range of bytes. Anything else is ignored, as the
// RFC allows: the whole file is sent.

export interface ByteRange {
  /** First and last byte, both included. */
  start: number
  end: number
}

/** The range asked for of a file of `size` bytes; null for the whole file, 'unsatisfiable' for none of it. */
export function parseRange(header: string | undefined, size: number): ByteRange | null | 'unsatisfiable' {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '')
  if (!match) return null
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return null
  if (first === '') {
    const length = Number(last)
    if (length === 0 || size === 0) return 'unsatisfiable'
    return { start: Math.max(0, size - length), end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return null
  return start >= size ? 'unsatisfiable' : { start, end }
}
