// Runs a command against a PostgreSQL server of its own: `node scripts/with-postgres.ts COMMAND …`.
// The server (Debian's, 15 or newer) gets a fresh cluster in a temporary directory and is gone
// afterwards; the command finds its address in DESCENT_TEST_POSTGRES. Exit code 77: no server installed.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'

const versions = '/usr/lib/postgresql'

function newestServer(): string | null {
  if (!existsSync(versions)) return null
  const found = readdirSync(versions)
    .filter((version) => Number(version) >= 15 && existsSync(path.join(versions, version, 'bin', 'postgres')))
    .toSorted((a, b) => Number(b) - Number(a))[0]
  return found ? path.join(versions, found, 'bin') : null
}

async function freePort(): Promise<number> {
  return await new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

async function main(): Promise<number> {
  const [command, ...args] = process.argv.slice(2)
  const binaries = newestServer()
  if (!command || !binaries) {
    console.error(
      command
        ? 'no PostgreSQL server of version 15 or newer is installed (apt-get install postgresql)'
        : 'no command given',
    )
    return 77
  }
  const directory = mkdtempSync(path.join(os.tmpdir(), 'descent-postgres-'))
  // PostgreSQL refuses to run as root.
  const identity = process.getuid?.() === 0 ? { uid: userId('postgres'), gid: groupId('postgres') } : {}
  const data = path.join(directory, 'data')
  const password = path.join(directory, 'password')
  mkdirSync(data)
  writeFileSync(password, 'test')
  for (const owned of [directory, data, password])
    if (identity.uid !== undefined) chownSync(owned, identity.uid, identity.gid)
  execFileSync(
    path.join(binaries, 'initdb'),
    ['-D', data, '-U', 'descent', '-A', 'scram-sha-256', `--pwfile=${password}`, '-E', 'UTF8', '--locale=C'],
    {
      ...identity,
      cwd: directory,
      stdio: 'ignore',
    },
  )
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=']
  // For tests, not for benchmarks: what is in it is gone in the end anyway.
  if (process.env.DESCENT_TEST_FSYNC === 'off') settings.push('fsync=off')
  const server = spawn(
    path.join(binaries, 'postgres'),
    ['-D', data, '-p', String(port), ...settings.flatMap((one) => ['-c', one])],
    {
      ...identity,
      cwd: directory,
      stdio: 'ignore',
    },
  )
  try {
    for (
      let tries = 0;
      spawnSync(path.join(binaries, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)]).status !== 0;
      tries += 1
    ) {
      if (tries === 100 || server.exitCode !== null) throw new Error('the PostgreSQL server did not start')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const address = `postgres://descent:test@127.0.0.1:${port}/postgres`
    const run = spawn(command, args, {
      stdio: 'inherit',
      env: { ...process.env, DESCENT_TEST_POSTGRES: address },
    })
    return await new Promise((resolve) => run.on('exit', (code) => resolve(code ?? 1)))
  } finally {
    server.kill('SIGINT')
    if (server.exitCode === null) await new Promise((resolve) => server.on('exit', resolve))
    rmSync(directory, { recursive: true, force: true })
  }
}

function userId(name: string): number {
  return Number(execFileSync('id', ['-u', name], { encoding: 'utf8' }))
}

function groupId(name: string): number {
  return Number(execFileSync('id', ['-g', name], { encoding: 'utf8' }))
}

process.exitCode = await main()
