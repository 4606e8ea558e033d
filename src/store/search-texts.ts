// What of a record full-text search sees: the beginning of its texts, and of a prompt the end too, where
// the question stands. Bounded, so that the index stays a fraction of the texts.

/** Weights as PostgreSQL names them. A: code, B: outputs, C: prompts, D: answers. */
export interface SearchTexts {
  A?: string
  B?: string
  C?: string
  D?: string
}

/**
 * Words with single spaces between, in lower case. What a database's own parser makes of `context.split(` or
 * of letters beyond ASCII depends on its locale; of these words it makes the same everywhere.
 */
export function searchWords(text: string): string {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
}

const characters = { code: 20_000, output: 20_000, prompt: 4000, promptEnd: 1000, answer: 20_000 }

export function cellTexts(cell: {
  code: string
  stdout: string
  stderr: string
  error?: unknown
}): SearchTexts {
  const error = cell.error as { type?: string; message?: string } | null | undefined
  const failure = error ? `\n${error.type ?? ''} ${error.message ?? ''}` : ''
  return {
    A: cell.code.slice(0, characters.code),
    B: `${cell.stdout.slice(0, characters.output)}\n${cell.stderr.slice(-characters.output)}${failure.slice(0, 2000)}`,
  }
}

export function callTexts(call: { prompt?: string | null; response?: string | null }): SearchTexts {
  const { prompt, response } = call
  return {
    ...(prompt ? { C: promptText(prompt) } : {}),
    ...(response ? { D: response.slice(0, characters.answer) } : {}),
  }
}

export function answerTexts(answer: string): SearchTexts {
  return { D: answer.slice(0, characters.answer) }
}

function promptText(prompt: string): string {
  if (prompt.length <= characters.prompt + characters.promptEnd) return prompt
  return `${prompt.slice(0, characters.prompt)}\n${prompt.slice(-characters.promptEnd)}`
}
