// The interpreter's shared libraries, copied into directories that hold nothing else. A bind mount costs
// bubblewrap a tenth of a millisecond and more, and a system's Python loads some fifteen libraries: bound one
// by one they were a tenth of what a session costs.
import { stat, symlink } from 'node:fs/promises'
import path from 'node:path'
import { sha256Hex } from '../../src/hash.ts'
import { publicCopy } from '../../src/reach.ts'
import type { Interpreter } from './python.ts'

/** What is bound where; a library that is in no directory of copies is bound by itself. */
export interface LibraryBinds {
  /** [what is there on the host, where it is seen] */
  bound: (readonly [string, string])[]
  /** [what the link says, where it is] */
  linked: (readonly [string, string])[]
}

const made = new WeakMap<Interpreter, Promise<LibraryBinds>>()

/** Copies once in the life of the machine; where no copy can be made, the libraries themselves are bound. */
export function libraryBinds(interpreter: Interpreter): Promise<LibraryBinds> {
  const known = made.get(interpreter) ?? gather(interpreter)
  made.set(interpreter, known)
  return known
}

async function gather(interpreter: Interpreter): Promise<LibraryBinds> {
  const binds: LibraryBinds = { bound: [], linked: [] }
  for (const [directory, libraries] of Map.groupBy(interpreter.libraries, ({ path: file }) =>
    path.dirname(file),
  )) {
    const copy = standsAlone(interpreter, directory) ? await copyOf(directory, libraries) : null
    if (copy !== null) binds.bound.push([copy, directory])
    for (const { path: file, names } of libraries) {
      if (copy === null) binds.bound.push([file, file])
      for (const name of names) {
        if (name === file || (copy !== null && path.dirname(name) === directory)) continue
        binds.linked.push([file, name])
      }
    }
  }
  return binds
}

/** Whether nothing else that a session sees is in there, or around it. */
function standsAlone({ executable, standard, packages }: Interpreter, directory: string): boolean {
  return [executable, ...standard, ...packages].every(
    (other) => !isInside(directory, other) && !isInside(other, directory),
  )
}

function isInside(directory: string, file: string): boolean {
  return `${file}/`.startsWith(`${directory}/`)
}

async function copyOf(directory: string, libraries: Interpreter['libraries']): Promise<string | null> {
  const files = new Set(libraries.map((library) => library.path))
  const links = libraries.flatMap(({ path: file, names }) =>
    names
      .filter((name) => name !== file && path.dirname(name) === directory)
      .map((name) => [path.basename(file), path.basename(name)] as const),
  )
  try {
    const versions = await Promise.all(
      [...files].map(async (file) => {
        const { size, mtimeMs, ino } = await stat(file)
        return [file, size, mtimeMs, ino]
      }),
    )
    return await publicCopy({
      source: directory,
      name: `libraries-${sha256Hex(JSON.stringify([versions, links])).slice(0, 16)}`,
      filter: (file) => file === directory || files.has(file),
      prepare: async (copy) => {
        for (const [file, name] of links) await symlink(file, path.join(copy, name))
      },
    })
  } catch {
    return null
  }
}
