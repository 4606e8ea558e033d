// Starting and watching the processes of the embedded store in tests.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface Worker {
  child: ChildProcess
  /** What it said so far, a value a line. */
  said: Record<string, unknown>[]
  errors: () => string
  /** Resolves when it has said something with this key; rejects when it ends without. */
  until(key: string): Promise<Record<string, unknown>>
  ended: Promise<number | null>
}

export function startWorker(location: string, mode: string, env?: NodeJS.ProcessEnv, umask?: string): Worker {
  const script = fileURLToPath(new URL('./worker.ts', import.meta.url))
  const command = `${umask === undefined ? '' : `umask ${umask}; `}exec "$0" "$@"`
  const child = spawn('/bin/sh', ['-c', command, process.execPath, script, location, mode], {
    env: env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: Record<string, unknown>[] = []
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line) as Record<string, unknown>))
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  let over = false
  void ended.then(() => (over = true))
  async function until(key: string): Promise<Record<string, unknown>> {
    for (;;) {
      const line = said.find((item) => key in item)
      if (line) return line
      if (over) throw new Error(`the worker ended: ${errors}`)
      await sleep(10)
    }
  }
  return { child, said, errors: () => errors, until, ended }
}

/** The live processes whose command line has `text` and `directory` in it. */
export function processesOf(text: string, directory: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && isOf(pid, text, directory))
}

function isOf(pid: number, text: string, directory: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    const zombie = /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
    return !zombie && command.includes(text) && command.includes(directory)
  } catch {
    return false
  }
}

/** Waits until `probe` is true; the milliseconds it took. */
export async function waitFor(probe: () => boolean, limit: number, what: string): Promise<number> {
  const started = Date.now()
  while (!probe()) {
    if (Date.now() - started > limit) throw new Error(`${what}: not within ${limit} ms`)
    await sleep(50)
  }
  return Date.now() - started
}
