// What the Linux levels share.
import os from 'node:os'
import path from 'node:path'
import type { Interpreter } from './python.ts'
import { ownArchitecture } from './seccomp.ts'
import type { Architecture } from './seccomp.ts'

export function kernelIsAtLeast(major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = os.release().split('.').map(Number)
  return ownMajor > major || (ownMajor === major && ownMinor >= minor)
}

/** Why no level with a seccomp filter can work on this machine, or null. */
export function seccompObstacle(): string | null {
  if (process.platform !== 'linux') return `needs Linux, this is ${process.platform}`
  if (ownArchitecture() === null) return `has no system call table for ${process.arch}`
  return null
}

export function requiredArchitecture(): Architecture {
  const architecture = ownArchitecture()
  if (architecture === null) throw new Error(`no system call table for ${process.arch}`)
  return architecture
}

/**
 * The whole environment of an interpreter; the runner clears it before the first cell. The hash seed is
 * fixed so that a cell which is run again iterates over its sets in the same order.
 */
export function interpreterEnvironment(interpreter: Interpreter): Record<string, string> {
  const names = interpreter.libraries.flatMap((library) => library.names)
  return {
    HOME: '/tmp',
    LANG: 'C.UTF-8',
    LD_LIBRARY_PATH: [...new Set(names.map((name) => path.dirname(name)))].join(':'),
    // A thread's heap would take 64 MB of address space each.
    MALLOC_ARENA_MAX: '2',
    PYTHONHASHSEED: '0',
  }
}
