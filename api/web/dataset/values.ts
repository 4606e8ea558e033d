// What a value of a row is to a reader: a fact in a line, messages, or a text. Pure.

export interface Message {
  role: string
  content: string
}

const factCharacters = 72

/** A number, a flag, an instant, nothing, or a short text. */
export function isFact(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= factCharacters && !value.includes('\n')
  return value === null || typeof value !== 'object'
}

/** The messages that a list is; null when it is something else. */
export function messagesOf(value: unknown): Message[] | null {
  if (!Array.isArray(value) || value.length === 0) return null
  const messages: Message[] = []
  for (const one of value as unknown[]) {
    if (typeof one !== 'object' || one === null) return null
    const { role, content, from, value: said } = one as Record<string, unknown>
    const [who, what] = [role ?? from, content ?? said]
    if (typeof who !== 'string' || typeof what !== 'string') return null
    messages.push({ role: who, content: what })
  }
  return messages
}

export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '–'
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}

/** The beginning of a value, in one line: of messages, what the last one says. */
export function lineOf(value: unknown): string {
  if (typeof value === 'number') return String(Number.isInteger(value) ? value : Number(value.toPrecision(6)))
  const messages = messagesOf(value)
  const last = messages?.at(-1)
  const text = last
    ? `${messages && messages.length > 1 ? `${messages.length} messages · ` : ''}${last.content}`
    : typeof value === 'string'
      ? value
      : value === null || value === undefined
        ? '–'
        : JSON.stringify(value)
  return text.slice(0, 160).replaceAll(/\s+/g, ' ')
}
