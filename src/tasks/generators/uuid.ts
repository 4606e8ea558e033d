// Random UUIDs (version 4) from a seed.
import type { Random } from '../random.ts'

export function randomUuid(random: Random): string {
  const hex = Array.from({ length: 32 }, () => random.integer(0, 15).toString(16))
  hex[12] = '4'
  hex[16] = random.integer(8, 11).toString(16)
  const text = hex.join('')
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join(
    '-',
  )
}
