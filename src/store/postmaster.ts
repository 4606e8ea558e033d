// The server's process as the operating system sees it: is it alive, and is it this store's?
// PostgreSQL leaves `postmaster.pid` behind when it is killed; the file may be removed only when it is
// certain that no server uses the data, for two servers on one directory destroy it.
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../errors.ts'

/** The arguments after the program: in this order, so that they can be found again in a process list. */
export function serverArguments(data: string, port: number): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '128MB',
    max_wal_size: '1GB',
    log_checkpoints: 'off',
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    TimeZone: 'UTC',
    log_timezone: 'UTC',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', data, '-p', String(port), ...options]
}

/**
 * Whether process `pid`, named by the data's postmaster.pid, is a live server of this data. False means
 * that the file is stale. Errors raised: UsageError when a live server may be using the data by another path.
 */
export function isOurServer(pid: number, data: string): boolean {
  const command = commandOf(pid)
  if (command === null || !command.includes('postgres')) return false
  const theirs = / -D (.+?) -p \d+/.exec(command)?.[1]
  if (theirs === undefined) return true
  if (sameDirectory(theirs, data)) return true
  // Another store's server that happens to have the number, or the original of which this is a copy.
  if (pidIn(theirs) === pid) return false
  throw new UsageError(
    `the store at ${data} was moved while its server (process ${pid}) was running: wait until it has stopped (10 seconds after the last use) and run again`,
  )
}

export function isAlive(pid: number): boolean {
  return commandOf(pid) !== null
}

/** The command line of a live process; null when there is none or it is a zombie. */
function commandOf(pid: number): string | null {
  if (!Number.isInteger(pid) || pid <= 0) return null
  try {
    if (process.platform === 'linux') {
      const state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
      if (state === 'Z' || state === 'X') return null
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    }
    const line = execFileSync('ps', ['-ww', '-o', 'stat=,command=', '-p', String(pid)], {
      encoding: 'utf8',
    }).trim()
    return line === '' || line.startsWith('Z') ? null : line
  } catch {
    return null
  }
}

function sameDirectory(left: string, right: string): boolean {
  try {
    const [a, b] = [statSync(left), statSync(right)]
    return a.dev === b.dev && a.ino === b.ino
  } catch {
    return false
  }
}

export function pidIn(data: string): number | null {
  try {
    return Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]) || null
  } catch {
    return null
  }
}
