// One hash over rows that every reader, in JavaScript or Python, computes alike: whole numbers,
// doubles and instants (microseconds) are eight bytes of a double, strings are their UTF-8 with its
// length, keys are sorted. A null, an empty string and an empty list differ.
import { createHash, type Hash } from 'node:crypto'

export function hashRows(rows: Iterable<unknown>): { rows: number; hash: string } {
  const hash = createHash('sha256')
  let count = 0
  for (const row of rows) {
    feed(hash, row)
    count += 1
  }
  return { rows: count, hash: hash.digest('hex') }
}

function feed(hash: Hash, value: unknown): void {
  if (value === null || value === undefined) hash.update('n')
  else if (typeof value === 'boolean') hash.update(value ? 't' : 'f')
  else if (typeof value === 'number' || typeof value === 'bigint') feedNumber(hash, Number(value))
  else if (value instanceof Date) feedNumber(hash, value.getTime() * 1000)
  else if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    hash.update(`s${bytes.length}:`).update(bytes)
  } else if (Array.isArray(value)) {
    hash.update('[')
    for (const item of value) feed(hash, item)
    hash.update(']')
  } else {
    hash.update('{')
    const row = value as Record<string, unknown>
    for (const key of Object.keys(row).toSorted()) {
      feed(hash, key)
      feed(hash, row[key])
    }
    hash.update('}')
  }
}

function feedNumber(hash: Hash, value: number): void {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  hash.update('d').update(bytes)
}
