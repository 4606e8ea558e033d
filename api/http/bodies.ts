// Bodies as they are sent: each text up to a limit, and for each that was cut, where the whole one is.
import { z } from 'zod'
import type { CellBody } from '../../src/skeleton.ts'
import type { Call } from '../../src/trajectory.ts'

export const cutTextSchema = z
  .object({
    part: z.string().meta({ description: '`code`, `stdout`, `response`, `message-0` and so on.' }),
    length: z.number().meta({ description: 'Of the whole text, in UTF-16 units.' }),
    href: z.string(),
  })
  .meta({ id: 'CutText' })
export type CutText = z.infer<typeof cutTextSchema>

function cutter(trajectoryId: string, kind: 'call' | 'cell', id: string, limit: number) {
  const cut: CutText[] = []
  function keep<Text extends string | null>(part: string, text: Text): Text {
    if (text === null || text.length <= limit) return text
    cut.push({ part, length: text.length, href: `/v1/texts/${trajectoryId}/${kind}/${id}/${part}` })
    const last = text.charCodeAt(limit - 1)
    return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit) as Text
  }
  return { cut, keep }
}

export function capCall(trajectoryId: string, call: Call, limit: number): Call & { cut: CutText[] } {
  const { cut, keep } = cutter(trajectoryId, 'call', call.id, limit)
  const messages = call.messages.map(({ role, content }, index) => ({
    role,
    content: keep(`message-${index}`, content),
  }))
  const response = {
    ...call.response,
    text: keep('response', call.response.text),
    reasoning: keep('reasoning', call.response.reasoning),
  }
  return { ...call, messages, response, cut }
}

export function capCell(trajectoryId: string, cell: CellBody, limit: number): CellBody & { cut: CutText[] } {
  const { cut, keep } = cutter(trajectoryId, 'cell', cell.id, limit)
  return {
    ...cell,
    code: keep('code', cell.code),
    stdout: keep('stdout', cell.stdout),
    stderr: keep('stderr', cell.stderr),
    finalAnswer: keep('answer', cell.finalAnswer),
    cut,
  }
}

/** The text of this part; null when the body has none. */
export function wholeText(body: Call | CellBody, part: string): string | null {
  if ('messages' in body) {
    if (part === 'response') return body.response.text
    if (part === 'reasoning') return body.response.reasoning
    const index = /^message-(\d+)$/.exec(part)?.[1]
    return index === undefined ? null : (body.messages[Number(index)]?.content ?? null)
  }
  if (part === 'answer') return body.finalAnswer
  return part === 'code' || part === 'stdout' || part === 'stderr' ? body[part] : null
}
