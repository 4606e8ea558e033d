// Rows to batches in Arrow's layout, driven by the recipe's schema: one growing buffer per Arrow
// buffer, no builders (they cost several times more). The buffers serve batch after batch; nothing
// outside sees them, as `finish` gives out a copy.
import type { Schema } from 'apache-arrow'
import { type Counter, createColumn } from './arrow-columns.ts'
import { type Batch, packBatch } from './batch.ts'

/** A row of a recipe: a value (or null) for each column name of its schema. */
export type RecipeRow = Record<string, unknown>

export interface BatchBuilder {
  readonly rows: number
  /** Payload so far, in bytes. */
  readonly bytes: number
  /** Payload over the builder's life, in bytes. */
  readonly total: number
  /** Strings that held a lone surrogate, which became U+FFFD; counted over the builder's life. */
  readonly repaired: number
  /** Bytes that `row` takes: the UTF-8 of its strings, and the width of its other values. */
  measure(row: RecipeRow): number
  /** Adds a row of `size` bytes, as measured. Throws a DatasetError when a value does not fit its column. */
  append(row: RecipeRow, size: number): void
  /** The rows so far; the builder is empty afterwards. */
  finish(): Batch
}

export function createBatchBuilder(schema: Schema): BatchBuilder {
  const counter: Counter = { repaired: 0 }
  const columns = schema.fields.map((field) => createColumn(field, counter))
  let rows = 0
  let bytes = 0
  let total = 0
  return {
    get rows() {
      return rows
    },
    get bytes() {
      return bytes
    },
    get total() {
      return total
    },
    get repaired() {
      return counter.repaired
    },
    measure(row) {
      let size = 0
      for (const [index, column] of columns.entries()) {
        size += column.measure(row[schema.fields[index]?.name ?? ''] ?? null)
      }
      return size
    },
    append(row, size) {
      for (const [index, column] of columns.entries()) {
        column.append(row[schema.fields[index]?.name ?? ''] ?? null)
      }
      bytes += size
      total += size
      rows += 1
    },
    finish() {
      const batch = packBatch(
        rows,
        columns.map((column) => column.finish()),
      )
      for (const column of columns) column.reset()
      rows = 0
      bytes = 0
      return batch
    },
  }
}
