// How text from outside reaches the page: as text nodes, with what is invisible named.
import { chunkText } from './chunks.ts'
import { visiblePieces } from './visible.ts'

/** A short text in a line: names, ids, messages. */
export function Visible({ text }: { text: string }) {
  const pieces = visiblePieces(text)
  return (
    <>
      {pieces.map((piece) =>
        piece.invisible ? <span class="invisible-character">{piece.text}</span> : piece.text,
      )}
    </>
  )
}

/** A long text, its lines kept; wraps. */
export function LongText({ text, label, tone }: { text: string; label?: string; tone?: 'error' }) {
  return (
    <pre class={tone === 'error' ? 'long-text error-text' : 'long-text'} tabIndex={0} aria-label={label}>
      {chunkText(text).map((chunk) => (
        <div class="chunk">
          <Visible text={chunk} />
        </div>
      ))}
    </pre>
  )
}
