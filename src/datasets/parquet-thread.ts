// The thread that writes Parquet: Arrow batches in, files out, one file at a time. At most `outstanding` batches
// wait for it, so memory does not grow with the file. The rows DuckDB wrote are checked against those given.
import { rm } from 'node:fs/promises'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { type Schema, Table, tableToIPC } from 'apache-arrow'
import { DescentError } from '../errors.ts'
import type { Batch } from './batch.ts'

export interface WriterSetup {
  schema: Uint8Array
  batches: MessagePort
  signal: Int32Array<SharedArrayBuffer>
}
export type OpenMessage = { kind: 'open'; statement: string }
export type BatchMessage =
  | { kind: 'batch'; batch: Batch }
  | { kind: 'end' }
  | { kind: 'fail'; message: string }
export type WorkerReply =
  | { kind: 'taken' }
  | { kind: 'written'; rows: number }
  | { kind: 'failed'; message: string }

export interface ParquetFile {
  /** Takes the batch over; resolves when there is room for another. Rejects with a DatasetError once writing failed. */
  write(batch: Batch): Promise<void>
  /** Resolves when the file is complete and its thread free. */
  finish(): Promise<void>
  /** Gives up: no file is left. */
  abort(reason: string): Promise<void>
}

export interface ParquetThread {
  /** Starts a file by a COPY statement; the one before must be finished or aborted. Nothing may exist at `path`. */
  open(path: string, statement: string): ParquetFile
  close(): Promise<void>
}

const outstanding = 4

export function startParquetThread(schema: Schema): ParquetThread {
  const channel = new MessageChannel()
  const signal = new Int32Array(new SharedArrayBuffer(4))
  const setup: WriterSetup = {
    schema: tableToIPC(new Table(schema), 'stream'),
    batches: channel.port2,
    signal,
  }
  // Beside this file under the same kind of name: TypeScript in the checkout, JavaScript in a package.
  const script = import.meta.url.endsWith('.ts') ? './parquet-worker.ts' : './parquet-worker.js'
  const worker = new Worker(new URL(script, import.meta.url), {
    workerData: setup,
    transferList: [channel.port2],
  })
  let listener: ((reply: WorkerReply) => void) | null = null
  /** Why the thread can take no more work. */
  let broken: string | null = null
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  function breakDown(message: string): void {
    broken ??= message
    listener?.({ kind: 'failed', message: broken })
  }
  worker.on('message', (reply: WorkerReply) => listener?.(reply))
  worker.on('error', (error) => breakDown(error instanceof Error ? error.message : String(error)))
  worker.on('exit', (code) => breakDown(`The writer thread ended (${code}).`))

  function tell(message: OpenMessage | { kind: 'close' }): void {
    worker.postMessage(message, [])
  }

  function post(message: BatchMessage, transfer: ArrayBuffer[] = []): void {
    channel.port1.postMessage(message, transfer)
    Atomics.add(signal, 0, 1)
    Atomics.notify(signal, 0)
  }

  function open(path: string, statement: string): ParquetFile {
    let waiting = 0
    let given = 0
    let failure: DescentError | null = null
    let room: (() => void) | null = null
    const { promise: done, resolve, reject } = Promise.withResolvers<number>()
    const isFull = () => waiting >= outstanding && failure === null
    // Read by `finish` or `abort`; a failure before them is not an unhandled rejection.
    done.catch(() => undefined)
    listener = (reply) => {
      if (reply.kind === 'taken') waiting -= 1
      else if (reply.kind === 'written') resolve(reply.rows)
      else {
        failure = new DescentError('dataset', 'write', `Writing ${path} failed: ${reply.message}`)
        reject(failure)
      }
      room?.()
    }
    if (broken !== null) breakDown(broken)
    tell({ kind: 'open', statement })
    return {
      async write(batch) {
        if (failure) throw failure
        waiting += 1
        given += batch.rows
        post({ kind: 'batch', batch }, [batch.buffer])
        while (isFull()) await new Promise<void>((wake) => (room = wake))
        if (failure) throw failure
      },
      async finish() {
        post({ kind: 'end' })
        const written = await done
        if (written !== given) {
          throw new DescentError('dataset', 'write', `${path}: ${written} rows written of ${given}.`)
        }
      },
      async abort(reason) {
        if (!failure) post({ kind: 'fail', message: reason })
        await done.catch(() => undefined)
        await rm(path, { force: true })
      },
    }
  }

  return {
    open,
    async close() {
      listener = null
      tell({ kind: 'close' })
      channel.port1.close()
      await ended
    },
  }
}
