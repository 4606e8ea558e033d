// Long texts in pieces that the browser may leave unrendered while they are out of sight.

const linesInChunk = 200
const charactersInChunk = 20_000

/** Cuts at newlines, and within a line that is longer than a chunk; joined, the pieces are `text`. */
export function chunkText(text: string): string[] {
  const chunks: string[] = []
  let start = 0
  while (start < text.length) {
    const end = chunkEnd(text, start)
    chunks.push(text.slice(start, end))
    start = end
  }
  return chunks
}

function chunkEnd(text: string, start: number): number {
  const limit = Math.min(text.length, start + charactersInChunk)
  let end = start
  for (let line = 0; line < linesInChunk; line++) {
    const newline = text.indexOf('\n', end)
    if (newline === -1 || newline >= limit) break
    end = newline + 1
  }
  if (end > start && end < text.length) return end
  const last = text.charCodeAt(limit - 1)
  const halvesPair = limit < text.length && last >= 0xd800 && last <= 0xdbff
  return halvesPair ? limit - 1 : limit
}
