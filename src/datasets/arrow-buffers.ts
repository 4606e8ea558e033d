// The growing buffers behind the columns of a batch. They serve batch after batch: what `bytes` and
// `values` give refers to them, and is copied before the next batch.
import type { Field } from 'apache-arrow'
import { DescentError } from '../errors.ts'

const maximumOffset = 2 ** 31 - 1

/** Errors raised by a column whose value does not fit: `dataset/type`. */
export function mismatch(field: Field, wanted: string, value: unknown): DescentError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
  return new DescentError('dataset', 'type', `Column "${field.name}": ${shown} is not ${wanted}.`)
}

/** A bitmap, lowest bit first. */
export function createBitmap() {
  let bits = new Uint8Array(16)
  let length = 0
  function reserve(count: number): void {
    if (count <= bits.length * 8) return
    const larger = new Uint8Array(Math.max(bits.length * 2, Math.ceil(count / 8)))
    larger.set(bits)
    bits = larger
  }
  return {
    push(bit: boolean) {
      reserve(length + 1)
      if (bit) bits[length >> 3] = (bits[length >> 3] ?? 0) | (1 << (length & 7))
      length += 1
    },
    /** Adds `count` ones. */
    fill(count: number) {
      reserve(length + count)
      for (let index = length; index < length + count; index += 1)
        bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7))
      length += count
    },
    at: (index: number) => (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1,
    bytes: () => bits.subarray(0, (length + 7) >> 3),
    reset() {
      bits.fill(0)
      length = 0
    },
  }
}

/** Which values are there. Nothing is kept until the first null: most columns and all tokens have none. */
export function createValidity(field: Field) {
  const bitmap = createBitmap()
  let length = 0
  let nulls = 0
  return {
    push(value: unknown) {
      if (value === null) {
        if (!field.nullable) throw mismatch(field, 'nullable', value)
        if (nulls === 0) bitmap.fill(length)
        nulls += 1
        bitmap.push(false)
      } else if (nulls > 0) bitmap.push(true)
      length += 1
    },
    /** `count` values that are there. */
    pushAll(count: number) {
      if (nulls > 0) bitmap.fill(count)
      length += count
    },
    /** Adds again the `count` values from index `start` on. */
    repeat(start: number, count: number) {
      if (nulls === 0) length += count
      else
        for (let index = start; index < start + count; index += 1) this.push(bitmap.at(index) ? true : null)
    },
    data: () =>
      nulls === 0 ? { length, nullCount: 0 } : { length, nullCount: nulls, nullBitmap: bitmap.bytes() },
    reset() {
      bitmap.reset()
      length = 0
      nulls = 0
    },
  }
}

/** The ends of strings or lists in their child buffer, as Arrow's offsets. */
export function createOffsets(field: Field) {
  let offsets = new Int32Array(65)
  let length = 0
  return {
    /** `end` is where the value just added ends in its child buffer. */
    push(end: number) {
      if (end > maximumOffset) throw mismatch(field, 'less than 2 GiB in one batch of rows', end)
      if (length + 1 === offsets.length) {
        const larger = new Int32Array(offsets.length * 2)
        larger.set(offsets)
        offsets = larger
      }
      length += 1
      offsets[length] = end
    },
    /** Where the value of this index begins in its child buffer; that of the next is where it ends. */
    at: (index: number) => offsets[index] ?? 0,
    values: () => offsets.subarray(0, length + 1),
    reset() {
      length = 0
    },
  }
}
