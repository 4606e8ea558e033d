// The host's end of the frames that runner/wire.py describes. Everything that arrives is hostile: sizes
// are checked before anything is kept, a frame of the wrong shape ends the channel. Texts travel in the
// blob, so that the JSON header stays small and cheap to parse.
import type { Duplex } from 'node:stream'
import { z } from 'zod'
import type { Json } from '../../src/json.ts'

const prefixBytes = 8
const mostHeaderBytes = 1 << 20
/** The runner's own limit for one message, and room for the two outputs of a cell. */
const mostBlobBytes = 96 << 20
/** What may wait for an interpreter that does not read. */
const mostUnsentBytes = 256 << 20
/** Characters of output that fit into a frame beside an answer. */
export const mostOutputCharacters = 4 << 20

/** The limits of which only the interpreter knows that a cell has reached them. */
const interpreterLimits = ['memory', 'open_files', 'threads', 'frame_size'] as const

const texts = z.array(z.int()).max(200_000).default([])
const variable = z.tuple([z.string(), z.string(), z.boolean()])
const count = z.int().nonnegative()
const shape = z.object({ texts })
/** By the key that only frames of this kind have. */
const frameSchemas = {
  call: shape.extend({
    call: count,
    function: z.string().max(100),
    batched: z.boolean(),
    model: z.string().max(1000).nullable().default(null),
    /** Which of the texts are JSON of something that is not a str. */
    encoded: z.array(count).default([]),
  }),
  done: shape.extend({
    done: z.string().max(100),
    counts: z.tuple([count, count]),
    error: z.boolean(),
    final: z.boolean(),
    variables: z.array(variable).max(10_000),
    limits: z.array(z.enum(interpreterLimits)).max(20).default([]),
  }),
  printed: shape.extend({ printed: z.enum(['stdout', 'stderr']), count }),
  variable: shape.extend({ variable: z.string().max(100), found: z.boolean() }),
  up: shape.extend({ up: z.literal(true) }),
  ready: shape.extend({ ready: z.literal(true), variables: z.array(variable).max(10_000) }),
  failed: shape.extend({ failed: z.string().max(200) }),
}
const kinds = Object.entries(frameSchemas)
type Header = z.infer<(typeof frameSchemas)[keyof typeof frameSchemas]>
/** A frame from the interpreter; `texts` are its texts, decoded; `bytes` their size. */
export type Frame = { [Kind in keyof Frames]: Frames[Kind] }[keyof Frames]
type Decoded<H> = Omit<H, 'texts'> & { texts: string[]; bytes: number }
interface Frames {
  call: Decoded<Extract<Header, { call: number }>>
  done: Decoded<Extract<Header, { done: string }>>
  printed: Decoded<Extract<Header, { printed: string }>>
  variable: Decoded<Extract<Header, { variable: string }>>
  up: Decoded<Extract<Header, { up: true }>>
  ready: Decoded<Extract<Header, { ready: true }>>
  failed: Decoded<Extract<Header, { failed: string }>>
}
export type CallFrame = Frames['call']
export type DoneFrame = Frames['done']

export interface Channel {
  /** Sends `header` with `texts`; false when the interpreter does not read what it was sent. */
  send(header: Record<string, Json>, texts?: readonly string[], raw?: Buffer): boolean
  /** Settles when everything that was sent has been taken, or never will be. */
  drained(): Promise<void>
  close(): void
}

/** Reads frames from `stream` until it ends or something in it is not a frame (`onViolation`, once). */
export function openChannel(
  stream: Duplex,
  handlers: { onFrame(frame: Frame): void; onViolation(what: string): void },
): Channel {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let neededBytes = prefixBytes
  let open = true

  function violate(what: string): void {
    open = false
    pending = []
    stream.destroy()
    handlers.onViolation(what)
  }

  function receive(chunk: Buffer): void {
    pending.push(chunk)
    pendingBytes += chunk.length
    if (pendingBytes < neededBytes) return
    const bytes = pending.length === 1 ? chunk : Buffer.concat(pending, pendingBytes)
    let start = 0
    neededBytes = prefixBytes
    while (open && bytes.length - start >= prefixBytes) {
      const headerBytes = bytes.readUInt32BE(start)
      const blobBytes = bytes.readUInt32BE(start + 4)
      if (headerBytes > mostHeaderBytes || blobBytes > mostBlobBytes) {
        return violate(`a frame of ${headerBytes} + ${blobBytes} bytes`)
      }
      const end = start + prefixBytes + headerBytes + blobBytes
      if (end > bytes.length) {
        neededBytes = end - start
        break
      }
      const headerEnd = start + prefixBytes + headerBytes
      const frame = decodeFrame(
        bytes.subarray(start + prefixBytes, headerEnd),
        bytes.subarray(headerEnd, end),
      )
      if (frame === null) return violate('a frame of an unknown shape')
      start = end
      handlers.onFrame(frame)
    }
    const rest = bytes.subarray(start)
    pending = open && rest.length > 0 ? [rest] : []
    pendingBytes = rest.length
  }

  stream.on('data', (chunk: Buffer) => {
    if (open) receive(chunk)
  })
  stream.resume()
  // The interpreter's end is reported by its exit.
  stream.on('error', () => {})

  return {
    send(header, sent = [], raw) {
      if (!open || stream.destroyed) return true
      const parts = sent.map(encodeText)
      const sizes = parts.map((part) => part.size)
      const head = Buffer.from(JSON.stringify({ ...header, texts: sizes }))
      const blob = raw ?? Buffer.concat(parts.map((part) => part.data))
      const prefix = Buffer.alloc(prefixBytes)
      prefix.writeUInt32BE(head.length, 0)
      prefix.writeUInt32BE(blob.length, 4)
      stream.write(Buffer.concat([prefix, head, blob]))
      return stream.writableLength <= mostUnsentBytes
    },
    async drained() {
      if (stream.destroyed || !stream.writableNeedDrain) return
      await new Promise<void>((resolve) => {
        stream.once('drain', resolve)
        stream.once('close', resolve)
      })
    },
    close() {
      open = false
      pending = []
      stream.destroy()
    },
  }
}

function encodeText(text: string): { size: number; data: Buffer } {
  if (text.isWellFormed()) {
    const data = Buffer.from(text, 'utf8')
    return { size: data.length, data }
  }
  const data = Buffer.from(text, 'utf16le')
  return { size: -data.length, data }
}

/** Null when the bytes are not a frame. */
function decodeFrame(head: Buffer, blob: Buffer): Frame | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(head.toString('utf8'))
  } catch {
    return null
  }
  const result = schemaOf(parsed)?.safeParse(parsed)
  if (!result?.success) return null
  const decoded: string[] = []
  let start = 0
  for (const size of result.data.texts) {
    const end = start + Math.abs(size)
    if (end > blob.length) return null
    decoded.push(blob.toString(size < 0 ? 'utf16le' : 'utf8', start, end))
    start = end
  }
  if (start !== blob.length) return null
  return { ...result.data, texts: decoded, bytes: blob.length }
}

function schemaOf(parsed: unknown): z.ZodType<Header> | null {
  if (typeof parsed !== 'object' || parsed === null) return null
  for (const [key, schema] of kinds) if (Object.hasOwn(parsed, key)) return schema
  return null
}
