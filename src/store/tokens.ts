// Token ids and logprobs as bytes: little endian, the first bytes of all numbers, then the second ones
// and so on (neighbours are alike, so zstd finds them), then zstd. Exact, NaN payloads included.
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'

const width = 4

export function packNumbers(values: Int32Array | Float32Array): Buffer {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const shuffled = Buffer.alloc(bytes.length)
  const count = values.length
  for (let lane = 0; lane < width; lane++) {
    for (let index = 0; index < count; index++)
      shuffled[lane * count + index] = bytes[index * width + lane] ?? 0
  }
  return zstdCompressSync(shuffled)
}

export function unpackIntegers(packed: Buffer): Int32Array {
  return new Int32Array(unshuffle(packed))
}

export function unpackFloats(packed: Buffer): Float32Array {
  return new Float32Array(unshuffle(packed))
}

function unshuffle(packed: Buffer): ArrayBuffer {
  const shuffled = zstdDecompressSync(packed)
  const count = shuffled.length / width
  const buffer = new ArrayBuffer(shuffled.length)
  const bytes = new Uint8Array(buffer)
  for (let lane = 0; lane < width; lane++) {
    for (let index = 0; index < count; index++)
      bytes[index * width + lane] = shuffled[lane * count + index] ?? 0
  }
  return buffer
}
