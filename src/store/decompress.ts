// Zstandard frames of some kilobytes, of which a tree has several. Node's zlib opens a stream for each, which
// takes most of the time (measured for 2.3 kB: 30 µs, here 10 µs).
import { zstdDecompressSync } from 'node:zlib'
import type { ZSTDDecoder } from 'zstddec'

/** In bytes as they were: above this a stream of its own costs little, and the decoder's memory never shrinks. */
const largestSmall = 256 * 1024

let decoder: ZSTDDecoder | null = null
let loading: Promise<void> | null = null

/** To be awaited before frames are decompressed in numbers; without it they only take longer. */
export function loadDecoder(): Promise<void> {
  return (loading ??= load())
}

async function load(): Promise<void> {
  try {
    const { ZSTDDecoder: Decoder } = await import('zstddec')
    const made = new Decoder()
    await made.init()
    decoder = made
  } catch {
    // Without WebAssembly, zlib does it.
  }
}

/** `size`: bytes before they were compressed. Errors raised: those of node:zlib for a broken frame. */
export function decompress(frame: Buffer, size: number): Buffer {
  if (decoder && size > 0 && size <= largestSmall) {
    const bytes = decoder.decode(frame, size)
    // Any other length is an error's number: zlib tells which.
    if (bytes.length === size) return Buffer.from(bytes.buffer, bytes.byteOffset, size)
  }
  return zstdDecompressSync(frame)
}
