// Rows of token arrays for the export benchmark, as `rl-rollouts` gives them: ids of a Zipf-like vocabulary,
// masks in runs, logprobs; and the same arrays as files for pyarrow.
import { writeFile } from 'node:fs/promises'
import { Bool, Field, Float64, Schema, Utf8 } from 'apache-arrow'
import parquet from 'parquetjs-lite'
import type { RecipeRow } from '../../src/datasets/arrow.ts'
import { float32s, int32s, int8s } from '../../src/datasets/recipes/shapes.ts'
import { seededRandom } from '../../src/tasks/random.ts'

/** Ids, mask and logprobs of a row: three lists of so many values. */
export const tokensPerRow = 2000

export const tokenSchema = new Schema([
  new Field('token_ids', int32s(), false),
  new Field('mask', int8s(), false),
  new Field('logprobs', float32s(), true),
  new Field('reward', new Float64(), true),
  new Field('trajectory_id', new Utf8(), false),
  new Field('scripted', new Bool(), false),
])

export interface TokenRows {
  rows: RecipeRow[]
  ids: Int32Array
  mask: Int8Array
  logprobs: Float32Array
}

export function makeTokenRows(count: number): TokenRows {
  const random = seededRandom('token rows', 1)
  const length = count * tokensPerRow
  const ids = new Int32Array(length)
  const mask = new Int8Array(length)
  const logprobs = new Float32Array(length)
  for (let at = 0; at < length; at += 1) {
    ids[at] = Math.floor(150_000 * random.next() ** 5)
    if (at % 400 < 150) continue
    mask[at] = 1
    logprobs[at] = Math.log(1 - 0.99 * random.next() ** 4)
  }
  const rows = Array.from({ length: count }, (_, row) => {
    const [start, end] = [row * tokensPerRow, (row + 1) * tokensPerRow]
    return {
      token_ids: ids.subarray(start, end),
      mask: mask.subarray(start, end),
      logprobs: logprobs.subarray(start, end),
      reward: (row % 100) / 100,
      trajectory_id: `trajectory-${row >> 1}`,
      scripted: false,
    }
  })
  return { rows, ids, mask, logprobs }
}

/** `PLACE.ids`, `PLACE.mask` and `PLACE.logprobs`, for export_pyarrow.py. */
export async function writeTokenFiles({ ids, mask, logprobs }: TokenRows, place: string): Promise<void> {
  for (const [name, array] of Object.entries({ ids, mask, logprobs })) {
    await writeFile(`${place}.${name}`, new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  }
}

/** In the form that it writes fastest: bare repeated fields, plain arrays. */
export async function writeTokensParquetjs(rows: RecipeRow[], path: string): Promise<void> {
  const compression = 'SNAPPY'
  const schema = new parquet.ParquetSchema({
    token_ids: { type: 'INT32', repeated: true, compression },
    mask: { type: 'INT32', repeated: true, compression },
    logprobs: { type: 'FLOAT', repeated: true, compression },
    reward: { type: 'DOUBLE', optional: true, compression },
    trajectory_id: { type: 'UTF8', compression },
    scripted: { type: 'BOOLEAN', compression },
  })
  const writer = await parquet.ParquetWriter.openFile(schema, path)
  writer.setRowGroupSize(500)
  for (const row of rows) {
    const lists = ['token_ids', 'mask', 'logprobs'].map((name) => [name, Array.from(row[name] as Int32Array)])
    await writer.appendRow({ ...row, ...Object.fromEntries(lists) })
  }
  await writer.close()
}
