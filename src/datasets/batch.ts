// A batch of rows on its way out of the builder: the buffers of all its columns, copied into one, so that it
// crosses to another thread by handing that one over. The layout of each buffer is Arrow's.
import {
  type Data,
  type DataType,
  makeData,
  RecordBatch,
  type Schema,
  Struct,
  Table,
  tableToIPC,
} from 'apache-arrow'

type Bytes = Uint8Array<ArrayBuffer>
export type Values =
  | Bytes
  | Int8Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>

export interface BatchColumn {
  length: number
  nullCount: number
  /** A bit set for each value that is there, lowest first; null when all are. */
  nullBitmap: Bytes | null
  /** Of strings and lists: where each begins in the values or the child, and where the last one ends. */
  offsets: Int32Array<ArrayBuffer> | null
  values: Values | null
  children: BatchColumn[]
}

export interface Batch {
  rows: number
  columns: BatchColumn[]
  /** What the views of all columns lie in. */
  buffer: ArrayBuffer
}

/** Copies what `columns` refer to. */
export function packBatch(rows: number, columns: Data[]): Batch {
  const buffer = new ArrayBuffer(columns.reduce((sum, column) => sum + sizeOf(column), 0))
  let end = 0
  function copy(view: Values): Values | null {
    if (view.byteLength === 0) return null
    new Uint8Array(buffer, end).set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
    const Kind = view.constructor as new (on: ArrayBuffer, at: number, length: number) => Values
    const copied = new Kind(buffer, end, view.length)
    end += padded(view)
    return copied
  }
  function pack(data: Data): BatchColumn {
    const { nullBitmap, offsets, values } = viewsOf(data)
    return {
      length: data.length,
      nullCount: data.nullCount,
      nullBitmap: copy(nullBitmap) as Bytes | null,
      offsets: copy(offsets) as Int32Array<ArrayBuffer> | null,
      values: copy(values),
      children: data.children.map(pack),
    }
  }
  return { rows, columns: columns.map(pack), buffer }
}

const none = new Uint8Array(0)

function viewsOf({
  nullCount,
  nullBitmap,
  valueOffsets,
  values,
}: Data): Record<'nullBitmap' | 'offsets' | 'values', Values> {
  return {
    nullBitmap: nullCount > 0 ? (nullBitmap as Bytes) : none,
    offsets: (valueOffsets as Values | undefined) ?? none,
    values: (values as Values | undefined) ?? none,
  }
}

/** Views of any type begin at a multiple of 8. */
function padded({ byteLength }: Values): number {
  return (byteLength + 7) & ~7
}

function sizeOf(data: Data): number {
  const own = Object.values(viewsOf(data)).reduce((sum, view) => sum + padded(view), 0)
  return data.children.reduce((sum, child) => sum + sizeOf(child), own)
}

/** The batch as an Arrow IPC stream of its own. */
export function batchToIpc(schema: Schema, { rows, columns }: Batch): Uint8Array<ArrayBuffer> {
  const children = schema.fields.flatMap(({ type }, index) =>
    columns[index] ? [unpack(type, columns[index])] : [],
  )
  const data = makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children })
  const table = new Table(schema, [new RecordBatch(schema, data)])
  return tableToIPC(table, 'stream') as Uint8Array<ArrayBuffer>
}

function unpack(type: DataType, column: BatchColumn): Data {
  const inner = type.children ?? []
  const children = column.children.flatMap((child, index) =>
    inner[index] ? [unpack(inner[index].type, child)] : [],
  )
  const { length, nullCount, nullBitmap, offsets, values } = column
  return makeData({
    type,
    length,
    nullCount,
    ...(nullBitmap ? { nullBitmap } : {}),
    ...(offsets ? { valueOffsets: offsets } : {}),
    ...(values ? { data: values } : {}),
    ...(children.length === 1 && offsets ? { child: children[0] } : { children }),
  } as never)
}
