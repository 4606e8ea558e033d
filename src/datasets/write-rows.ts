// The rows of one config into files with partial names: split by split, in the order of the selection.
// Each file that is whole is noted in the checkpoint with where to go on, so that an export that was
// killed makes the same files as one that was not.
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { createBatchBuilder } from './arrow.ts'
import { lastState, type RowState, type ShardLine, soFar } from './checkpoint.ts'
import { renderExample } from './card/example.ts'
import { codeVersion } from './code-version.ts'
import type { Target } from './directory.ts'
import { huggingfaceFooter } from './features.ts'
import { createLineShardWriter } from './lines.ts'
import { makeRows, type RowJob, type Unit, unitsOf } from './make-rows.ts'
import type { DatasetFile } from './manifest.ts'
import { type Codec, createParquetWriter } from './parquet.ts'
import { createReadAhead, readingOf } from './read-ahead.ts'
import type { Selected } from './selection.ts'
import { createShardWriter, type ShardOptions, type ShardWriter } from './shards.ts'
import { type Split, splits } from './split.ts'
import { createCollector, type Statistics } from './statistics.ts'

export const formats = ['parquet', 'jsonl'] as const
export type Format = (typeof formats)[number]

export interface WriteJob extends RowJob {
  /** The name of the config, and the folder of its files. */
  config: string
  folder: string
  selected: Selected[]
  /** By task hash. */
  sides: Map<string, Split>
  format: Format
  codec: Codec
  maxShardBytes: number
  target: Target
  onProgress: (done: { trajectories: number; rows: number; bytes: number }) => void
}

export interface WrittenRows {
  files: (DatasetFile & { partial: string })[]
  rows: number
  statistics: Statistics
  repairedStrings: number
  /** The first row, for the card. */
  example: string | null
}

export async function writeRows(job: WriteJob): Promise<WrittenRows> {
  const { recipe, target, config } = job
  const before = lastState(target.earlier, config)
  const collector = createCollector(before?.collector)
  const sink = createSink(job)
  const units = unitsOf(recipe, job.selected)
  const done = { trajectories: before?.trajectories ?? 0, rows: 0, bytes: 0 }
  const files: WrittenRows['files'] = []
  const repairedBefore = before?.repairedStrings ?? 0
  let example = before?.example ?? null

  function state(): RowState {
    return {
      collector: collector.snapshot(),
      repairedStrings: repairedBefore + sink.repaired,
      trajectories: done.trajectories,
      contexts: job.contexts.files.map((file) => ({ ...file, partial: target.relative(file.partial) })),
      example,
    }
  }

  try {
    for (const split of splits) {
      const { shards, next } = soFar(target.earlier, config, split)
      done.rows += shards.reduce((sum, shard) => sum + shard.rows, 0)
      const lines = [...shards]
      if (next !== null) await writeSplit(split, next, lines)
      for (const [index, { partial, rows, bytes, sha256 }] of lines.entries()) {
        const path = finalName(job, split, index, lines.length)
        files.push({ partial: target.absolute(partial), path, config, rows, bytes, sha256, split })
      }
    }
  } finally {
    await sink.close()
  }
  const statistics = collector.summarize()
  return { files, rows: done.rows, statistics, repairedStrings: repairedBefore + sink.repaired, example }

  /** From `start` on; adds a line for each file. */
  async function writeSplit(
    split: Split,
    start: { unit: number; rows: number },
    lines: ShardLine[],
  ): Promise<void> {
    /** The unit whose rows are being written, and how many of them went into whole files. */
    let at: { unit: number; rows: number } | null = start
    let given = 0
    const shards = sink.open({
      maximumBytes: job.maxShardBytes,
      pathOf: (index) => target.partial(`${job.folder}/${split}-${String(index).padStart(5, '0')}`),
      first: lines.length,
      async onShard({ path, rows }) {
        const next = at === null ? null : { unit: at.unit, rows: given }
        const partial = target.relative(path)
        const line = { kind: 'shard', config, split, partial, rows, ...(await seal(path)), next } as const
        lines.push({ ...line, state: state() })
        await target.note({ ...line, state: state() })
      },
    })
    const left = units.filter(
      ({ index, taskHash }) => index >= start.unit && job.sides.get(taskHash) === split,
    )
    const source = createReadAhead(
      job.store,
      left.flatMap(({ members }) => members),
      readingOf(recipe, job.options),
    )
    try {
      for (const unit of left) {
        job.signal?.throwIfAborted()
        at = { unit: unit.index, rows: 0 }
        given = 0
        const skipped = unit.index === start.unit ? start.rows : 0
        const made = await makeRows({ ...job, source }, unit, split, async (row) => {
          example ??= renderExample(recipe, row)
          // A file that is completed before this row holds those before it.
          if (given >= skipped) await shards.add(row)
          given += 1
        })
        collector.add(split, unit.taskHash, made.used, made.rows, made.leftOut)
        count(unit, made.rows - skipped)
      }
      at = null
      const whole = lines.length
      await shards.finish()
      if (lines.length === whole) await target.note({ kind: 'end', config, split, state: state() })
    } catch (error) {
      await shards.abort('The export was given up.')
      throw error
    }
  }

  function count(unit: Unit, rows: number): void {
    done.rows += rows
    done.trajectories += unit.members.length
    done.bytes = sink.bytes
    job.onProgress({ ...done })
  }
}

interface Sink {
  open(options: ShardOptions): ShardWriter
  /** Strings that could not be written as they were, so far. */
  readonly repaired: number
  /** Uncompressed bytes, so far. */
  readonly bytes: number
  close(): Promise<void>
}

function createSink(job: WriteJob): Sink {
  const { recipe } = job
  if (job.format === 'jsonl') return createLineSink(job)
  const builder = createBatchBuilder(recipe.schema)
  // Its thread starts while the first rows are read.
  const writer = createParquetWriter({
    schema: recipe.schema,
    codec: job.codec,
    metadata: {
      descent: `${recipe.name}@${recipe.version}`,
      descent_code_version: codeVersion(),
      huggingface: huggingfaceFooter(recipe.schema),
    },
  })
  return {
    open: (options) => createShardWriter({ ...options, writer, builder }),
    get repaired() {
      return builder.repaired
    },
    get bytes() {
      return builder.total
    },
    async close() {
      await writer.close()
    },
  }
}

function createLineSink({ recipe }: WriteJob): Sink {
  const columns = recipe.documents ? null : recipe.columns.map(({ name }) => name)
  const opened: ReturnType<typeof createLineShardWriter>[] = []
  return {
    open(options) {
      const writer = createLineShardWriter({
        ...options,
        columns,
        ownFiles: recipe.documents === 'a file each',
      })
      opened.push(writer)
      return writer
    },
    get repaired() {
      return opened.reduce((sum, { repaired }) => sum + repaired, 0)
    },
    get bytes() {
      return opened.reduce((sum, { bytes }) => sum + bytes, 0)
    },
    close: () => Promise.resolve(),
  }
}

/** As on the Hugging Face Hub: `data/train-00000-of-00002.parquet`. */
function finalName({ folder, format }: WriteJob, split: Split, index: number, count: number): string {
  const digits = (value: number) => String(value).padStart(5, '0')
  return `${folder}/${split}-${digits(index)}-of-${digits(count)}.${format}`
}

/** Flushes a complete file to the disk, and measures it. */
async function seal(path: string): Promise<{ bytes: number; sha256: string }> {
  const file = await open(path, 'r+')
  try {
    await file.datasync()
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      hash.update(chunk as Buffer)
      bytes += (chunk as Buffer).length
    }
    return { bytes, sha256: hash.digest('hex') }
  } finally {
    await file.close()
  }
}
