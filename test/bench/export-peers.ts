// The writers that the benchmark compares: row objects in, one Parquet file out.
import type { Schema } from 'apache-arrow'
import parquet from 'parquetjs-lite'
import { createBatchBuilder, type RecipeRow } from '../../src/datasets/arrow.ts'
import { findRecipe } from '../../src/datasets/index.ts'
import { type Codec, createParquetWriter } from '../../src/datasets/parquet.ts'
import { createShardWriter } from '../../src/datasets/shards.ts'

/** Ours, the start of its thread included. */
export async function writeOurs(
  rows: RecipeRow[],
  path: string,
  codec: Codec,
  schema: Schema = findRecipe('sft-turns').schema,
): Promise<void> {
  const writer = createParquetWriter({ schema, codec, metadata: {} })
  const shards = createShardWriter({
    writer,
    builder: createBatchBuilder(schema),
    maximumBytes: Number.MAX_SAFE_INTEGER,
    pathOf: () => path,
    onShard: () => undefined,
  })
  for (const row of rows) await shards.add(row)
  await shards.finish()
  await writer.close()
}

const compression = 'SNAPPY'
const text = { type: 'UTF8', compression }
const optionalText = { ...text, optional: true }
const messages = {
  type: 'LIST',
  fields: { list: { repeated: true, fields: { element: { fields: { role: text, content: text } } } } },
}

/** With standard three-level lists, which it wants spelled out in the schema and in every row. */
export async function writeParquetjs(rows: RecipeRow[], path: string): Promise<void> {
  const number = (type: string) => ({ type, compression })
  const schema = new parquet.ParquetSchema({
    prompt: messages,
    completion: messages,
    role: text,
    run_id: text,
    trajectory_id: text,
    task_id: text,
    rollout: number('INT32'),
    invocation_id: text,
    depth: number('INT32'),
    turn: number('INT32'),
    turns: number('INT32'),
    forced: number('BOOLEAN'),
    compaction: number('BOOLEAN'),
    reward: { ...number('DOUBLE'), optional: true },
    stop_reason: optionalText,
    model: text,
    protocol: text,
    protocol_hash: text,
    prompt_characters: number('INT64'),
    policy_version: optionalText,
    scripted: number('BOOLEAN'),
  })
  const writer = await parquet.ParquetWriter.openFile(schema, path)
  writer.setRowGroupSize(2048)
  for (const row of rows) {
    await writer.appendRow({ ...row, prompt: wrap(row['prompt']), completion: wrap(row['completion']) })
  }
  await writer.close()
}

function wrap(list: unknown): { list: { element: unknown }[] } {
  return { list: (list as unknown[]).map((element) => ({ element })) }
}
