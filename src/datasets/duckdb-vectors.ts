// Arrow data into DuckDB's vectors by bulk copies, for the Parquet worker. Both keep a validity bit
// set for present values, lowest bit first. The copies are unchecked: sizes come from the Arrow data
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
import { type Data, DataType, type Field, Precision } from 'apache-arrow'

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

/** Fills the first `data.length` places of `vector`, which must have room for them. */
export function fillVector(vector: duckdb.Vector, data: Data): void {
  const { type, length } = data
  if (length === 0) return
  if (DataType.isStruct(type)) {
    for (const [index, child] of data.children.entries()) {
      fillVector(duckdb.struct_vector_get_child(vector, index), child)
    }
    return
  }
  fillValidity(vector, data)
  if (DataType.isUtf8(type)) return fillStrings(vector, data)
  if (DataType.isList(type)) return fillLists(vector, data)
  if (DataType.isBool(type)) return fillBooleans(vector, data)
  copy(vector, data.values as ArrayBufferView<ArrayBuffer>)
}

function copy(vector: duckdb.Vector, view: ArrayBufferView<ArrayBuffer>): void {
  duckdb.copy_data_to_vector(vector, 0, view.buffer, view.byteOffset, view.byteLength)
}

function fillValidity(vector: duckdb.Vector, data: Data): void {
  if (data.nullCount === 0) return
  // DuckDB reads its mask in words of 64 bits.
  const mask = new Uint8Array(Math.ceil(data.length / 64) * 8)
  mask.set(data.nullBitmap.subarray(0, (data.length + 7) >> 3))
  duckdb.vector_ensure_validity_writable(vector)
  duckdb.copy_data_to_vector_validity(vector, 0, mask.buffer, 0, mask.byteLength)
}

function fillStrings(vector: duckdb.Vector, data: Data): void {
  const bytes = data.values as Uint8Array
  const offsets = data.valueOffsets as Int32Array
  for (let row = 0; row < data.length; row += 1) {
    if (!data.getValid(row)) continue
    duckdb.vector_assign_string_element_len(
      vector,
      row,
      bytes.subarray(offsets[row] ?? 0, offsets[row + 1] ?? 0),
    )
  }
}

function fillBooleans(vector: duckdb.Vector, data: Data): void {
  const bits = data.values as Uint8Array
  const values = Uint8Array.from(
    { length: data.length },
    (_, row) => ((bits[row >> 3] ?? 0) >> (row & 7)) & 1,
  )
  copy(vector, values)
}

function fillLists(vector: duckdb.Vector, data: Data): void {
  const offsets = data.valueOffsets as Int32Array
  const child = data.children[0]
  if (!child) throw new TypeError('A list without elements data.')
  const entries = new BigUint64Array(data.length * 2)
  for (let row = 0; row < data.length; row += 1) {
    const start = offsets[row] ?? 0
    entries[row * 2] = BigInt(start)
    entries[row * 2 + 1] = BigInt((offsets[row + 1] ?? start) - start)
  }
  copy(vector, entries)
  duckdb.list_vector_reserve(vector, child.length)
  duckdb.list_vector_set_size(vector, child.length)
  fillVector(duckdb.list_vector_get_child(vector), child)
}
