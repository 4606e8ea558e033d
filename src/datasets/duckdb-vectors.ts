// Arrow data into DuckDB's vectors by bulk copies, for the Parquet worker. Both keep a validity bit
// set for present values, lowest bit first. The copies are unchecked: sizes come from the batch
// alone, and a list's child is reserved before it is taken.
import duckdb from '@duckdb/node-bindings'
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  FLOAT,
  type DuckDBType,
  INTEGER,
  LIST,
  STRUCT,
  TIMESTAMPTZ,
  TINYINT,
  VARCHAR,
} from '@duckdb/node-api'
import { DataType, type Field, Precision } from 'apache-arrow'
import type { BatchColumn } from './batch.ts'

/** The DuckDB type of a column of a recipe. Throws on one that no recipe uses. */
export function duckdbType(type: DataType): DuckDBType {
  if (DataType.isUtf8(type)) return VARCHAR
  if (DataType.isBool(type)) return BOOLEAN
  if (DataType.isInt(type)) return { 8: TINYINT, 16: INTEGER, 32: INTEGER, 64: BIGINT }[type.bitWidth]
  if (DataType.isFloat(type)) return type.precision === Precision.SINGLE ? FLOAT : DOUBLE
  if (DataType.isTimestamp(type)) return TIMESTAMPTZ
  const children = type.children as Field[] | null
  if (DataType.isList(type) && children?.[0]) return LIST(duckdbType(children[0].type))
  if (DataType.isStruct(type) && children) {
    return STRUCT(Object.fromEntries(children.map((field) => [field.name, duckdbType(field.type)])))
  }
  throw new TypeError(`No column type for Arrow type ${type.typeId}.`)
}

/** Fills the first `column.length` places of `vector`, which must have room for them. */
export function fillVector(vector: duckdb.Vector, type: DataType, column: BatchColumn): void {
  if (column.length === 0) return
  const fields = type.children ?? []
  if (DataType.isStruct(type)) {
    for (const [index, { type: inner }] of fields.entries()) {
      const child = column.children[index]
      if (child) fillVector(duckdb.struct_vector_get_child(vector, index), inner, child)
    }
    return
  }
  fillValidity(vector, column)
  if (DataType.isUtf8(type)) fillStrings(vector, column)
  else if (DataType.isList(type)) fillLists(vector, fields, column)
  else if (DataType.isBool(type)) fillBooleans(vector, column)
  else if (column.values) copy(vector, column.values)
}

function copy(vector: duckdb.Vector, view: ArrayBufferView<ArrayBuffer>): void {
  duckdb.copy_data_to_vector(vector, 0, view.buffer, view.byteOffset, view.byteLength)
}

function fillValidity(vector: duckdb.Vector, { length, nullBitmap }: BatchColumn): void {
  if (!nullBitmap) return
  // DuckDB reads its mask in words of 64 bits.
  const mask = new Uint8Array(Math.ceil(length / 64) * 8)
  mask.set(nullBitmap.subarray(0, (length + 7) >> 3))
  duckdb.vector_ensure_validity_writable(vector)
  duckdb.copy_data_to_vector_validity(vector, 0, mask.buffer, 0, mask.byteLength)
}

const entryBytes = 16
const inlineBytes = 12
const nothing = new Uint8Array(0)

/**
 * A short string lies in its entry, which holds its length (32 bits, little-endian) and its bytes, zeros after
 * them: all of these are one copy. A longer one lies apart, where DuckDB puts it. Source: `duckdb_string_t`
 * in duckdb.h.
 */
function fillStrings(vector: duckdb.Vector, { length, values, offsets }: BatchColumn): void {
  const bytes = (values as Uint8Array | null) ?? nothing
  const entries = new Uint8Array(length * entryBytes)
  const long: number[] = []
  for (let row = 0; row < length; row += 1) {
    const start = offsets?.[row] ?? 0
    const size = (offsets?.[row + 1] ?? start) - start
    if (size > inlineBytes) {
      long.push(row)
      continue
    }
    const entry = row * entryBytes
    entries[entry] = size
    for (let index = 0; index < size; index += 1) entries[entry + 4 + index] = bytes[start + index] ?? 0
  }
  copy(vector, entries)
  for (const row of long) {
    const text = bytes.subarray(offsets?.[row] ?? 0, offsets?.[row + 1] ?? 0)
    duckdb.vector_assign_string_element_len(vector, row, text)
  }
}

function fillBooleans(vector: duckdb.Vector, { length, values }: BatchColumn): void {
  const bits = (values as Uint8Array | null) ?? nothing
  copy(
    vector,
    Uint8Array.from({ length }, (_, row) => ((bits[row >> 3] ?? 0) >> (row & 7)) & 1),
  )
}

function fillLists(vector: duckdb.Vector, fields: Field[], { length, offsets, children }: BatchColumn): void {
  const [child] = children
  const [field] = fields
  if (!child || !field) throw new TypeError('A list without elements data.')
  const entries = new BigUint64Array(length * 2)
  for (let row = 0; row < length; row += 1) {
    const start = offsets?.[row] ?? 0
    entries[row * 2] = BigInt(start)
    entries[row * 2 + 1] = BigInt((offsets?.[row + 1] ?? start) - start)
  }
  copy(vector, entries)
  duckdb.list_vector_reserve(vector, child.length)
  duckdb.list_vector_set_size(vector, child.length)
  fillVector(duckdb.list_vector_get_child(vector), field.type, child)
}
