// Words of the shared normal form: runs of letters and digits, in order.
import { normalize } from '../normalize.ts'

export function tokens(text: string): string[] {
  return normalize(text).match(/[\p{L}\p{N}]+/gu) ?? []
}
