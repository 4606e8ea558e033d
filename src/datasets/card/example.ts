// One row as Markdown, for the card: conversations message by message, what is long cut. Made when the row
// passes, so that the row need not be kept, and small enough to stand in the checkpoint.
import type { RecipeRow } from '../arrow.ts'
import { type Recipe, typeName } from '../recipe.ts'
import { cut, fenced, inline, table } from './markdown.ts'

const mostOfText = 1500
const mostMessages = 6
const mostItems = 8
const mostOfExample = 14_000
/** Longer texts stand below the table. */
const mostInLine = 100

interface SaidMessage {
  role: string
  content: string
}

/** Markdown without a heading. */
export function renderExample(recipe: Recipe, row: RecipeRow): string {
  if (recipe.documents) {
    const [first] = (row['documents'] as unknown[] | undefined) ?? []
    return fenced(cut(JSON.stringify(shorten(first), null, 2), mostOfText * 4), 'json')
  }
  const inTable: string[][] = []
  const below: string[] = []
  let size = 0
  for (const { name, type } of recipe.columns) {
    const value = row[name]
    if (size > mostOfExample) {
      inTable.push([`\`${name}\``, 'not shown'])
      continue
    }
    const before = below.length
    const messages = messagesOf(value)
    if (messages) below.push(conversationText(name, messages))
    else if (typeof value === 'string' && (value.length > mostInLine || value.includes('\n')))
      below.push(`\`${name}\`\n\n${fenced(cut(value, mostOfText))}`)
    else if (typeof value === 'object' && value !== null)
      below.push(
        `\`${name}\`, \`${typeName(type)}\`\n\n${fenced(cut(jsonText(value), mostOfText * 2), 'json')}`,
      )
    else inTable.push([`\`${name}\``, scalarText(value)])
    size += below.slice(before).join('').length
  }
  return [inTable.length > 0 ? table(['column', 'value'], inTable) : '', ...below]
    .filter((part) => part !== '')
    .join('\n\n')
}

function scalarText(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return value === '' ? '(empty)' : inline(value)
  // JSON holds neither 2^60 nor NaN.
  return typeof value === 'bigint' || typeof value === 'number' ? String(value) : JSON.stringify(value)
}

/** Roles and contents, under the names of either convention; null for anything else. */
function messagesOf(value: unknown): SaidMessage[] | null {
  if (!Array.isArray(value) || value.length === 0) return null
  const messages: SaidMessage[] = []
  for (const one of value as Record<string, unknown>[]) {
    if (typeof one !== 'object' || one === null) return null
    const role = one['role'] ?? one['from']
    const content = one['content'] ?? one['value']
    if (typeof role !== 'string' || typeof content !== 'string') return null
    messages.push({ role: one['train'] === true ? `${role} (trained)` : role, content })
  }
  return messages
}

function conversationText(name: string, messages: SaidMessage[]): string {
  const shown = messages.length <= mostMessages ? messages : messages.slice(0, mostMessages / 2)
  const last = messages.length <= mostMessages ? [] : messages.slice(-mostMessages / 2)
  const between = messages.length - shown.length - last.length
  const said = ({ role, content }: SaidMessage) => `${inline(role)}:\n\n${fenced(cut(content, mostOfText))}`
  return [
    `\`${name}\`, ${messages.length} ${messages.length === 1 ? 'message' : 'messages'}`,
    ...shown.map(said),
    ...(between > 0 ? [`… ${between} more …`] : []),
    ...last.map(said),
  ].join('\n\n')
}

function jsonText(value: unknown): string {
  const short = shorten(value)
  const line = JSON.stringify(short)
  return line.length <= mostInLine ? line : JSON.stringify(short, null, 2)
}

/** Lists and texts cut, so that what is written stays small whatever the row holds. */
function shorten(value: unknown): unknown {
  if (typeof value === 'string') return cut(value, mostOfText / 3)
  if (typeof value === 'bigint') return String(value)
  if (ArrayBuffer.isView(value)) return shorten(Array.from(value as Int32Array | Float32Array))
  if (Array.isArray(value)) {
    const items = value.slice(0, mostItems).map(shorten)
    return value.length > mostItems ? [...items, `… ${value.length} in all`] : items
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shorten(inner)]))
}
