// Finds a CPython that runs cells: the real program behind shims, its standard library and the shared
// libraries it loads, which are all that a session may read of the host. Invariant: what is returned
// was run, as it will be run later, and can be reached by the uid that will run it.
import { execFile } from 'node:child_process'
import { readFile, readdir, stat, utimes } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { environment } from '../../src/env.ts'
import { DescentError, UsageError } from '../../src/errors.ts'
import { sha256Hex } from '../../src/hash.ts'
import { packageRoot } from '../../src/package.ts'
import { isRoot, nobody, publicCopy, reachableBy } from '../../src/reach.ts'
import { findPrograms } from './programs.ts'

const oldest = [3, 9] as const
const probeTimeoutMs = 20_000
/** Parts of a standard library that no cell needs, left out of a copy. */
const notCopied = new Set(['site-packages', 'dist-packages', 'test', 'idlelib', 'tkinter', 'ensurepip'])
const required = ['ctypes', 're', 'traceback', 'resource', 'mmap', 'hashlib', 'zlib']

const reportSchema = z.object({
  implementation: z.string(),
  version: z.tuple([z.number(), z.number(), z.number()]),
  executable: z.string(),
  prefix: z.string(),
  standard: z.array(z.string()),
  libraries: z.array(z.object({ path: z.string(), names: z.array(z.string()) })),
  missing: z.array(z.string()),
})
type Report = z.infer<typeof reportSchema>

export interface Interpreter {
  executable: string
  version: string
  /** Directories of the standard library. */
  standard: string[]
  /** Shared libraries: the file and the names by which the loader asks for it. */
  libraries: { path: string; names: string[] }[]
  /** Directories of further packages, bound on purpose; on sys.path after the standard library. */
  packages: string[]
}

/**
 * The interpreter for sessions: `asked` (or DESCENT_PYTHON) and nothing else when given, otherwise the
 * first that serves of /usr/bin/python3 and the `python3`s on PATH. Root runs cells under another uid:
 * an interpreter in a private place is copied to a public one, once. Throws a UsageError that says
 * what was tried.
 */
export function findPython(asked?: string): Promise<Interpreter> {
  const chosen = asked ?? environment.python
  const known = found.get(chosen) ?? search(chosen)
  found.set(chosen, known)
  return known
}

/** Searched once in the life of this process; a failure is not kept. */
const found = new Map<string | undefined, Promise<Interpreter>>()

async function search(chosen: string | undefined): Promise<Interpreter> {
  const candidates = chosen === undefined ? await findPrograms('python3') : [chosen]
  const tried: string[] = []
  for (const candidate of candidates) {
    try {
      return await useCandidate(candidate)
    } catch (error) {
      if (!(error instanceof DescentError)) throw error
      tried.push(error.message)
    }
  }
  found.delete(chosen)
  const reasons = tried.length > 0 ? tried.join('; ') : 'there is no python3 at /usr/bin or on PATH'
  throw new UsageError(
    `no Python ${oldest.join('.')} or newer can run cells: ${reasons}. Install python3 with its whole standard library, or set DESCENT_PYTHON to an interpreter.`,
    { code: 'no_python' },
  )
}

async function useCandidate(candidate: string): Promise<Interpreter> {
  const report = await examine(candidate)
  const interpreter = await reachable(report)
  return {
    executable: interpreter.executable,
    version: interpreter.version.join('.'),
    standard: interpreter.standard,
    libraries: interpreter.libraries,
    packages: [],
  }
}

/** `as`: run as a stranger, who finds shared libraries in these directories. */
async function examine(candidate: string, as?: { libraries: string[] }): Promise<Report> {
  const source = await readFile(path.join(packageRoot, 'collectors/sandbox/interpreter-probe.py'), 'utf8')
  let printed: string
  try {
    const stranger = as && { uid: nobody, gid: nobody, env: { LD_LIBRARY_PATH: as.libraries.join(':') } }
    const options = { timeout: probeTimeoutMs, maxBuffer: 4 << 20, cwd: '/', ...stranger }
    printed = (await promisify(execFile)(candidate, ['-I', '-S', '-B', '-c', source], options)).stdout
  } catch (error) {
    const text = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)
    throw new UsageError(`${candidate} does not run (${text})`)
  }
  const report = reportSchema.parse(JSON.parse(printed))
  const [major, minor] = report.version
  if (report.implementation !== 'cpython')
    throw new UsageError(`${candidate} is ${report.implementation}, not CPython`)
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    throw new UsageError(`${candidate} is Python ${report.version.join('.')}`)
  }
  const missing = required.filter((name) => report.missing.includes(name))
  if (missing.length > 0) throw new UsageError(`${candidate} lacks the modules ${missing.join(', ')}`)
  return report
}

async function reachable(report: Report): Promise<Report> {
  if (!isRoot()) return report
  const needed = [report.executable, ...report.standard, ...report.libraries.map((library) => library.path)]
  const hidden: string[] = []
  for (const file of needed) if (!(await reachableBy(file, nobody))) hidden.push(file)
  if (hidden.length === 0) return report
  const outside = hidden.find((file) => !isInside(report.prefix, file))
  if (outside !== undefined || !isInside(report.prefix, report.executable)) {
    throw new UsageError(
      `${report.executable} cannot be used by an unprivileged user, who cannot read ${outside ?? hidden[0]}`,
    )
  }
  const status = await stat(report.executable)
  const identity = sha256Hex(`${report.executable} ${status.size} ${status.mtimeMs}`).slice(0, 12)
  const copy = await publicCopy({
    source: report.prefix,
    name: `python-${report.version.join('.')}-${identity}`,
    filter: (file) => isNeeded(report, file),
    prepare: async (partial) => await keepTimes(report.prefix, partial),
  })
  const moved = (file: string): string => path.join(copy, path.relative(report.prefix, file))
  const libraries = report.libraries
    .map((library) => library.path)
    .filter((file) => isInside(report.prefix, file))
  const directories = new Set(libraries.map((file) => path.dirname(moved(file))))
  return await examine(moved(report.executable), { libraries: [...directories] })
}

/** Python compares the times of its sources with those noted in the compiled files beside them. */
async function keepTimes(source: string, copy: string): Promise<void> {
  for (const entry of await readdir(copy, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    const { atime, mtime } = await stat(path.join(source, path.relative(copy, file)))
    await utimes(file, atime, mtime)
  }
}

function isInside(directory: string, file: string): boolean {
  const relative = path.relative(directory, file)
  return !relative.startsWith('..') && !path.isAbsolute(relative)
}

/** Of an installation's files: the program, its standard library, its shared libraries. */
function isNeeded(report: Report, file: string): boolean {
  const names = report.libraries.flatMap((library) => [library.path, ...library.names])
  const wanted = [report.executable, ...report.standard, ...names]
  if (wanted.some((needed) => isInside(file, needed))) return true
  const standard = report.standard.find((directory) => isInside(directory, file))
  if (standard === undefined) return false
  const [first = ''] = path.relative(standard, file).split(path.sep)
  return !notCopied.has(first) && !first.startsWith('config-')
}
