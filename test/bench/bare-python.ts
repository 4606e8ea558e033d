// The host's end of bare_python.py: the least that speaks its frames.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('bare_python.py', import.meta.url))

export interface BarePython {
  execute(code: string): Promise<string>
  load(file: string): Promise<string>
  close(): void
}

interface Header {
  up?: true
  call?: number
  done?: number
  error?: string | null
  texts: number[]
}

/** Answers every host call with "world". */
export async function startBarePython(python: string): Promise<BarePython> {
  const child = spawn(python, ['-s', '-S', '-B', '-X', 'utf8', program], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: { MALLOC_ARENA_MAX: '2' },
  })
  const stream = child.stdio[3] as Duplex
  let pending: Buffer = Buffer.alloc(0)
  let settle: (printed: string) => void = () => {}
  let fail: (error: Error) => void = () => {}
  let id = 0

  function send(header: Record<string, unknown>, text = ''): void {
    const head = Buffer.from(JSON.stringify(header))
    const blob = Buffer.from(text)
    const prefix = Buffer.alloc(8)
    prefix.writeUInt32BE(head.length, 0)
    prefix.writeUInt32BE(blob.length, 4)
    stream.write(Buffer.concat([prefix, head, blob]))
  }

  function receive(header: Header, blob: Buffer): void {
    if (header.call !== undefined) send({ answer: header.call }, 'world')
    else if (typeof header.error === 'string') fail(new Error(header.error))
    else settle(blob.toString())
  }

  stream.on('data', (chunk: Buffer) => {
    pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk
    while (pending.length >= 8) {
      const headEnd = 8 + pending.readUInt32BE(0)
      const end = headEnd + pending.readUInt32BE(4)
      if (pending.length < end) break
      receive(JSON.parse(pending.toString('utf8', 8, headEnd)) as Header, pending.subarray(headEnd, end))
      pending = pending.subarray(end)
    }
  })

  async function ask(header: Record<string, unknown>, text?: string): Promise<string> {
    return await new Promise((resolve, reject) => {
      settle = resolve
      fail = reject
      id += 1
      send({ ...header, id }, text)
    })
  }

  await new Promise<void>((resolve) => {
    settle = () => resolve()
  })
  return {
    execute: async (code) => await ask({}, code),
    load: async (file) => await ask({ context: file }),
    close() {
      child.kill('SIGKILL')
      void once(child, 'exit')
    },
  }
}
