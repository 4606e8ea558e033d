// Texts as lists and trees show them: the beginning, and how much there is. A reader can always tell
// a whole text from a cut one, and a cut never falls inside a surrogate pair.
import { z } from 'zod'

export const previewSchema = z
  .object({
    text: z.string(),
    characters: z.number().nullable().meta({
      description: 'Length of the whole text in Unicode characters; null where it would have to be read.',
    }),
    truncated: z.boolean(),
    bytes: z
      .number()
      .optional()
      .meta({ description: 'Length of the whole text in bytes, where the characters are not known.' }),
  })
  .meta({ id: 'Preview', description: 'A text, cut at a limit when it is longer.' })
export type Preview = z.infer<typeof previewSchema>

/** Unicode characters (code points) of `text`; a lone surrogate counts as one. */
export function countCharacters(text: string): number {
  let pairs = 0
  for (let i = 0; i < text.length - 1; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0xd800 || unit > 0xdbff) continue
    const next = text.charCodeAt(i + 1)
    if (next < 0xdc00 || next > 0xdfff) continue
    pairs++
    i++
  }
  return text.length - pairs
}

/** The first `limit` UTF-16 units of `text`, one fewer where the cut would halve a pair. */
export function preview(text: string, limit: number): Preview {
  const characters = countCharacters(text)
  if (text.length <= limit) return { text, characters, truncated: false }
  const last = text.charCodeAt(limit - 1)
  const end = last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit
  return { text: text.slice(0, end), characters, truncated: true }
}

/** The last `limit` UTF-16 units: the cause stands at the end of a traceback. */
export function tailPreview(text: string, limit: number): Preview {
  const characters = countCharacters(text)
  if (text.length <= limit) return { text, characters, truncated: false }
  const first = text.charCodeAt(text.length - limit)
  const start = first >= 0xdc00 && first <= 0xdfff ? text.length - limit + 1 : text.length - limit
  return { text: text.slice(start), characters, truncated: true }
}

/** Of a text whose beginning alone was read. */
export function beginning(
  text: string,
  limit: number,
  whole: Pick<Preview, 'characters' | 'bytes'>,
): Preview {
  return { ...preview(text, limit), ...whole, truncated: true }
}

export function previewOrNull(text: string | null, limit: number): Preview | null {
  return text === null ? null : preview(text, limit)
}
