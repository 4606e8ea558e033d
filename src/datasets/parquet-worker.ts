// The thread in which DuckDB writes Parquet. `open` comes over the parent port and starts a COPY from
// a table function; the function blocks this thread until the next Arrow batch lies in the port of
// batches, so a slow writer holds back its feeder. Whatever fails rejects the COPY, and DuckDB
// removes the unfinished file.
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import duckdb from '@duckdb/node-bindings'
import { DuckDBInstance, DuckDBTableFunction } from '@duckdb/node-api'
import { tableFromIPC } from 'apache-arrow'
import { duckdbType, fillVector } from './duckdb-vectors.ts'
import type { BatchMessage, OpenMessage, WorkerReply, WriterSetup } from './parquet-thread.ts'

const { schema: schemaBytes, batches, signal } = workerData as WriterSetup
const { schema } = tableFromIPC(schemaBytes)

function reply(message: WorkerReply): void {
  parentPort?.postMessage(message, [])
}

function nextMessage(port: MessagePort): BatchMessage {
  for (;;) {
    const seen = Atomics.load(signal, 0)
    const received = receiveMessageOnPort(port)
    if (received) return received.message
    Atomics.wait(signal, 0, seen)
  }
}

const rows = DuckDBTableFunction.create({
  name: 'rows',
  bindFunction(bind) {
    for (const field of schema.fields) bind.addResultColumn(field.name, duckdbType(field.type))
  },
  initFunction: (init) => init.setMaxThreads(1),
  mainFunction(info, output) {
    try {
      const message = nextMessage(batches)
      if (message.kind === 'fail') throw new Error(message.message)
      if (message.kind === 'end') {
        output.rowCount = 0
        return
      }
      output.rowCount = message.batch.rows
      for (const [index, column] of message.batch.columns.entries()) {
        const type = schema.fields[index]?.type
        if (type) fillVector(duckdb.data_chunk_get_vector(output.chunk, index), type, column)
      }
      reply({ kind: 'taken' })
    } catch (error) {
      info.setError(error instanceof Error ? error.message : String(error))
    }
  },
})

// One thread and no reordering buffer: rows leave in the order in which they came, and a row group
// can also end by its bytes.
const instance = await DuckDBInstance.create(':memory:', {
  threads: '1',
  preserve_insertion_order: 'false',
  temp_directory: '',
})
const connection = await instance.connect()
connection.registerTableFunction(rows)

async function write(message: OpenMessage): Promise<void> {
  try {
    const result = await connection.run(message.statement)
    const count = (await result.getRows())[0]?.[0]
    reply({ kind: 'written', rows: Number(count) })
  } catch (error) {
    reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
  }
}

parentPort?.on('message', (message: OpenMessage | { kind: 'close' }) => {
  if (message.kind === 'open') {
    void write(message)
    return
  }
  connection.closeSync()
  instance.closeSync()
  parentPort?.close()
})
