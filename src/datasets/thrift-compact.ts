// Structures in Thrift's compact protocol, read and written without their definitions, so that nothing that a
// writer of Parquet says in a footer is lost on the way. Integers are bigints, doubles their eight bytes.
// Source: thrift-compact-protocol.md of Apache Thrift. Errors raised: RangeError for bytes that are none.

export const kinds = { true: 1, false: 2, i16: 4, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const
const byteKind = 3
const doubleKind = 7
const setKind = 10

export interface Field {
  id: number
  kind: number
  value: Value
}
export interface List {
  kind: number
  items: Value[]
}
export type Value = bigint | boolean | Buffer | List | Field[]

export function decodeStruct(bytes: Buffer): Field[] {
  let at = 0

  function byte(): number {
    at += 1
    return bytes.readUInt8(at - 1)
  }

  function varint(): bigint {
    for (let sum = 0n, shift = 0n; ; shift += 7n) {
      const next = byte()
      sum |= BigInt(next & 0x7f) << shift
      if (next < 0x80) return sum
    }
  }

  function integer(): bigint {
    const zigzag = varint()
    return (zigzag >> 1n) ^ -(zigzag & 1n)
  }

  function take(size: number): Buffer {
    if (at + size > bytes.length) throw new RangeError('a structure ends before its end')
    at += size
    return bytes.subarray(at - size, at)
  }

  /** `inList`: there a boolean is a byte of its own, elsewhere it is the kind. */
  function valueOf(kind: number, inList: boolean): Value {
    if (kind === kinds.true || kind === kinds.false) return inList ? byte() === 1 : kind === kinds.true
    if (kind === byteKind) return BigInt(byte())
    if (kind === kinds.i16 || kind === kinds.i32 || kind === kinds.i64) return integer()
    if (kind === doubleKind) return take(8)
    if (kind === kinds.binary) return take(Number(varint()))
    if (kind === kinds.list || kind === setKind) return list()
    if (kind === kinds.struct) return struct()
    throw new RangeError(`a structure has a field of kind ${kind}`)
  }

  function list(): List {
    const head = byte()
    const size = head >> 4 === 15 ? Number(varint()) : head >> 4
    const kind = head & 15
    const items: Value[] = []
    for (let index = 0; index < size; index += 1) items.push(valueOf(kind, true))
    return { kind, items }
  }

  function struct(): Field[] {
    const fields: Field[] = []
    for (let id = 0; ;) {
      const head = byte()
      if (head === 0) return fields
      id = head >> 4 === 0 ? Number(integer()) : id + (head >> 4)
      const kind = head & 15
      fields.push({ id, kind, value: valueOf(kind, false) })
    }
  }

  return struct()
}

export function encodeStruct(fields: Field[]): Buffer {
  const parts: Buffer[] = []
  let small: number[] = []

  function varint(value: bigint): void {
    for (let left = value; ; left >>= 7n) {
      if (left < 0x80n) return void small.push(Number(left))
      small.push(Number(left & 0x7fn) | 0x80)
    }
  }

  function integer(value: bigint): void {
    varint(value < 0n ? ((-value - 1n) << 1n) | 1n : value << 1n)
  }

  function put(bytes: Buffer): void {
    parts.push(Buffer.from(small), bytes)
    small = []
  }

  function write(kind: number, value: Value): void {
    if (typeof value === 'bigint') {
      if (kind === byteKind) small.push(Number(value))
      else integer(value)
    } else if (Buffer.isBuffer(value)) {
      if (kind !== doubleKind) varint(BigInt(value.length))
      put(value)
    } else if (Array.isArray(value)) struct(value)
    else if (typeof value !== 'boolean') list(value)
  }

  function list({ kind, items }: List): void {
    small.push((Math.min(items.length, 15) << 4) | kind)
    if (items.length >= 15) varint(BigInt(items.length))
    for (const item of items) {
      if (typeof item === 'boolean') small.push(item ? 1 : 2)
      else write(kind, item)
    }
  }

  function struct(all: Field[]): void {
    let before = 0
    for (const { id, kind, value } of all) {
      const step = id - before
      if (step > 0 && step < 16) small.push((step << 4) | kind)
      else {
        small.push(kind)
        integer(BigInt(id))
      }
      before = id
      write(kind, value)
    }
    small.push(0)
  }

  struct(fields)
  put(Buffer.alloc(0))
  return Buffer.concat(parts)
}
