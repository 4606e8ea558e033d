// The wording of sub-prompts: policies write them inside their cells, the reader recognises them.

/** Asks for the first number of a field, one line per country profile. */
export function numberInstruction(path: string): string {
  return `Below are country profiles, each under its heading. For each one take the first number in the field "${path}". Reply with one line per profile and nothing else: country | number, in digits without commas or unit, or country | none if the profile lacks the field.`
}

/** Asks whether a field mentions a word, one line per country profile. */
export function mentionInstruction(path: string, word: string): string {
  return `Below are country profiles, each under its heading. For each one say whether the field "${path}" mentions "${word}" as a whole word, ignoring case. Reply with one line per profile and nothing else: country | yes, or country | no.`
}

/** Asks for the whole text of a field, one line per country profile. */
export function textInstruction(path: string): string {
  return `Below are country profiles, each under its heading. For each one copy the text of the field "${path}". Reply with one line per profile and nothing else: country | text, or country | none if the profile lacks the field.`
}

export type Extraction =
  | { kind: 'number'; path: string }
  | { kind: 'mention'; path: string; word: string }
  | { kind: 'text'; path: string }

export function parseInstruction(prompt: string): Extraction | null {
  if (!prompt.startsWith('Below are country profiles')) return null
  const mention = /whether the field "([^"]+)" mentions "([^"]+)"/.exec(prompt)
  if (mention) return { kind: 'mention', path: mention[1] ?? '', word: mention[2] ?? '' }
  const other = /(take the first number in|copy the text of) the field "([^"]+)"/.exec(prompt)
  if (!other) return null
  return { kind: other[1]?.startsWith('take') ? 'number' : 'text', path: other[2] ?? '' }
}
