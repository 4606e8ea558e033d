// Code with line numbers and colours. Numbers come from a CSS counter, so they are never copied.
import { tokenLines } from './python.ts'
import type { Token } from './python.ts'
import { Visible } from './text.tsx'

const maxColoured = 100_000
const pythonNames = new Set(['python', 'py', 'python3', 'repl'])

export function isPython(language: string): boolean {
  return pythonNames.has(language.toLowerCase())
}

export function Code({ text, python, label }: { text: string; python: boolean; label: string }) {
  const body = text.endsWith('\n') ? text.slice(0, -1) : text
  const lines: Token[][] =
    python && body.length <= maxColoured
      ? tokenLines(body)
      : body.split('\n').map((line) => [{ kind: 'plain', text: line }])
  return (
    <pre class="code" tabIndex={0} aria-label={label}>
      <code>
        {lines.map((tokens) => (
          <div class="line">
            <span class="line-text">
              {tokens.map((token) =>
                token.kind === 'plain' ? (
                  <Visible text={token.text} />
                ) : (
                  <span class={`token-${token.kind}`}>
                    <Visible text={token.text} />
                  </span>
                ),
              )}
              {'\n'}
            </span>
          </div>
        ))}
      </code>
    </pre>
  )
}
