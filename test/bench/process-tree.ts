// What a tree of processes uses on Linux, read from /proc: processor time, memory.
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second of /proc/PID/stat: fixed at 100 on every Linux that Node runs on. */
const ticks = 100

interface Stat {
  parent: number
  /** Seconds of the process, and of those children that it has waited for. */
  own: number
  waited: number
}

function readStat(pid: number): Stat | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
    const at = (index: number) => Number(fields[index] ?? 0)
    return { parent: at(1), own: (at(11) + at(12)) / ticks, waited: (at(13) + at(14)) / ticks }
  } catch {
    return null
  }
}

function treeOf(root: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const parents = new Map(pids.map((pid) => [Number(pid), readStat(Number(pid))?.parent]))
  const found = [root]
  for (const at of found) for (const [pid, parent] of parents) if (parent === at) found.push(pid)
  return found
}

export function parentOf(pid: number): number {
  return readStat(pid)?.parent ?? 0
}

/** The first child of a process, 0 when it has none. */
export function childOf(pid: number): number {
  return treeOf(pid)[1] ?? 0
}

/** Processor seconds of a tree that goes on running: of its processes, and of those that have ended. */
export function treeSeconds(root: number): number {
  return treeOf(root)
    .map(readStat)
    .reduce((sum, stat) => sum + (stat ? stat.own + stat.waited : 0), 0)
}

export function ownSeconds(pid: number): number {
  return readStat(pid)?.own ?? 0
}

/** Processor seconds of all children that this process has waited for, and theirs. */
export function waitedSeconds(): number {
  return readStat(process.pid)?.waited ?? 0
}

/** Bytes of memory that the trees hold; what is shared counts once. */
export function treeMemory(roots: readonly number[]): number {
  let bytes = 0
  for (const pid of roots.flatMap(treeOf)) {
    try {
      const [, kilobytes = '0'] =
        /^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')) ?? []
      bytes += Number(kilobytes) * 1024
    } catch {
      // It has just ended.
    }
  }
  return bytes
}
