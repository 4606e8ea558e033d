// Packages that cells may import beside the standard library, such as numpy: bound read-only, and only
// when a person names them.
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { UsageError } from '../../src/errors.ts'
import { packageRoot } from '../../src/package.ts'
import { isRoot, nobody, reachableBy } from '../../src/reach.ts'
import { interpreterEnvironment } from './linux.ts'
import type { Interpreter } from './python.ts'

const probeTimeoutMs = 60_000
const reportSchema = z.object({
  directories: z.array(z.string()),
  libraries: z.array(z.object({ path: z.string(), names: z.array(z.string()) })),
  failed: z.array(z.string()),
})

/**
 * The interpreter with `asked` in reach: names of packages that it can import itself (their whole
 * site-packages directory is bound), or directories. Throws a UsageError that says which cannot be used.
 */
export async function withLibraries(
  interpreter: Interpreter,
  asked: readonly string[],
): Promise<Interpreter> {
  if (asked.length === 0) return interpreter
  const wrong = asked.find((name) => !path.isAbsolute(name) && !/^[A-Za-z_]\w*(\.\w+)*$/.test(name))
  if (wrong !== undefined) {
    throw new UsageError(
      `not a library for the sandbox: ${wrong}. Give an absolute directory or the name of a package.`,
    )
  }
  const probe = path.join(packageRoot, 'collectors/sandbox/library-probe.py')
  let printed: string
  try {
    // Of a copied interpreter, the libraries of the copy: those that it was built with, cells cannot read.
    const { LD_LIBRARY_PATH } = interpreterEnvironment(interpreter)
    const options = { timeout: probeTimeoutMs, maxBuffer: 4 << 20, cwd: '/', env: { LD_LIBRARY_PATH } }
    const run = promisify(execFile)
    printed = (await run(interpreter.executable, ['-B', '-s', probe, ...asked], options)).stdout
  } catch (error) {
    const why = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)
    throw new UsageError(`the libraries of the sandbox cannot be looked at (${why})`)
  }
  const { directories, libraries, failed } = reportSchema.parse(
    JSON.parse(printed.trim().split('\n').at(-1) ?? ''),
  )
  if (failed.length > 0) {
    throw new UsageError(`these libraries cannot be used by ${interpreter.executable}: ${failed.join('; ')}`)
  }
  if (isRoot()) {
    for (const directory of directories) {
      if (await reachableBy(directory, nobody)) continue
      throw new UsageError(
        `cells cannot read ${directory}: as root they run under another user. Move it, or let others enter it.`,
      )
    }
  }
  const known = new Set(interpreter.libraries.map((library) => library.path))
  const added = libraries.filter(
    (library) => !known.has(library.path) && !isInside(interpreter, library.path),
  )
  return {
    ...interpreter,
    libraries: [...interpreter.libraries, ...added],
    packages: directories.filter((directory) => !interpreter.standard.includes(directory)),
  }
}

function isInside(interpreter: Interpreter, file: string): boolean {
  return interpreter.standard.some((directory) => file.startsWith(directory + path.sep))
}
