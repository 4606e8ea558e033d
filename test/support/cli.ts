// Runs `descent` as a process, as people do, on a store of its own.
import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import postgres from 'postgres'
import { removeDirectory, temporaryDirectory } from './directory.ts'

const launcher = path.resolve(import.meta.dirname, '../../bin/descent.js')

export interface CliResult {
  code: number | null
  stdout: string
  stderr: string
  /** stdout as JSON lines. */
  json<T>(): T[]
}

export interface CliOptions {
  cwd?: string
  env?: Record<string, string | undefined>
  /** Called with the process once it runs. */
  started?(child: ChildProcess): void
}

export async function descent(args: string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  options.started?.(child)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return {
    code,
    stdout,
    stderr,
    json: <T>() =>
      stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as T),
  }
}

export interface Workplace {
  directory: string
  /** A `--store` value: a fresh directory, or a fresh database when DESCENT_TEST_POSTGRES names a server. */
  store: string
  dispose(): Promise<void>
}

export async function createWorkplace(): Promise<Workplace> {
  const directory = await temporaryDirectory('cli')
  const server = process.env.DESCENT_TEST_POSTGRES
  if (!server) {
    return {
      directory,
      store: path.join(directory, 'store'),
      dispose: async () => await removeDirectory(directory),
    }
  }
  const admin = postgres(server, { max: 1, onnotice: () => {} })
  const name = `cli_${process.pid}_${Date.now()}`
  await admin.unsafe(`create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    directory,
    store: url.href,
    async dispose() {
      await admin.unsafe(`drop database ${name} with (force)`)
      await admin.end()
      await removeDirectory(directory)
    },
  }
}
