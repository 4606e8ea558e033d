// Where model-written Python runs: chooses the strongest level that works here and opens sessions in it.
// Invariant: a level is used only after it has proved itself by running a cell, and nothing below what
// was asked for is used in its stead.
import { environment } from '../../src/env.ts'
import { DescentError, UsageError } from '../../src/errors.ts'
import { isolationLevels } from '../../src/sandbox.ts'
import type { Isolation, Sandbox, SandboxSession, SessionOptions } from '../../src/sandbox.ts'
import { bubblewrap } from './bubblewrap.ts'
import { docker } from './docker.ts'
import { gvisor } from './gvisor.ts'
import { landlock } from './landlock.ts'
import type { Level } from './level.ts'
import { none } from './none.ts'
import { openPool } from './pool.ts'
import { prove } from './proof.ts'
import { withLibraries } from './libraries.ts'
import { findPython } from './python.ts'
import type { Interpreter } from './python.ts'
import { openSession } from './session.ts'
import { wasm } from './wasm.ts'

/** From the strongest to the weakest. */
const levels: readonly Level[] = [gvisor, docker, bubblewrap, landlock, wasm, none]
/** Whether a level is taken without being named: gVisor and containers are slow, `none` isolates nothing. */
function isOffered(isolation: Isolation, weakest: Isolation): boolean {
  if (isolation === 'gvisor' || isolation === 'docker') return weakest === isolation
  return isolation !== 'none'
}
const fix =
  'Install bubblewrap and python3 where user namespaces are allowed, or use Linux 5.13 or newer with Landlock and python3, or accept Pyodide (minIsolation: wasm); `descent doctor` shows what was tried'

export interface SandboxOptions {
  /** The weakest level that may be chosen; default `landlock`. */
  minIsolation?: Isolation
  /** This level and no other; the only way to `none`. Default: DESCENT_SANDBOX. */
  level?: Isolation
  /** The interpreter; default: DESCENT_PYTHON, else the first that is found. */
  python?: string
  /** Packages that cells may import: names of the interpreter's own, or directories; default none. */
  libraries?: string[]
  /** A level of one's own (`remoteLevel` in over-stream.ts), taken in place of all others. */
  remote?: Level
  /** Interpreters kept waiting for the next session with the same contexts; default 0. */
  warm?: number
}

export interface LevelReport {
  level: Isolation
  ok: boolean
  /** What was seen to work, or why the level does not. */
  why: string
}

/** Tries every level, or those named in `only`, by running a cell in it; never throws. */
export async function probeSandbox(
  options: { python?: string; only?: readonly Isolation[] } = {},
): Promise<LevelReport[]> {
  const reports: LevelReport[] = []
  const asked = levels.filter(({ isolation }) => options.only?.includes(isolation) ?? true)
  for (const level of asked) reports.push(await report(level, options.python))
  return reports
}

/**
 * A sandbox at the level asked for, or at the strongest one that works and is no weaker than
 * `minIsolation`. Throws a UsageError that says what was tried when there is none.
 */
export async function openSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const level = await choose(options)
  const pool = await openPool(level, await interpreterFor(level, options), options.warm ?? 0)
  const sessions = new Set<SandboxSession>()
  let closed = false

  return {
    isolation: level.isolation,
    async open(session: SessionOptions) {
      if (closed) throw new UsageError('the sandbox is closed', { boundary: 'sandbox', code: 'closed' })
      const opened = await openSession(
        { takeRepl: async () => await pool.take(session.contexts), onClose },
        session,
      )
      sessions.add(opened)
      function onClose(): void {
        sessions.delete(opened)
      }
      if (closed) await opened.close()
      return opened
    },
    async close() {
      closed = true
      await Promise.all([...sessions].map(async (session) => await session.close()))
      await pool.close()
    },
  }
}

async function interpreterFor(level: Level, options: SandboxOptions): Promise<Interpreter | null> {
  const { libraries = [] } = options
  if (level.hostPython) return await withLibraries(await findPython(options.python), libraries)
  if (libraries.length === 0) return null
  throw new UsageError(`the sandbox level ${level.isolation} has no libraries beside the standard library`)
}

async function choose(options: SandboxOptions): Promise<Level> {
  if (options.remote !== undefined) {
    await prove(options.remote, options.python)
    return options.remote
  }
  const forced = options.level ?? forcedByEnvironment()
  const weakest =
    options.minIsolation ?? (forced !== undefined && isWeaker(forced, 'landlock') ? forced : 'landlock')
  if (forced !== undefined && isWeaker(forced, weakest)) {
    const asked = options.level === undefined ? `DESCENT_SANDBOX=${forced}` : `the sandbox level ${forced}`
    throw unavailable(
      `${asked} is weaker than minIsolation, ${weakest}: set minIsolation to ${forced} where that is enough`,
    )
  }
  const candidates = levels.filter(({ isolation }) =>
    forced === undefined
      ? isOffered(isolation, weakest) && !isWeaker(isolation, weakest)
      : isolation === forced,
  )
  const reasons: string[] = []
  for (const level of candidates) {
    const { ok, why } = await report(level, options.python)
    if (ok) return level
    reasons.push(`${level.isolation}: ${why.replace(/\.$/, '')}`)
  }
  const possible = levels.map((level) => level.isolation).join(', ')
  if (reasons.length === 0) {
    throw unavailable(
      `no sandbox level of this version is ${forced ?? `at least ${weakest}`}; there are ${possible}`,
    )
  }
  throw unavailable(`cells cannot be run in isolation here. ${reasons.join('. ')}. ${fix}.`)
}

function unavailable(message: string): UsageError {
  return new UsageError(message, { boundary: 'sandbox', code: 'no_sandbox' })
}

function forcedByEnvironment(): Isolation | undefined {
  const named = environment.sandbox
  const found = isolationLevels.find((isolation) => isolation === named)
  if (named !== undefined && found === undefined) {
    throw unavailable(
      `DESCENT_SANDBOX is ${named}; allowed are ${levels.map((level) => level.isolation).join(', ')}`,
    )
  }
  return found
}

function isWeaker(one: Isolation, other: Isolation): boolean {
  return isolationLevels.indexOf(one) > isolationLevels.indexOf(other)
}

const reports = new Map<string, Promise<LevelReport>>()

/** Proves a level once in the life of this process. */
async function report(level: Level, python: string | undefined): Promise<LevelReport> {
  const key = JSON.stringify([level.isolation, python])
  const found = reports.get(key) ?? tryLevel(level, python)
  reports.set(key, found)
  return await found
}

async function tryLevel(level: Level, python: string | undefined): Promise<LevelReport> {
  try {
    return { level: level.isolation, ok: true, why: await prove(level, python) }
  } catch (error) {
    if (!(error instanceof DescentError)) throw error
    return { level: level.isolation, ok: false, why: error.message }
  }
}
