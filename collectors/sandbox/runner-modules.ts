// The Python side's modules, in the order in which they are loaded, and the program that loads them.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { packageRoot } from '../../src/package.ts'

const names = 'wire interrupts output libc snapshot answer arrivals errors namespace confine main'.split(' ')
const directory = path.join(packageRoot, 'collectors/sandbox/runner')

export type RunnerModule = [name: string, source: string]

let modules: Promise<RunnerModule[]> | undefined
let boot: Promise<string> | undefined

export function readRunnerModules(): Promise<RunnerModule[]> {
  modules ??= Promise.all(
    names.map(async (name): Promise<RunnerModule> => [
      name,
      await readFile(path.join(directory, `${name}.py`), 'utf8'),
    ]),
  )
  return modules
}

/** What the interpreter is given as `-c`; it takes the modules from the first frame. */
export function readBoot(): Promise<string> {
  boot ??= readFile(path.join(directory, 'boot.py'), 'utf8')
  return boot
}
