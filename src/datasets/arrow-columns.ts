// The columns behind a batch: each type has its own growing buffers. A value that does not fit its
// type is an error, never a conversion.
import { type Data, DataType, type Field, makeData, Precision } from 'apache-arrow'
import { createBitmap, createOffsets, createValidity, mismatch } from './arrow-buffers.ts'

/** The values of one field, until `finish` makes Arrow data of them. */
export interface Column {
  measure(value: unknown): number
  append(value: unknown): void
  /** Adds all elements of a typed array at once; undefined where the type has no such array. */
  appendAll?: (values: NumberArray) => void
  /** Adds again the `count` values from index `start` on: a copy of bytes. */
  repeat(start: number, count: number): void
  /** Refers to the column's own buffers: copy it before `reset` or another `append`. */
  finish(): Data
  /** Empties the column; its buffers stay for the next batch, unless a huge value grew them. */
  reset(): void
}

/** What a list of numbers may be given as, besides an array. */
export type NumberArray = Int8Array | Int32Array | Float32Array | Float64Array | BigInt64Array

export interface Counter {
  repaired: number
}

const keptBytes = 16 * 1024 * 1024

export function createColumn(field: Field, counter: Counter): Column {
  const { type } = field
  if (DataType.isUtf8(type)) return stringColumn(field, counter)
  if (DataType.isList(type)) return listColumn(field, counter)
  if (DataType.isStruct(type)) return structColumn(field, counter)
  if (DataType.isBool(type)) return booleanColumn(field)
  if (DataType.isInt(type) && type.bitWidth === 32) {
    return numberColumn(field, (size) => new Int32Array(size), 4, integer(field, 2 ** 31 - 1))
  }
  if (DataType.isInt(type) && type.bitWidth === 8) {
    return numberColumn(field, (size) => new Int8Array(size), 1, integer(field, 2 ** 7 - 1))
  }
  if (DataType.isInt(type) && type.bitWidth === 64) {
    return numberColumn(field, (size) => new BigInt64Array(size), 8, long(field))
  }
  if (DataType.isFloat(type) && type.precision === Precision.SINGLE) {
    return numberColumn(field, (size) => new Float32Array(size), 4, real(field))
  }
  if (DataType.isFloat(type) && type.precision === Precision.DOUBLE) {
    return numberColumn(field, (size) => new Float64Array(size), 8, real(field))
  }
  if (DataType.isTimestamp(type)) {
    return numberColumn(field, (size) => new BigInt64Array(size), 8, microseconds(field))
  }
  throw mismatch(field, 'a type this writer knows', String(type))
}

function integer(field: Field, limit: number) {
  return (value: unknown): number => {
    if (Number.isInteger(value) && Math.abs(value as number) <= limit) return value as number
    throw mismatch(field, `a whole number up to ${limit}`, value)
  }
}

/** A number that is exact, or a bigint for one beyond 2^53. */
function long(field: Field) {
  const whole = integer(field, Number.MAX_SAFE_INTEGER)
  return (value: unknown): bigint => {
    if (typeof value !== 'bigint') return BigInt(whole(value))
    if (value === BigInt.asIntN(64, value)) return value
    throw mismatch(field, 'a whole number of 64 bits', value)
  }
}

function real(field: Field) {
  return (value: unknown): number => {
    if (typeof value === 'number') return value
    throw mismatch(field, 'a number', value)
  }
}

/** From an ISO 8601 instant. */
function microseconds(field: Field) {
  return (value: unknown): bigint => {
    const milliseconds = typeof value === 'string' ? Date.parse(value) : Number.NaN
    if (Number.isNaN(milliseconds)) throw mismatch(field, 'an instant', value)
    return BigInt(milliseconds) * 1000n
  }
}

function numberColumn<Values extends NumberArray>(
  field: Field,
  allocate: (size: number) => Values,
  width: number,
  convert: (value: unknown) => Values[number],
): Column {
  const validity = createValidity(field)
  const zero = allocate(1)[0] as Values[number]
  let values = allocate(64)
  let length = 0
  function reserve(count: number): void {
    if (length + count <= values.length) return
    const larger = allocate(Math.max(values.length * 2, length + count))
    larger.set(values.subarray(0, length) as never)
    values = larger
  }
  return {
    measure: () => width,
    append(value) {
      validity.push(value)
      reserve(1)
      values[length] = value === null ? zero : convert(value)
      length += 1
    },
    appendAll(given) {
      if (given.constructor !== values.constructor) {
        throw mismatch(field, `a ${values.constructor.name}`, given.constructor.name)
      }
      validity.pushAll(given.length)
      reserve(given.length)
      values.set(given as never, length)
      length += given.length
    },
    repeat(start, count) {
      validity.repeat(start, count)
      reserve(count)
      values.copyWithin(length, start, start + count)
      length += count
    },
    finish: () => makeData({ type: field.type, ...validity.data(), data: values.subarray(0, length) }),
    reset() {
      validity.reset()
      length = 0
    },
  }
}

function booleanColumn(field: Field): Column {
  const validity = createValidity(field)
  const bitmap = createBitmap()
  return {
    measure: () => 1,
    append(value) {
      validity.push(value)
      if (value !== null && typeof value !== 'boolean') throw mismatch(field, 'true or false', value)
      bitmap.push(value === true)
    },
    repeat(start, count) {
      validity.repeat(start, count)
      for (let index = start; index < start + count; index += 1) bitmap.push(bitmap.at(index))
    },
    finish: () => makeData({ type: field.type, ...validity.data(), data: bitmap.bytes() }),
    reset() {
      validity.reset()
      bitmap.reset()
    },
  }
}

function stringColumn(field: Field, counter: Counter): Column {
  const validity = createValidity(field)
  const offsets = createOffsets(field)
  let buffer = Buffer.allocUnsafeSlow(4096)
  let end = 0
  let length = 0
  /** Indices of strings with a lone surrogate. */
  let repaired: number[] = []
  function reserve(size: number) {
    if (end + size <= buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, end + size))
    buffer.copy(larger, 0, 0, end)
    buffer = larger
  }
  /** Quicker than a call out of JavaScript for a short word; false when it is not all ASCII. */
  function writeAscii(value: string): boolean {
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index)
      if (unit > 0x7f) return false
      buffer[end + index] = unit
    }
    end += value.length
    return true
  }
  return {
    measure: (value) => 4 + (typeof value === 'string' ? Buffer.byteLength(value) : 0),
    append(value) {
      validity.push(value)
      if (value !== null) {
        if (typeof value !== 'string') throw mismatch(field, 'a string', value)
        if (!value.isWellFormed()) repaired.push(length)
        // Three bytes a code unit is the most UTF-8 takes; a long text is measured instead.
        reserve(value.length < 65_536 ? value.length * 3 : Buffer.byteLength(value))
        if (value.length > 16 || !writeAscii(value)) end += buffer.write(value, end, 'utf8')
      }
      offsets.push(end)
      length += 1
    },
    repeat(start, count) {
      if (repaired.length > 0) {
        const again = repaired.filter((index) => index >= start && index < start + count)
        repaired.push(...again.map((index) => length + index - start))
      }
      length += count
      validity.repeat(start, count)
      const from = offsets.at(start)
      const size = offsets.at(start + count) - from
      reserve(size)
      buffer.copyWithin(end, from, from + size)
      for (let index = start; index < start + count; index += 1)
        offsets.push(end + offsets.at(index + 1) - from)
      end += size
    },
    finish: () =>
      makeData({
        type: field.type,
        ...validity.data(),
        valueOffsets: offsets.values(),
        data: new Uint8Array(buffer.buffer, buffer.byteOffset, end),
      } as never),
    reset() {
      validity.reset()
      offsets.reset()
      if (buffer.length > keptBytes) buffer = Buffer.allocUnsafeSlow(4096)
      end = 0
      length = 0
      counter.repaired += repaired.length
      repaired = []
    },
  }
}

function isNumberArray(value: unknown): value is NumberArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
}

/** How many elements at the head of both lists are the very same objects. */
function commonHead(before: unknown[], list: unknown[]): number {
  let count = 0
  while (count < list.length && count < before.length) {
    const item = list[count]
    if (typeof item !== 'object' || item === null || item !== before[count]) break
    count += 1
  }
  return count
}

/**
 * A list that begins with the objects of the one before, as the prompts of a conversation do, copies their
 * bytes: whoever gives a list changes none of its elements afterwards.
 */
function listColumn(field: Field, counter: Counter): Column {
  const element = (field.type.children as Field[])[0]
  if (!element) throw mismatch(field, 'a list with an element type', String(field.type))
  const child = createColumn(element, counter)
  const validity = createValidity(field)
  const offsets = createOffsets(field)
  let end = 0
  let before: { list: unknown[]; start: number } = { list: [], start: 0 }
  let measured: { list: unknown[]; sizes: number[] } = { list: [], sizes: [] }

  function appendList(list: unknown[]): void {
    const shared = commonHead(before.list, list)
    if (shared > 0) child.repeat(before.start, shared)
    for (let index = shared; index < list.length; index += 1) child.append(list[index] ?? null)
    before = { list, start: end }
    end += list.length
  }

  /** `sizes` holds the sum up to and with each element. */
  function measureList(list: unknown[]): number {
    const shared = commonHead(measured.list, list)
    const sizes = measured.sizes.slice(0, shared)
    let size = sizes.at(-1) ?? 0
    for (let index = shared; index < list.length; index += 1) {
      size += child.measure(list[index] ?? null)
      sizes.push(size)
    }
    measured = { list, sizes }
    return size
  }

  return {
    measure(value) {
      if (Array.isArray(value)) return 4 + measureList(value)
      return 4 + (isNumberArray(value) ? value.byteLength : 0)
    },
    append(value) {
      validity.push(value)
      if (isNumberArray(value) && child.appendAll) {
        child.appendAll(value)
        end += value.length
      } else if (value !== null) {
        if (!Array.isArray(value)) throw mismatch(field, 'a list', value)
        appendList(value)
      }
      offsets.push(end)
    },
    repeat(start, count) {
      validity.repeat(start, count)
      const from = offsets.at(start)
      child.repeat(from, offsets.at(start + count) - from)
      for (let index = start; index < start + count; index += 1)
        offsets.push(end + offsets.at(index + 1) - from)
      end += offsets.at(start + count) - from
    },
    finish: () =>
      makeData({
        type: field.type,
        ...validity.data(),
        valueOffsets: offsets.values(),
        child: child.finish(),
      } as never),
    reset() {
      validity.reset()
      offsets.reset()
      child.reset()
      end = 0
      before = { list: [], start: 0 }
    },
  }
}

/** Structs are never null here, as elements of lists of messages and the like: their fields may be. */
function structColumn(field: Field, counter: Counter): Column {
  const fields = field.type.children as Field[]
  const children = fields.map((inner) => createColumn(inner, counter))
  let length = 0
  function part(value: unknown, index: number): unknown {
    return (value as Record<string, unknown>)[fields[index]?.name ?? ''] ?? null
  }
  return {
    measure(value) {
      let size = 0
      for (const [index, child] of children.entries()) {
        size += child.measure(value === null ? null : part(value, index))
      }
      return size
    },
    append(value) {
      if (typeof value !== 'object' || value === null) throw mismatch(field, 'an object', value)
      for (const [index, child] of children.entries()) child.append(part(value, index))
      length += 1
    },
    repeat(start, count) {
      for (const child of children) child.repeat(start, count)
      length += count
    },
    finish: () =>
      makeData({ type: field.type, length, nullCount: 0, children: children.map((child) => child.finish()) }),
    reset() {
      for (const child of children) child.reset()
      length = 0
    },
  }
}
