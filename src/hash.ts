// Content hashes: SHA-256, hex where people read them.
import { createHash } from 'node:crypto'
import { canonicalJson } from './json.ts'

export function sha256(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest()
}

export function sha256Hex(data: string | Uint8Array): string {
  return sha256(data).toString('hex')
}

/** SHA-256 (hex) of the canonical JSON of `value`. */
export function hashOf(value: unknown): string {
  return sha256Hex(canonicalJson(value))
}
