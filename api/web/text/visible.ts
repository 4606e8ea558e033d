// What a model wrote, made safe to look at: characters that a page would swallow, reorder or hide
// are taken out of the text and shown by name. Pure; pages turn the pieces into text nodes.

export interface Piece {
  text: string
  /** True when `text` is the name of an invisible character. */
  invisible: boolean
}

// Controls but tab and newline; zero-width and direction marks; tag characters (text that only a
// model reads); lone surrogates. The joiner of emoji (U+200D) stays.
const invisible =
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]|\p{Surrogate}/gu

export function visiblePieces(text: string): Piece[] {
  const pieces: Piece[] = []
  let end = 0
  for (const match of text.matchAll(invisible)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), invisible: false })
    pieces.push({ text: nameOf(match[0]), invisible: true })
    end = match.index + match[0].length
  }
  if (end < text.length) pieces.push({ text: text.slice(end), invisible: false })
  return pieces
}

const controlNames =
  'NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'.split(
    ' ',
  )

/** ESC for a C0 control, U+202E for the rest: letters, since few fonts have pictures of controls. */
function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const plain = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  return code === 0x7f ? 'DEL' : (controlNames[code] ?? plain)
}
